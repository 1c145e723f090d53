// Proof files (FORMATS.md, "Proof file") and signed checkpoints (C2SP signed-note): that the entries are in the log of the network, and that
// one of them makes the token. Whether each step conserves value is not computed here.
import {decode, encode} from './cbor.js'
import {concat, equal, hex, isBytes, sha256, unhex, utf8} from './bytes.js'
import {climb, leafHash} from './tree.js'
import {outputID, readEntry} from './form.js'
import {be64, domain} from './bytes.js'
import {zip215} from './ed25519.js'
import {begins, keyOf, quorum, unbase64} from './note.js'

// openCheckpoint checks a checkpoint with one signature, that of a key of the log's origin: of one signer, or of a quorum.
export function openCheckpoint(note, of, logKey) {
  const [name, id, ...rest] = logKey.split('+'), key = unbase64(rest.join('+'))
  const keyID = sha256(concat(utf8(name + '\n'), key)).subarray(0, 4)
  const text = new TextDecoder('utf-8', {fatal: true}).decode(note), cut = text.indexOf('\n\n'), signed = text.slice(0, cut + 1)
  const [origin, size, root] = signed.split('\n'), words = text.slice(cut + 2).replace(/\n$/, '').split(' ')
  if (key.length !== 33 || (key[0] !== 1 && key[0] !== 0xf1) || hex(keyID) !== id || name !== of || origin !== name) throw new Error('key')
  if (cut < 0 || !text.endsWith('\n') || words.length !== 3 || words[0] !== '—' || words[1] !== name || !/^(0|[1-9]\d*)$/.test(size)) throw new Error('note')
  const b = unbase64(words[2])
  if (!equal(b.subarray(0, 4), keyID)) throw new Error('signature')
  if (key[0] === 1 ? b.length !== 68 || !zip215(key.subarray(1), utf8(signed), b.subarray(4)) : !quorum(key, utf8(signed), b.subarray(4))) throw new Error('signature')
  return {size: BigInt(size), root: unbase64(root)}
}
// signed checks a file's checkpoint by those who sign the log of a genesis: its own key's, or those whom links show.
function signed(genesis, checkpoint, links, continues) {
  const s = follow(genesis, links), c = openCheckpoint(checkpoint, genesis.name, s.key)
  if (links.length ? c.size <= s.size || !begins(s.size, c.size, s.root, c.root, continues) : continues.length) throw new Error('another log than that in which the validators changed')
  return c
}
// follow is who signs a log behind the last change of validators that links show, from the genesis on (FORMATS.md, "Signers").
export function follow(genesis, links) {
  let s = {key: genesis.logKey, size: 0n, root: null}
  for (const [checkpoint, consistency, index, entry, inclusion] of links) {
    const c = openCheckpoint(checkpoint, genesis.name, s.key), got = climb(leafHash(entry), index, c.size, inclusion), t = readEntry(entry).transaction
    if (c.size <= s.size || index < s.size || !got || !equal(got, c.root) || t?.kind !== 38) throw new Error('link')
    if (s.root ? !begins(s.size, c.size, s.root, c.root, consistency) : consistency.length) throw new Error('link of another log')
    if (keyOf(genesis.name, t.validators) === s.key) throw new Error('link that changes nothing')
    s = {key: keyOf(genesis.name, t.validators), size: c.size, root: c.root}
  }
  return s
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
// form says whether a file has the items of its version: 5, or 7 with links to those who signed.
const form = (file, version, links) => version === (links.length ? 2n : 1n) && decode(file).length === (links.length ? 7 : 5)
// receipt is what a receipt file (FORMATS.md, "Receipt file") shows: that a transaction stands in the log of a network. Undefined when it does not hold.
export function receipt(file, network) {
  try {
    const [magic, version, checkpoint, id, entries, links = [], continues = []] = decode(file)
    if (magic !== 'aqsha-receipt' || !form(file, version, links) || !isBytes(checkpoint) || id.length !== 32 || entries.length !== 2 || entries[0][0] !== 0n || entries[1][0] <= 0n || hex(leafHash(entries[0][1])) !== network) return undefined
    const {size, root} = signed(readEntry(entries[0][1]).leaf.genesis, checkpoint, links, continues)
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
    const [magic, version, checkpoint, token, entries, links = [], continues = []] = decode(file)
    if (magic !== 'aqsha-proof' || !form(file, version, links) || !isBytes(checkpoint) || token.length !== 32 || entries[0][0] !== 0n || hex(leafHash(entries[0][1])) !== network) return false
    const {size, root} = signed(readEntry(entries[0][1]).leaf.genesis, checkpoint, links, continues)
    let before = -1n
    for (const [index, entry, path] of entries) {
      const got = climb(leafHash(entry), index, size, path)
      if (index <= before || !got || !equal(got, root)) return false
      before = index
    }
    return entries.slice(1).some(([, entry]) => makes(readEntry(entry)).includes(hex(token))) && equal(encode(decode(file)), file)
  } catch { return false }
}
