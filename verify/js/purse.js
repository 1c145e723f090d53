// The payee's checks of an offline payment, written from docs/OFFLINE.md alone. Reads a scene a line as JSON (bytes in hexadecimal) and
// answers each with the code of the refusal, or "ok".
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

export function check(scene) {
  const network = unhex(scene.network), now = BigInt(scene.now), data = unhex(scene.message)
  want(data.length <= 2048, 'too-large')
  const v = items(decode(data), 3), request = decode(unhex(scene.request))
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
  want(p.payee === hex(request[1]) && p.nonce === hex(request[2]) && p.amount === request[3], 'purse-payee')
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
  const all = [...links, ...scene.seen.map(s => link(decode(unhex(s)), network))]
  for (const a of all) for (const b of all) want(!of[a.purse] || a.purse !== b.purse || !conflict(a, b), 'purse-conflict')
}

if (process.argv[1]?.endsWith('purse.js')) for await (const line of createInterface({input: process.stdin})) {
  let answer = 'ok'
  try { check(JSON.parse(line)) } catch (e) { if (!e.code) throw e; answer = e.code }
  console.log(answer)
}
