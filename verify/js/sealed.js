// Sealed names (RULES.md, "Sealed names"): ristretto255 (RFC 9496), proofs that one secret makes several points, and what openers
// put together.
import {be64, concat, hex, sha256, sha512, unhex, utf8} from './bytes.js'
import {decode as cbor} from './cbor.js'
import {B, D, I, L, P, add, little, mod, power, times} from './ed25519.js'
import {refuse} from './form.js'

const odd = x => (x & 1n) === 1n, abs = x => odd(mod(x)) ? mod(-x) : mod(x)
// The root of 1/v, and whether there is one (section 4.2 with u = 1).
function inverseRoot(v) {
  v = mod(v)
  let r = power(v, 3n) * power(power(v, 7n), (P - 5n) / 8n) % P
  const check = v * r % P * r % P, minus = mod(-1n)
  if (check === minus || check === mod(-I)) r = r * I % P
  return [check === 1n || check === minus, abs(r)]
}
const A_MINUS_D = inverseRoot(-1n - D)[1]
export function point(b) {
  const s = little(b)
  if (b.length !== 32 || s >= P || odd(s)) return null
  const ss = s * s % P, u1 = mod(1n - ss), u2 = mod(1n + ss), square = u2 * u2 % P, v = mod(-D * u1 % P * u1 - square)
  const [good, root] = inverseRoot(v * square), dx = root * u2 % P, dy = root * dx % P * v % P
  const x = abs(2n * s * dx), y = u1 * dy % P, t = x * y % P
  return !good || odd(t) || y === 0n || s === 0n ? null : [x, y, 1n, t] // s = 0 is the neutral point, which nobody may show
}
export function bytesOf([x, y, z, t]) {
  const u1 = mod((z + y) * (z - y)), u2 = mod(x * y), root = inverseRoot(u1 * u2 % P * u2)[1], d1 = root * u1 % P, d2 = root * u2 % P, zi = d1 * d2 % P * t % P
  const turned = odd(mod(t * zi)), x2 = turned ? y * I % P : x
  let y2 = turned ? x * I % P : y
  if (odd(mod(x2 * zi))) y2 = mod(-y2)
  let s = abs((turned ? d1 * A_MINUS_D % P : d2) * mod(z - y2))
  const out = new Uint8Array(32)
  for (let i = 0; i < 32; i++) { out[i] = Number(s & 255n); s >>= 8n }
  return out
}
const neutral = p => bytesOf(p).every(b => b === 0)
// A proof: challenge and answer, both below L. Statements are a base and its multiple.
function proves(proof, domain, context, ...statements) {
  const c = little(proof.subarray(0, 32)), s = little(proof.subarray(32))
  if (c >= L || s >= L) return false
  const commitments = statements.map(([base, multiple]) => bytesOf(add(times(base, s), times(multiple, c))))
  return little(sha512(concat(utf8(domain + '\0'), context, ...commitments))) % L === c
}
export const keyCheck = key => {
  if (!key.members || key.members > 16 || !key.commitments.length || key.commitments.length > key.members) refuse('out-of-range')
  for (const c of key.commitments) if (!point(unhex(c))) refuse('weak-key')
}
const fixed = (v, n) => v instanceof Uint8Array ? v.length === n ? v : refuse('out-of-range') : refuse('wrong-type')
export function seal(data) {
  const v = cbor(data)
  if (!Array.isArray(v)) refuse('wrong-type')
  if (v.length !== 5) refuse(v.length < 5 ? 'too-few' : 'too-many')
  if (v[0] !== 2n) refuse('unknown-kind')
  if (typeof v[1] !== 'bigint') refuse('wrong-type')
  if (v[1] < 0n || v[1] >= 1n << 32n) refuse('out-of-range')
  const s = {number: v[1], point: fixed(v[2], 32), proof: fixed(v[3], 64), box: v[4]}
  if (!(s.box instanceof Uint8Array)) refuse('wrong-type')
  if (s.box.length < 80 || s.box.length > 272 || (s.box.length - 16) % 64) refuse('out-of-range')
  return s
}
export function sealHolds(s, network, p) {
  const c = point(s.point) ?? refuse('weak-key')
  const context = concat(network, unhex(p.intermediary), unhex(p.owner), unhex(p.key), be64(s.number), s.point, sha256(s.box))
  if (!proves(s.proof, 'aqsha sealed name v1', context, [B, c])) refuse('seal-proof')
}
const inverse = (n, p, e = p - 2n) => { let r = 1n; for (n = ((n % p) + p) % p; e > 0n; e >>= 1n, n = n * n % p) if (e & 1n) r = r * n % p; return r }
// What the shares of an opening make together, in hexadecimal.
export function combine(t, s, network, key) {
  const asker = point(unhex(t.asker)) ?? refuse('weak-key')
  const asked = concat(network, unhex(t.purse), be64(t.number), unhex(t.case), unhex(t.asker))
  if (!proves(unhex(t.proof), 'aqsha opening request v1', asked, [B, asker])) refuse('seal-proof')
  if (t.shares.length !== key.commitments.length) refuse('too-few')
  const base = add(point(s.point), asker)
  let sum = null
  for (const share of t.shares) {
    if (share.opener < 1 || share.opener > key.members) refuse('out-of-range')
    if (neutral(base)) refuse('weak-key')
    const made = point(unhex(share.point)) ?? refuse('weak-key'), at = BigInt(share.opener)
    let own = null
    for (const c of [...key.commitments].reverse()) own = own ? add(times(own, at), point(unhex(c))) : point(unhex(c))
    const context = concat(asked, Uint8Array.of(share.opener), bytesOf(own), s.point, unhex(share.point))
    if (!proves(unhex(share.proof), 'aqsha opening share v1', context, [B, own], [base, made])) refuse('seal-proof')
    let weight = 1n
    for (const other of t.shares) if (other !== share) weight = weight * BigInt(other.opener) % L * inverse(BigInt(other.opener) - at, L) % L
    const part = times(made, weight)
    sum = sum ? add(sum, part) : part
  }
  return hex(bytesOf(sum))
}
