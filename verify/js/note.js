// Signed notes (C2SP signed-note) of one Ed25519 key, or of a quorum, as a genesis names it: NAME+HASH+BASE64.
import {concat, equal, hex, sha256, unhex, utf8} from './bytes.js'
import {nodeHash} from './tree.js'
import {zip215} from './ed25519.js'

export const unbase64 = t => { const b = Uint8Array.from(atob(t), c => c.charCodeAt(0)); if (btoa(String.fromCharCode(...b)) !== t) throw new Error('base64'); return b }
const fail = why => { throw new Error(why) }

// quorum checks a signature of several members (FORMATS.md, "Quorum's key"): as many as must have signed, each with a key of the set to
// which the key commits.
export function quorum(key, text, b) {
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
// keyOf is the key under which validators sign a log: of one his own, of several that of the quorum of more than two thirds.
export function keyOf(name, validators) {
  const keys = validators.map(v => unhex(v.checkpoint).subarray(1)), n = keys.length
  const key = n === 1 ? concat(Uint8Array.of(1), keys[0])
    : concat(Uint8Array.of(0xf1), sha256(concat(utf8('aqsha quorum v1\n'), Uint8Array.of(Math.floor(2 * n / 3) + 1, n), ...keys)))
  return `${name}+${hex(sha256(concat(utf8(name + '\n'), key)).subarray(0, 4))}+${btoa(String.fromCharCode(...key))}`
}
// openNote is the text of a note that the key has signed. Signatures by others are passed over; one by the key that does not hold is not.
export function openNote(note, logKey) {
  const [name, id, ...rest] = logKey.split('+'), key = unbase64(rest.join('+')), keyID = sha256(concat(utf8(name + '\n'), key)).subarray(0, 4)
  if (key.length !== 33 || (key[0] !== 1 && key[0] !== 0xf1) || hex(keyID) !== id) fail('key')
  const whole = typeof note === 'string' ? note : new TextDecoder('utf-8', {fatal: true}).decode(note), cut = whole.lastIndexOf('\n\n')
  if (cut < 0 || !whole.endsWith('\n') || /[\x00-\x09\x0b-\x1f\x7f]/.test(whole)) fail('note')
  const text = whole.slice(0, cut + 1), lines = whole.slice(cut + 2).split('\n').slice(0, -1)
  let held = false
  for (const line of lines) {
    const words = line.split(' '), b = words.length === 3 && words[0] === '—' ? unbase64(words[2]) : fail('signature line')
    if (b.length < 5) fail('signature line')
    if (words[1] !== name || !equal(b.subarray(0, 4), keyID)) continue
    if (key[0] === 1 ? b.length !== 68 || !zip215(key.subarray(1), utf8(text), b.subarray(4)) : !quorum(key, utf8(text), b.subarray(4))) fail('signature')
    held = true
  }
  return held ? text : fail('not signed by the key')
}
// number is a decimal number without zeros in front, below 2⁶³.
export const number = t => /^(0|[1-9]\d{0,18})$/.test(t) && BigInt(t) < 1n << 63n ? BigInt(t) : fail('number')
// root is 32 bytes in base64.
export const root = t => { const b = unbase64(t); return b.length === 32 ? b : fail('root') }
// checkpoint reads a C2SP tlog-checkpoint of an origin, with the epoch that it states (FORMATS.md, "Evidence of two histories").
export function checkpoint(note, origin, logKey) {
  const [of, size, hash, ...more] = openNote(note, logKey).split('\n')
  if (of !== origin || more.pop() !== '' || more.includes('')) fail('checkpoint')
  const line = more.find(l => l.startsWith('aqsha-epoch '))
  return {size: number(size), root: root(hash), epoch: line ? number(line.slice(12)) : 0n}
}
// begins says whether a tree begins another (RFC 9162 section 2.1.4.2).
export function begins(size, of, rootThen, rootNow, proof) {
  if (size > of || (size === of && !equal(rootThen, rootNow))) return false
  if (size === of || size === 0n) return proof.length === 0 || size === of
  let path = [...proof], node = size - 1n, last = of - 1n
  while (node & 1n) { node >>= 1n; last >>= 1n }
  if ((size & (size - 1n)) === 0n) path.unshift(rootThen)
  if (path.length === 0) return false
  let then = path[0], now = path[0]
  for (const hash of path.slice(1)) {
    if (last === 0n) return false
    if (node & 1n || node === last) {
      then = nodeHash(hash, then); now = nodeHash(hash, now)
      while (!(node & 1n) && node !== 0n) { node >>= 1n; last >>= 1n }
    } else now = nodeHash(now, hash)
    node >>= 1n; last >>= 1n
  }
  return last === 0n && equal(then, rootThen) && equal(now, rootNow)
}
