// Proof files (FORMATS.md, "Proof file") and signed checkpoints (C2SP signed-note): that the entries are in the log of the network, and that
// one of them makes the token. Whether each step conserves value is not computed here.
import {decode, encode} from './cbor.js'
import {concat, equal, hex, isBytes, sha256, unhex, utf8} from './bytes.js'
import {climb, leafHash} from './tree.js'
import {outputID, readEntry} from './form.js'
import {be64, domain} from './bytes.js'
import {zip215} from './ed25519.js'

const unbase64 = t => { const b = Uint8Array.from(atob(t), c => c.charCodeAt(0)); if (btoa(String.fromCharCode(...b)) !== t) throw new Error('base64'); return b }
// quorum checks a signature of several members (FORMATS.md, "Quorum's key"): as many as must have signed, each with a key of the set to
// which the key commits.
function quorum(key, text, b) {
  const most = 16, n = b[1], end = 2 + 32 * n + 2
  if (!(n >= 1 && n <= most) || b.length < end || b[0] < 1 || b[0] > n) return false
  if (!equal(sha256(concat(utf8('aqsha quorum v1\n'), b.subarray(0, end - 2))), key.subarray(1))) return false
  const places = b[end - 2] << 8 | b[end - 1]
  if (places >> n) return false
  let at = end, count = 0
  for (let i = 0; i < n; i++) {
    if (!(places >> i & 1)) continue
    if (at + 64 > b.length || !zip215(b.subarray(2 + 32 * i, 34 + 32 * i), text, b.subarray(at, at + 64))) return false
    at += 64
    count++
  }
  return at === b.length && count >= b[0]
}
// openCheckpoint checks a checkpoint with one signature, that of the key that a genesis names: of one signer, or of a quorum.
export function openCheckpoint(note, genesis) {
  const [name, id, ...rest] = genesis.logKey.split('+'), key = unbase64(rest.join('+'))
  const keyID = sha256(concat(utf8(name + '\n'), key)).subarray(0, 4)
  const text = new TextDecoder('utf-8', {fatal: true}).decode(note), cut = text.indexOf('\n\n'), signed = text.slice(0, cut + 1)
  const [origin, size, root] = signed.split('\n'), words = text.slice(cut + 2).replace(/\n$/, '').split(' ')
  if (key.length !== 33 || (key[0] !== 1 && key[0] !== 0xf1) || hex(keyID) !== id || name !== genesis.name || origin !== name) throw new Error('key')
  if (cut < 0 || !text.endsWith('\n') || words.length !== 3 || words[0] !== '—' || words[1] !== name || !/^(0|[1-9]\d*)$/.test(size)) throw new Error('note')
  const b = unbase64(words[2])
  if (!equal(b.subarray(0, 4), keyID)) throw new Error('signature')
  if (key[0] === 1 ? b.length !== 68 || !zip215(key.subarray(1), utf8(signed), b.subarray(4)) : !quorum(key, utf8(signed), b.subarray(4))) throw new Error('signature')
  return {size: BigInt(size), root: unbase64(root)}
}
// The ids of the tokens that an entry makes.
function makes(entry) {
  const t = entry.transaction, s = entry.system
  if (t) {
    const n = {1: t.outputs?.length, 21: t.outputs?.length, 2: t.amounts?.length, 3: t.change ? 1 : 0, 11: t.change ? 2 : 1, 26: t.change ? 2 : 1}[t.kind] ?? entry.effects.made.length
    return Array.from({length: n}, (_, i) => outputID(t.id, i))
  }
  const of = s?.kind === 4 ? domain('aqsha end v1', unhex(s.id)) : s?.kind === 7 ? domain('aqsha renewal v1', unhex(s.id), be64(s.version)) : s?.kind === 5 ? unhex(s.effects.spent[0]) : null
  return of ? s.effects.made.map((_, i) => outputID(of, i)) : []
}
// receipt is what a receipt file (FORMATS.md, "Receipt file") shows: that a transaction stands in the log of a network. Undefined when it does not hold.
export function receipt(file, network) {
  try {
    const [magic, version, checkpoint, id, entries] = decode(file)
    if (magic !== 'aqsha-receipt' || version !== 1n || !isBytes(checkpoint) || id.length !== 32 || entries.length !== 2 || entries[0][0] !== 0n || entries[1][0] <= 0n || hex(leafHash(entries[0][1])) !== network) return undefined
    const {size, root} = openCheckpoint(checkpoint, readEntry(entries[0][1]).leaf.genesis)
    for (const [index, entry, path] of entries) {
      const got = climb(leafHash(entry), index, size, path)
      if (!got || !equal(got, root)) return undefined
    }
    const {transaction} = readEntry(entries[1][1])
    if (!transaction || hex(transaction.id) !== hex(id) || !equal(encode(decode(file)), file)) return undefined
    return {id: hex(id), index: entries[1][0], size}
  } catch { return undefined }
}
// holds says whether a file proves a token of a network, as far as said above.
export function holds(file, network) {
  try {
    const [magic, version, checkpoint, token, entries] = decode(file)
    if (magic !== 'aqsha-proof' || version !== 1n || !isBytes(checkpoint) || token.length !== 32 || entries[0][0] !== 0n || hex(leafHash(entries[0][1])) !== network) return false
    const {size, root} = openCheckpoint(checkpoint, readEntry(entries[0][1]).leaf.genesis)
    let before = -1n
    for (const [index, entry, path] of entries) {
      const got = climb(leafHash(entry), index, size, path)
      if (index <= before || !got || !equal(got, root)) return false
      before = index
    }
    return entries.slice(1).some(([, entry]) => makes(readEntry(entry)).includes(hex(token))) && equal(encode(decode(file)), file)
  } catch { return false }
}
