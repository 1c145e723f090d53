// The payee's checks of an offline payment, written from docs/OFFLINE.md alone. Reads a scene a line as JSON (bytes in hexadecimal) and
// answers each with the code of the refusal, or "ok"; of a revocation list, which of the purses asked about it has.
import {createHash} from 'node:crypto'
import {createInterface} from 'node:readline'
import {domain, hex, isBytes, unhex} from './bytes.js'
import {decode, encode} from './cbor.js'
import {verify} from './ed25519.js'

const MOST = 2n ** 53n - 1n, HOUR = 3600000n, DAY = 24n * HOUR
class Refusal extends Error { constructor(code) { super(code); this.code = code } }
const refuse = code => { throw new Refusal(code) }
const want = (truth, code) => { if (!truth) refuse(code) }

const bytes = (v, n) => { want(isBytes(v), 'wrong-type'); want(v.length === n, 'out-of-range'); return v }
const uint = (v, most = MOST) => { want(typeof v === 'bigint' && v >= 0n, 'wrong-type'); want(v <= most, 'out-of-range'); return v }
const items = (v, least, most = least) => { want(Array.isArray(v), 'wrong-type'); want(v.length <= most, 'too-many'); want(v.length >= least, 'too-few'); return v }
const tagged = (v, n) => { bytes(v, n); want(v[0] === 1, 'unknown-kind'); return v }

function certificate(v) {
  items(v, 13)
  want(uint(v[0], 255n) === 1n, 'unknown-kind')
  const c = {
    purse: hex(bytes(v[1], 16)), key: bytes(v[2], 33), by: hex(bytes(v[3], 16)), serial: uint(v[4], 2n ** 32n - 1n), deposit: uint(v[5]), payment: uint(v[6]), all: uint(v[7]),
    hops: uint(v[8], 5n), age: uint(v[9], 168n), class: uint(v[10], 2n), expiry: uint(v[11]), signature: tagged(v[12], 65), unsigned: encode(v.slice(0, 12)),
  }
  want(c.key[0] === 1, 'unknown-kind')
  limitsAllow(c)
  want(c.serial > 0n, 'out-of-range')
  return c
}
// What a purse of a class may do.
export function limitsAllow(c) {
  want(c.class === 1n || c.class === 2n, 'unknown-kind')
  const [payment, all] = c.class === 1n ? [2000000n, 10000000n] : [10000000n, 100000000n]
  want(c.payment > 0n && c.payment <= payment && c.all >= c.payment && c.all <= all && c.hops > 0n && c.hops <= 5n && c.age > 0n && c.age <= 168n, 'out-of-range')
}

export function link(v, network) {
  items(v, 11)
  want(uint(v[0], 255n) === 2n, 'unknown-kind')
  const l = {
    purse: hex(bytes(v[1], 16)), number: uint(v[2], 2n ** 32n - 1n), previous: hex(bytes(v[3], 32)), paid: uint(v[4]), received: uint(v[5]), amount: uint(v[6]),
    payee: hex(bytes(v[7], 16)), nonce: hex(bytes(v[8], 16)), time: uint(v[9]), signature: tagged(v[10], 65), raw: hex(encode(v)),
  }
  l.digest = domain('aqsha purse link v1', network, encode(v.slice(0, 10)))
  l.id = hex(l.digest)
  l.end = l.paid + l.amount
  want(l.number > 0n && l.amount > 0n, 'out-of-range')
  want(l.end <= MOST, 'amount-overflow')
  want(l.payee !== l.purse, 'purse-payee')
  want(l.number !== 1n || (l.paid === 0n && /^0*$/.test(l.previous)), 'out-of-range')
  want(l.paid >= l.number - 1n, 'out-of-range')
  return l
}

export function conflict(a, b) {
  if (a.number > b.number) [a, b] = [b, a]
  const between = b.number - a.number - 1n
  if (between === -1n) return a.id !== b.id
  return (between === 0n && (b.previous !== a.id || b.paid !== a.end)) || b.paid < a.end + between || b.received < a.received
}

// Two certificates of one purse that no honest intermediary signs both.
function contradicts(a, b) {
  if (a.serial > b.serial) [a, b] = [b, a]
  for (const part of ['class', 'payment', 'all', 'hops', 'age', 'expiry']) if (a[part] !== b[part]) return true
  return hex(a.key) !== hex(b.key) || (a.serial === b.serial ? a.deposit !== b.deposit : a.deposit >= b.deposit)
}

function levels(links, deposit) {
  const level = links.map(() => 0)
  for (let k = 1; k <= 6; k++) {
    const next = links.map((l, i) => {
      if (level[i]) return level[i]
      let has = deposit(l.purse)
      links.forEach((other, j) => { if (level[j] && other.payee === l.purse) has += other.amount })
      return l.end <= has ? k : 0
    })
    next.forEach((v, i) => { level[i] = v })
  }
  return level
}

function requestOf(data, network) {
  want(data.length <= 2048, 'too-large')
  const v = items(decode(data), 5)
  want(uint(v[0], 255n) === 4n, 'unknown-kind')
  const r = {payee: hex(bytes(v[1], 16)), nonce: hex(bytes(v[2], 16)), amount: uint(v[3])}
  const sum = domain('aqsha purse request v1', network, encode(v.slice(0, 4))).slice(0, 4)
  want(hex(bytes(v[4], 4)) === hex(sum), 'purse-checksum')
  want(r.amount > 0n, 'amount-zero')
  return r
}

// Bits of a filter, as the values they stand for; undefined where they are not so many values and nothing else.
function values(count, bits) {
  let at = 0, value = 0n
  const end = 8 * bits.length, bit = () => { const b = at < end ? bits[at >> 3] >> (7 - at % 8) & 1 : -1; at++; return b }
  const all = []
  for (let i = 0n; i < count; i++) {
    let gap = 0n, b
    while ((b = bit()) === 1) gap++
    if (b < 0) return
    for (let k = 0; k < 11; k++) { if ((b = bit()) < 0) return; gap = gap << 1n | BigInt(b) }
    all.push(value += gap)
  }
  if (end - at >= 8) return
  while (at < end) if (bit() === 1) return
  return value < (count << 11n || 1n) ? all : undefined
}
const high = (purse, sequence, n) => {
  const preimage = new Uint8Array(24)
  new DataView(preimage.buffer).setBigUint64(0, sequence)
  preimage.set(unhex(purse), 8)
  const h = createHash('sha256').update(preimage).digest()
  return h.readBigUInt64BE(0) * (n << 11n) >> 64n
}

// revocations reads a list or a filter, and says of each purse asked about whether it is revoked.
export function revocations(scene) {
  const network = unhex(scene.network), v = decode(unhex(scene.list)), filter = Array.isArray(v) && v.length === 6
  items(v, filter ? 6 : 5)
  want(uint(v[0], 255n) === (filter ? 7n : 6n), 'unknown-kind')
  const sequence = uint(v[1]), time = uint(v[2]), last = filter ? 5 : 4
  let has
  if (filter) {
    const count = uint(v[3], 1n << 20n)
    want(isBytes(v[4]), 'wrong-type')
    tagged(v[5], 65)
    const all = values(count, v[4])
    want(all, 'not-canonical')
    has = purse => all.includes(high(purse, sequence, count))
  } else {
    want(isBytes(v[3]), 'wrong-type')
    tagged(v[4], 65)
    want(v[3].length % 16 === 0, 'out-of-range')
    const all = hex(v[3]).match(/.{32}/g) ?? []
    all.forEach((purse, i) => want(i === 0 || all[i - 1] < purse, 'repeated'))
    has = purse => all.includes(purse)
  }
  const name = filter ? 'aqsha purse filter v1' : 'aqsha purse revocations v1'
  want(verify(unhex(scene.key), domain(name, network, encode(v.slice(0, last))), v[last]), 'purse-signature')
  if (scene.had.length) {
    const [had, made] = scene.had.map(BigInt)
    want(sequence > had || (sequence === had && time >= made), 'purse-older-list')
  }
  return 'ok:' + scene.asked.map(purse => has(purse) ? 1 : 0).join('')
}

export function check(scene) {
  const network = unhex(scene.network), now = BigInt(scene.now), data = unhex(scene.message)
  want(data.length <= 2048, 'too-large')
  const request = requestOf(unhex(scene.request), network), v = items(decode(data), 3)
  want(uint(v[0], 255n) === 3n, 'unknown-kind')
  const links = items(v[1], 1, 16).map(l => link(l, network)), certificates = items(v[2], 1, 16).map(certificate)
  want(new Set(links.map(l => l.raw)).size === links.length, 'repeated')
  certificates.forEach((c, i) => {
    want(i === 0 || certificates[i - 1].purse < c.purse, 'repeated')
    want(links.some(l => l.purse === c.purse), 'purse-unneeded')
  })
  const of = Object.fromEntries(certificates.map(c => [c.purse, c]))
  for (const l of links) want(of[l.purse], 'purse-certificate')

  const [p] = links
  want(p.payee === request.payee && p.nonce === request.nonce && p.amount === request.amount, 'purse-payee')
  for (const c of certificates) {
    want(scene.certifiers[c.by], 'purse-certifier')
    want(now < c.expiry, 'purse-expired')
    want(!scene.revoked.includes(c.purse), 'purse-revoked')
  }
  for (const l of links) {
    const c = of[l.purse]
    want(l.amount <= c.payment && l.end <= c.all, 'purse-limit')
    want(l.time + c.age * HOUR >= now && l.time <= now + DAY, 'purse-expired')
  }
  const deposit = purse => of[purse]?.deposit ?? 0n
  levels(links, deposit).forEach((level, i) => {
    want(level > 0, 'purse-covered')
    want(BigInt(level) <= of[links[i].purse].hops, 'purse-hops')
    want(i === 0 || links.some(l => l.purse === links[i].payee && l.end > deposit(l.purse)), 'purse-unneeded')
  })
  for (const c of certificates) {
    const key = unhex(scene.certifiers[c.by])
    want(verify(key, domain('aqsha purse certificate v1', network, c.unsigned), c.signature), 'purse-signature')
  }
  for (const l of links) want(verify(of[l.purse].key, l.digest, l.signature), 'purse-signature')
  for (const text of scene.certified) {
    const seen = certificate(decode(unhex(text))), c = of[seen.purse]
    want(!c || c.by !== seen.by || !contradicts(c, seen), 'purse-certified-twice')
  }
  const all = [...links, ...scene.seen.map(s => link(decode(unhex(s)), network))]
  for (const a of all) for (const b of all) want(!of[a.purse] || a.purse !== b.purse || !conflict(a, b), 'purse-conflict')
}

if (process.argv[1]?.endsWith('purse.js')) for await (const line of createInterface({input: process.stdin})) {
  let answer = 'ok'
  try {
    const scene = JSON.parse(line)
    if (scene.list) answer = revocations(scene)
    else check(scene)
  } catch (e) { if (!e.code) throw e; answer = e.code }
  console.log(answer)
}
