// What copies of a ledger are made of (FORMATS.md): the node's packed and sealed snapshots, a leader's feed, fences, evidence of two
// histories.
import * as zlib from 'node:zlib'
import {decode, encode} from './cbor.js'
import {concat, equal, hex, sha256, unhex, utf8} from './bytes.js'
import {Tree, leafHash} from './tree.js'
import {begins, checkpoint, number, openNote, root} from './note.js'

const fail = why => { throw new Error(why) }
const be32 = (b, at) => at + 4 <= b.length ? ((b[at] << 24 | b[at + 1] << 16 | b[at + 2] << 8 | b[at + 3]) >>> 0) : fail('cut')
const castagnoli = Uint32Array.from({length: 256}, (_, n) => { for (let k = 0; k < 8; k++) n = n & 1 ? n >>> 1 ^ 0x82f63b78 : n >>> 1; return n })
export const crc32c = b => { let c = ~0; for (const x of b) c = castagnoli[(c ^ x) & 255] ^ c >>> 8; return ~c >>> 0 }
const ascii = b => String.fromCharCode(...b)

// Zstandard is in Node.js from 22.15 on; without it what is compressed is not read, and nothing is said of it.
export const canUnpack = typeof zlib.zstdDecompressSync === 'function'

// unpack is what was packed ("AQPACK1"); undefined where this Node.js cannot tell. Throws where the bytes are not a whole packed stream, or altered.
export function unpack(b) {
  const most = 256 << 10, parts = []
  let told = true
  if (ascii(b.subarray(0, 8)) !== 'AQPACK1\n') fail('magic')
  let at = 8
  for (;;) {
    const size = be32(b, at), stored = be32(b, at + 4)
    at += 8
    if (size === 0 && stored === 0) break
    if (size === 0 || size > most || stored === 0 || stored > size || at + stored > b.length) fail('piece')
    const piece = b.subarray(at, at += stored)
    if (stored === size) parts.push(piece)
    else if (!canUnpack) told = false
    else {
      const whole = zlib.zstdDecompressSync(piece, {maxOutputLength: most})
      parts.push(whole.length === size ? whole : fail('piece'))
    }
  }
  if (be32(b, at) !== crc32c(b.subarray(0, at)) || at + 4 !== b.length) fail('checksum')
  return told ? concat(...parts) : undefined
}
// snapshot reads "AQSNAP3": its state root, when it is the one that its records have, and its network, height and size.
export function snapshot(b) {
  if (ascii(b.subarray(0, 8)) !== 'AQSNAP3\n') fail('magic')
  const records = []
  for (let at = 8; at < b.length;) { const n = be32(b, at); at += 4; if (at + n > b.length) fail('cut'); records.push(b.subarray(at, at += n)) }
  const tree = new Tree(), last = records.pop()
  for (const r of records) tree.add(leafHash(r))
  const [kind, count, stated] = decode(last), [zero, network, leaf, size] = decode(records[0])
  if (kind !== 10n || zero !== 0n || count !== BigInt(records.length) || !equal(stated, tree.root()) || !equal(encode(decode(last)), last)) fail('root')
  return {root: hex(stated), network: hex(network), height: decode(leaf)[1], size}
}
// sealed reads a snapshot's file under a log's key: first the signature, then what it is of.
export function sealed(b, origin, logKey) {
  const end = b.length - 12
  if (end < 0 || ascii(b.subarray(end + 4)) !== 'AQSEAL1\n') fail('no seal')
  const length = be32(b, end), content = b.subarray(0, end - length)
  if (length > 4096 || length > end) fail('seal')
  const text = openNote(b.subarray(end - length, end), logKey), digest = btoa(ascii(sha256(content)))
  if (!text.endsWith('\n' + digest + '\n')) fail('other bytes were signed')
  const packed = unpack(content)
  if (!packed) return undefined
  const s = snapshot(packed)
  if (text !== `aqsha snapshot v1\n${origin}\n${s.network}\n${s.height}\n${s.size}\n${digest}\n`) fail('another was signed')
  return s.root
}
// frames reads a feed: what was read, and whether the rest was refused.
export function frames(b) {
  const read = []
  try {
    for (let at = 0; at < b.length;) {
      const type = String.fromCharCode(b[at]), size = be32(b, at + 1), content = b.subarray(at + 5, at + 5 + size)
      if ((type === 'C' && size > 65504) || (type === 'B' && size > 64 << 20) || (type === 'A' && size !== 8) || !'ABC'.includes(type) || content.length !== size) fail('frame')
      at += 5 + size
      if (type === 'C') read.push({type, checkpoint: new TextDecoder('utf-8', {fatal: true}).decode(content)})
      else if (type === 'A') { const n = content.reduce((n, x) => n << 8n | BigInt(x), 0n); read.push(n > 0n ? {type, size: Number(n)} : fail('nothing acknowledged')) }
      else {
        const entries = []
        for (let i = 0; i < size;) { const n = i + 1 < size ? content[i] << 8 | content[i + 1] : 0; if (n === 0 || i + 2 + n > size) fail('bundle'); entries.push(hex(content.subarray(i + 2, i += 2 + n))) }
        read.push(entries.length > 0 && entries.length <= 1 + 2000 + 4096 ? {type, entries} : fail('block'))
      }
    }
    return {frames: read, refused: false}
  } catch { return {frames: read, refused: true} }
}
// fence reads a fence of a log's key.
export function fence(note, logKey) {
  if (utf8(note).length > 4096) fail('too long')
  const text = openNote(note, logKey), lines = text.split('\n')
  if (lines.length !== 7 || lines[0] !== 'aqsha fence v1' || !/^[0-9a-f]{64}$/.test(lines[1])) fail('fence')
  return {network: lines[1], epoch: number(lines[2]), size: number(lines[3]), root: root(lines[4]), leader: lines[5]}
}
// hash is one in JSON: hexadecimal, or the list of 32 numbers that programs wrote before.
const hash = h => Array.isArray(h) && h.length === 32 && h.every(n => Number.isInteger(n) && n >= 0 && n < 256) ? Uint8Array.from(h) : /^[0-9a-f]{64}$/.test(h) ? unhex(h) : fail('hash')
// verdict is what evidence shows: 'two-histories' or 'left-behind'; throws where it does not hold.
export function verdict(e, logKey) {
  const shorter = checkpoint(e.shorter, e.origin, logKey), longer = checkpoint(e.longer, e.origin, logKey), hashes = list => (list ?? []).map(hash)
  if (shorter.size > longer.size || equal(hash(e.root), shorter.root) || !begins(shorter.size, longer.size, hash(e.root), longer.root, hashes(e.proof))) fail('no evidence')
  const [older, newer] = shorter.epoch < longer.epoch ? [shorter.epoch, longer.epoch] : [longer.epoch, shorter.epoch]
  for (const p of e.fences ?? []) {
    const f = fence(p.fence, logKey)
    if (!begins(f.size, shorter.size, f.root, shorter.root, hashes(p.shorter)) || !begins(f.size, longer.size, f.root, longer.root, hashes(p.longer))) fail('fence')
    if (older < f.epoch && f.epoch <= newer) return 'left-behind'
  }
  return 'two-histories'
}

// The vectors of each.
const tried = f => { try { return f() } catch { return '' } }
export const snapshots = v => v.cases.filter(c => (canUnpack || !c.compressed) && (tried(() => sealed(unhex(c.file), v.origin, v.logKey)) || '') !== c.root).map(c => c.about)
export const streams = v => v.cases.filter(c => { const got = frames(unhex(c.stream)); return got.refused !== c.refused || JSON.stringify(got.frames) !== JSON.stringify(c.frames) }).map(c => c.about)
export const fences = v => v.cases.filter(c => { const f = tried(() => fence(c.note, v.logKey)); return (f !== '') !== c.holds || (c.holds && (f.network !== v.network || Number(f.epoch) !== c.epoch || Number(f.size) !== c.size || hex(f.root) !== c.root || f.leader !== c.leader)) }).map(c => c.about)
export const evidence = v => v.cases.filter(c => tried(() => verdict(c.evidence, v.logKey)) !== c.verdict).map(c => c.about)
