// The state of a ledger, and the root over it: the records of a snapshot (FORMATS.md, "Snapshot") in their order.
import {encode} from './cbor.js'
import {concat, hex, unhex} from './bytes.js'
import {leafHash, Tree} from './tree.js'
import {NO_KEY, NO_TOKEN} from './form.js'

export class State {
  constructor() {
    for (const map of ['tokens', 'wallets', 'details', 'banks', 'agencies', 'definitions', 'registered', 'contracts', 'closed', 'purposes']) this[map] = new Map()
    this.lastPurpose = 0 // the last number that was given
    this.authority = null
    this.purses = new Map()
    this.book = {token: NO_TOKEN, setAside: 0n, paid: 0n, returned: 0n, locked: 0n, bonds: new Map(), openers: [], openings: 0n} // of purses
  }
  purpose(n) { return this.purposes.get(n) }
  detail(w) { return this.details.get(w) ?? {recovery: NO_KEY, case: '', key: NO_KEY, newRecovery: NO_KEY, due: 0n, vouched: []} }
  putDetail(w, d) { if (d.recovery === NO_KEY && d.case === '' && d.due === 0n && d.vouched.length === 0) this.details.delete(w); else this.details.set(w, d) }
  live() { let n = 0n; for (const t of this.tokens.values()) n += t.amount; return n }
  // What a wallet holds of purposes with limits of their own.
  apart(w) { let n = 0n; for (const t of this.tokens.values()) if (t.wallet === w && this.purpose(t.purpose)?.own) n += t.amount; return n }
}
const ordered = map => [...map].sort(([a], [b]) => a < b ? -1 : 1)
const set = s => [s.threshold, s.keys.map(unhex)]
const leb = n => { n = BigInt(n); const out = []; do { out.push(Number(n & 127n) | (n > 127n ? 128 : 0)); n >>= 7n } while (n > 0n); return out }
export const PAGE = 4096

function* records(s, at) {
  const a = s.authority
  yield [0, at.network, at.leaf, at.size, at.root, s.wallets.size, s.tokens.size]
  yield [1, a.sets.flatMap(x => [set(x), x.since, x.sequence]), a.policy.raw, a.cap, a.delay, a.proposals.map(p => [unhex(p.id), p.by, p.due, p.change.raw]), a.issued, a.redeemed, a.issueDay, a.issuedToday,
    ...(a.rules !== 1 || a.upgrade.rules !== 0 || a.reserves.length || a.validators.length ? [a.rules, a.upgrade.rules, a.upgrade.height] : []),
    ...(a.reserves.length || a.validators.length ? [a.reserves.map(r => [unhex(r.wallet), r.origin, r.logKey, r.keysets.map(k => [unhex(k.keyset), unhex(k.transaction), k.until, k.expiry]), r.size, unhex(r.root), r.millis])] : []),
    ...(a.validators.length ? [[a.validators.map(v => [v.name, unhex(v.vote), unhex(v.checkpoint), unhex(v.peer)]), a.validatorChanges]] : [])]
  for (const [id, b] of ordered(s.banks)) yield [2, unhex(id), b.name, set(b.keys), b.since, b.sequence, b.suspended]
  for (const [id, b] of ordered(s.agencies)) yield [3, unhex(id), b.name, set(b.keys), b.since, b.sequence, b.suspended]
  for (const [n, p] of s.purposes) yield [4, n, unhex(p.agency), p.raw.with(7, p.until), p.entered, p.left] // it may last longer than it was registered for
  for (const [id, d] of ordered(s.definitions)) { const by = s.registered.get(id); yield [5, unhex(id), d, ...(by ? [unhex(by.registrar), by.sequence] : [])] }
  for (const [id, c] of ordered(s.closed)) yield c.key === NO_KEY ? [6, unhex(id), unhex(c.registrar)] : [6, unhex(id), unhex(c.registrar), unhex(c.key), unhex(c.recovery), c.tier]
  for (const [id, c] of ordered(s.contracts)) {
    const more = c.registers.length || c.renewals ? 2 : c.paidIn.length || c.frozen ? 1 : 0
    yield [7, unhex(id), unhex(c.definition), c.parties.map(unhex), c.assets, c.terms, c.state, c.version, c.created, c.ends, c.tokens.map(unhex),
      ...(more > 0 ? [c.frozen, c.paidIn] : []), ...(more > 1 ? [c.renewals, c.registers] : [])]
  }
  const byWallet = new Map()
  for (const [id, t] of s.tokens) { if (!byWallet.has(t.wallet)) byWallet.set(t.wallet, []); byWallet.get(t.wallet).push([id, t]) }
  let waiting = []
  for (const [id, w] of ordered(s.wallets)) {
    const d = s.details.get(id)
    yield [8, unhex(id), unhex(w.registrar), unhex(w.key), w.version, w.tier, w.treasury, w.frozen, w.rekeying, w.contract, w.attributes.category, w.attributes.region, w.attributes.role,
      w.balance, w.tokens, w.day, w.paid, w.payments, ...(d ? [unhex(d.recovery), d.case, unhex(d.key), unhex(d.newRecovery), d.due] : []), ...(d?.vouched.length ? [d.vouched.map(v => unhex(v.agency)), d.vouched.map(v => v.as)] : []), ...(w.held ? [true] : [])]
    waiting.push(...(byWallet.get(id) ?? []).sort(([a], [b]) => a < b ? -1 : 1))
    for (; waiting.length >= PAGE; waiting = waiting.slice(PAGE)) yield page(waiting.slice(0, PAGE))
  }
  if (waiting.length) yield page(waiting)
  const b = s.book
  if (b.setAside === 0n && b.bonds.size === 0 && b.openers.length === 0) return
  yield [11, unhex(b.token), b.setAside, b.paid, b.returned, b.locked, ordered(b.bonds).map(([id, of]) => [unhex(id), unhex(of.certifier), of.amount, of.purses]),
    b.openers.map(k => encode([1, k.members, k.commitments.map(unhex)])), b.openings]
  for (const [id, p] of ordered(s.purses)) {
    yield [12, unhex(id), unhex(p.intermediary), unhex(p.owner), unhex(p.key), p.class, [p.limits.payment, p.limits.offline, p.limits.hops, p.limits.age], p.expiry, p.serial, p.sealed,
      p.deposit, p.lock, p.knownIn, p.known, p.bonded, p.convicted, p.state, p.openings.map(o => [o.time, unhex(o.case), unhex(o.asker), unhex(o.combined)]), p.links.length]
    for (const l of p.links) yield [13, unhex(l.id), l.number, unhex(l.previous), l.before, l.received, l.amount, unhex(l.payee), l.paid, l.share]
  }
}
function page(tokens) {
  const amounts = [], others = []
  let last = 0
  tokens.forEach(([, t], i) => {
    amounts.push(...leb(t.amount))
    if (t.purpose === 0 && t.hops === 0) return
    for (const n of [i - last, 0, 0, t.purpose, t.hops]) others.push(...leb(n))
    last = i + 1
  })
  return [9, concat(...tokens.map(([id]) => unhex(id))), Uint8Array.from([...amounts, ...others])]
}
// stateRoot is over all records; at says after which block: network, leaf, size and root of the log as bytes and numbers.
export function stateRoot(s, at) {
  const tree = new Tree()
  for (const r of records(s, at)) tree.add(leafHash(encode(r)))
  return hex(tree.root())
}
