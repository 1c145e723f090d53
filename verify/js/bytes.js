// Bytes and hashes (FIPS 180-4). In Node its own implementation of SHA-2 is used, in a browser the one below.
const node = globalThis.process?.versions?.node ? await import('node:crypto') : null

export const hex = b => { let s = ''; for (const x of b) s += x.toString(16).padStart(2, '0'); return s }
export const unhex = t => { if (!/^([0-9a-f]{2})*$/.test(t)) throw new Error('not hexadecimal'); const out = new Uint8Array(t.length / 2); for (let i = 0; i < out.length; i++) out[i] = parseInt(t.substr(2 * i, 2), 16); return out }
export const utf8 = t => new TextEncoder().encode(t)
export const concat = (...parts) => { const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0)); let at = 0; for (const p of parts) { out.set(p, at); at += p.length } return out }
export const equal = (a, b) => a.length === b.length && a.every((x, i) => x === b[i])
export const be64 = n => { const out = new Uint8Array(8); new DataView(out.buffer).setBigUint64(0, BigInt(n)); return out }
export const isBytes = b => b instanceof Uint8Array

// The constants are the first bits of the fractions of roots of primes.
const primes = n => { const out = []; for (let p = 2; out.length < n; p++) if (out.every(q => p % q)) out.push(p); return out }
function root(n, k) { // integer k-th root
  let x = 1n << BigInt(Math.ceil(n.toString(2).length / k) + 1)
  for (;;) { const y = ((BigInt(k) - 1n) * x + n / x ** BigInt(k - 1)) / BigInt(k); if (y >= x) return x; x = y }
}
const fraction = (p, k, bits) => root(BigInt(p) << BigInt(k * bits), k) & ((1n << BigInt(bits)) - 1n)
const K256 = primes(64).map(p => Number(fraction(p, 3, 32))), H256 = primes(8).map(p => Number(fraction(p, 2, 32)))
const K512 = primes(80).map(p => fraction(p, 3, 64)), H512 = primes(8).map(p => fraction(p, 2, 64))

function pad(data, block) {
  const out = new Uint8Array(Math.ceil((data.length + 1 + block / 8) / block) * block)
  out.set(data); out[data.length] = 0x80
  new DataView(out.buffer).setBigUint64(out.length - 8, BigInt(data.length) * 8n)
  return out
}
export function plainSha256(data) {
  const m = pad(data, 64), view = new DataView(m.buffer), h = [...H256], w = new Int32Array(64), rot = (x, n) => x >>> n | x << 32 - n
  for (let at = 0; at < m.length; at += 64) {
    for (let i = 0; i < 16; i++) w[i] = view.getInt32(at + 4 * i)
    for (let i = 16; i < 64; i++) w[i] = w[i - 16] + (rot(w[i - 15], 7) ^ rot(w[i - 15], 18) ^ w[i - 15] >>> 3) + w[i - 7] + (rot(w[i - 2], 17) ^ rot(w[i - 2], 19) ^ w[i - 2] >>> 10)
    let [a, b, c, d, e, f, g, k] = h
    for (let i = 0; i < 64; i++) {
      const t1 = k + (rot(e, 6) ^ rot(e, 11) ^ rot(e, 25)) + (e & f ^ ~e & g) + K256[i] + w[i] | 0, t2 = (rot(a, 2) ^ rot(a, 13) ^ rot(a, 22)) + (a & b ^ a & c ^ b & c) | 0
      k = g; g = f; f = e; e = d + t1 | 0; d = c; c = b; b = a; a = t1 + t2 | 0
    }
    [a, b, c, d, e, f, g, k].forEach((x, i) => { h[i] = h[i] + x | 0 })
  }
  const out = new Uint8Array(32); h.forEach((x, i) => new DataView(out.buffer).setInt32(4 * i, x))
  return out
}
export function plainSha512(data) {
  const M = (1n << 64n) - 1n, m = pad(data, 128), view = new DataView(m.buffer), h = [...H512], w = [], rot = (x, n) => (x >> n | x << 64n - n) & M
  for (let at = 0; at < m.length; at += 128) {
    for (let i = 0; i < 16; i++) w[i] = view.getBigUint64(at + 8 * i)
    for (let i = 16; i < 80; i++) w[i] = w[i - 16] + (rot(w[i - 15], 1n) ^ rot(w[i - 15], 8n) ^ w[i - 15] >> 7n) + w[i - 7] + (rot(w[i - 2], 19n) ^ rot(w[i - 2], 61n) ^ w[i - 2] >> 6n) & M
    let [a, b, c, d, e, f, g, k] = h
    for (let i = 0; i < 80; i++) {
      const t1 = k + (rot(e, 14n) ^ rot(e, 18n) ^ rot(e, 41n)) + (e & f ^ (e ^ M) & g) + K512[i] + w[i], t2 = (rot(a, 28n) ^ rot(a, 34n) ^ rot(a, 39n)) + (a & b ^ a & c ^ b & c)
      k = g; g = f; f = e; e = d + t1 & M; d = c; c = b; b = a; a = t1 + t2 & M
    }
    [a, b, c, d, e, f, g, k].forEach((x, i) => { h[i] = h[i] + x & M })
  }
  const out = new Uint8Array(64); h.forEach((x, i) => new DataView(out.buffer).setBigUint64(8 * i, x))
  return out
}
const hashed = name => data => new Uint8Array(node.createHash(name).update(data).digest())
export const sha256 = node ? hashed('sha256') : plainSha256
export const sha512 = node ? hashed('sha512') : plainSha512
export const domain = (name, ...parts) => sha256(concat(utf8(name + '\0'), ...parts))
