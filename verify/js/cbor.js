// CBOR in the deterministic encoding of RFC 8949 section 4.2.1, of the types that FORMATS.md names. Integers are BigInt, byte
// strings Uint8Array. What is read is written again and compared, so that a value has one encoding only.
import {concat, equal, isBytes, utf8} from './bytes.js'

export class Malformed extends Error { constructor(what) { super(what); this.code = 'not-canonical' } }
const bad = what => { throw new Malformed(what) }
const MOST_DEPTH = 16

export function encode(v) {
  const out = []
  write(out, v)
  return concat(...out)
}
function head(type, n) {
  n = BigInt(n)
  const size = n < 24n ? 0 : n < 256n ? 1 : n < 65536n ? 2 : n < 1n << 32n ? 4 : 8
  const out = new Uint8Array(1 + size)
  out[0] = type << 5 | (size ? 24 + Math.log2(size) : Number(n))
  for (let i = size; i > 0; i--) { out[i] = Number(n & 255n); n >>= 8n }
  return out
}
function write(out, v) {
  if (typeof v === 'number') v = BigInt(v)
  if (typeof v === 'bigint') out.push(v >= 0n ? head(0, v) : head(1, -1n - v))
  else if (typeof v === 'string') { const b = utf8(v); out.push(head(3, b.length), b) }
  else if (typeof v === 'boolean') out.push(Uint8Array.of(v ? 0xf5 : 0xf4))
  else if (v === null) out.push(Uint8Array.of(0xf6))
  else if (isBytes(v)) out.push(head(2, v.length), v)
  else if (Array.isArray(v)) { out.push(head(4, v.length)); for (const item of v) write(out, item) }
  else throw new TypeError('no CBOR for ' + typeof v)
}
export function decode(bytes) {
  let at = 0
  const take = n => { if (n > bytes.length - at) bad('the bytes end'); at += n; return bytes.subarray(at - n, at) }
  function read(depth) {
    if (depth > MOST_DEPTH) bad('nested too deep')
    const first = take(1)[0], type = first >> 5, info = first & 31
    if (first === 0xf4) return false
    if (first === 0xf5) return true
    if (first === 0xf6) return null
    if (info > 27 || type > 4) bad('a type that is not used')
    let n = BigInt(info)
    if (info >= 24) { n = 0n; for (const b of take(1 << info - 24)) n = n << 8n | BigInt(b) }
    if (type === 0) return n
    if (type === 1) return -1n - n
    if (n > BigInt(bytes.length - at)) bad('longer than the bytes')
    const length = Number(n)
    if (type === 2) return take(length).slice()
    if (type === 3) { try { return new TextDecoder('utf-8', {fatal: true, ignoreBOM: true}).decode(take(length)) } catch { bad('not UTF-8') } }
    return Array.from({length}, () => read(depth + 1))
  }
  const value = read(0)
  if (at !== bytes.length) bad('bytes are left over')
  if (!equal(encode(value), bytes)) bad('not the shortest form')
  return value
}
