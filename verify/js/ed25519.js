// Ed25519 by the rules of ZIP-215: R and A in any encoding of a point, S below L, and [8][S]B = [8]R + [8][k]A with
// k = SHA-512(R ‖ A ‖ M). What OpenSSL takes is taken by these rules too, so that in Node it is asked first.
import {concat, hex, sha512} from './bytes.js'
const node = globalThis.process?.versions?.node ? await import('node:crypto') : null

export const P = 2n ** 255n - 19n, L = 2n ** 252n + 27742317777372353535851937790883648493n
export const mod = x => { x %= P; return x < 0n ? x + P : x }
export function power(x, e) { let r = 1n; for (x = mod(x); e > 0n; e >>= 1n, x = x * x % P) if (e & 1n) r = r * x % P; return r }
export const D = mod(-121665n * power(121666n, P - 2n)), I = power(2n, (P - 1n) / 4n)
export const little = b => { let n = 0n; for (let i = b.length - 1; i >= 0; i--) n = n << 8n | BigInt(b[i]); return n }

// Points are [X, Y, Z, T] with x = X/Z, y = Y/Z, xy = T/Z (RFC 8032 section 5.1.4).
const zero = [0n, 1n, 1n, 0n]
export function add([x1, y1, z1, t1], [x2, y2, z2, t2]) {
  const a = (y1 - x1) * (y2 - x2) % P, b = (y1 + x1) * (y2 + x2) % P, c = 2n * t1 * D % P * t2 % P, d = 2n * z1 * z2 % P
  const e = b - a, f = d - c, g = d + c, h = b + a
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)]
}
export function times(p, n) { let r = zero; for (; n > 0n; n >>= 1n, p = add(p, p)) if (n & 1n) r = add(r, p); return r }
export const negate = ([x, y, z, t]) => [mod(-x), y, z, mod(-t)]
const isZero = ([x, y, z]) => mod(x) === 0n && mod(y - z) === 0n

export function decodePoint(b) {
  const n = little(b), sign = n >> 255n, y = mod(n & (1n << 255n) - 1n), u = mod(y * y - 1n), v = mod(D * y * y + 1n)
  let x = u * power(v, 3n) % P * power(u * power(v, 7n), (P - 5n) / 8n) % P
  const check = mod(v * x * x)
  if (check !== u) { if (check !== mod(-u)) return null; x = x * I % P }
  if ((x & 1n) !== sign) x = mod(-x)
  return [x, y, 1n, x * y % P]
}
export const B = decodePoint(concat(Uint8Array.of(0x58), new Uint8Array(31).fill(0x66)))
export const smallOrder = p => isZero(times(p, 8n))

export function zip215(key, message, signature) {
  if (key.length !== 32 || signature.length !== 64) return false
  const a = decodePoint(key), r = decodePoint(signature.subarray(0, 32)), s = little(signature.subarray(32))
  if (!a || !r || s >= L) return false
  const k = little(sha512(concat(signature.subarray(0, 32), key, message))) % L
  return smallOrder(add(times(B, s), negate(add(r, times(a, k)))))
}
const prefix = Uint8Array.from([0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0]) // SubjectPublicKeyInfo, RFC 8410
const keys = new Map()
function openssl(key, message, signature) {
  const id = hex(key)
  if (!keys.has(id)) {
    let k = null
    try { k = node.createPublicKey({key: concat(prefix, key), format: 'der', type: 'spki'}) } catch { /* no key to OpenSSL */ }
    keys.set(id, k)
  }
  return keys.get(id) !== null && node.verify(null, message, keys.get(id), signature)
}
// key of 33 and signature of 65 bytes, each with its algorithm before it. Answers are remembered: logs that begin alike are replayed
// again and again.
const answers = new Map()
export function verify(key, message, signature) {
  if (key.length !== 33 || signature.length !== 65 || key[0] !== 1 || signature[0] !== 1) return false
  const asked = hex(key) + hex(signature) + hex(message)
  if (!answers.has(asked)) {
    if (answers.size > 100_000) answers.clear()
    key = key.subarray(1); signature = signature.subarray(1)
    answers.set(asked, (node && openssl(key, message, signature)) || zip215(key, message, signature))
  }
  return answers.get(asked)
}
const usable = new Map()
export function usableKey(key) {
  if (key.length !== 33 || key[0] !== 1) return false
  const id = hex(key)
  if (!usable.has(id)) { const p = decodePoint(key.subarray(1)); usable.set(id, p !== null && !smallOrder(p)) }
  return usable.get(id)
}
