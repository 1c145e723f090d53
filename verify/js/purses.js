// Offline purses on the ledger (RULES.md, "Offline purses"): what is set aside, settled, convicted and given back.
import {NO_TOKEN, outputID, refuse} from './form.js'
import {hex, sha256, unhex, utf8} from './bytes.js'
import {decode} from './cbor.js'
import {verify} from './ed25519.js'
import {conflict, limitsAllow, link} from './purse.js'
import {combine, keyCheck, seal, sealHolds} from './sealed.js'

const MOST = 2n ** 53n - 1n, WINDOW = 30n * 86_400_000n, LIFE = 366n * 86_400_000n, CLAIMS = 1024, PAYOUTS = 60, KEYS = 64, OPENINGS = 64
const OPEN = 0, ENDING = 1, ENDED = 2
export const FUND = hex(sha256(utf8('aqsha purses v1\0')).subarray(0, 16))
const max = (a, b) => a > b ? a : b, min = (...all) => all.reduce((a, b) => a < b ? a : b)
const fraud = p => max(0n, p.known - p.deposit - p.knownIn)
const guaranteed = p => min(p.limits.offline, fraud(p))
const ends = p => p.expiry + WINDOW
const before = (a, b) => a.number !== b.number ? (a.number < b.number ? -1 : 1) : a.id < b.id ? -1 : a.id > b.id ? 1 : 0
const unpaid = p => p.links.filter(l => !l.paid).sort((a, b) => a.end !== b.end ? (a.end < b.end ? -1 : 1) : before(a, b))

export class Purses {
  constructor(x) { this.x = x; this.s = x.state; this.book = x.state.book; this.payouts = 0; this.touched = []; this.was = this.book.locked; x.contracts.beginPaying({paidIn: []}) }
  bond(id) { return this.book.bonds.get(id) }

  // What a wallet sets aside.
  maySetAside(id, t, amount) {
    if (amount === 0n) return
    const x = this.x, w = x.wallet(id)
    x.mayPay(id, w); x.notReserve(id)
    x.taking(id, {inputs: t.inputs, amount, change: t.change}, 0)
    x.limits(id, w, -amount, true)
  }
  takeAside(id, t, amount) {
    if (amount === 0n) return
    for (const k of t.inputs) this.s.tokens.delete(k)
    this.x.book(this.x.wallet(id), -amount - t.change, -amount, -t.inputs.length, true)
    this.x.contracts.effect(id, t.change, 0, 0)
    this.book.setAside += amount; this.book.locked += amount
  }
  // The tokens: what is paid out, then the fund's.
  finish(t) {
    const x = this.x, {book, s} = this, moved = book.locked !== this.was
    if (moved) {
      if (!s.wallets.has(FUND)) s.wallets.set(FUND, x.newWallet({held: true}))
      if (book.token !== NO_TOKEN) x.contracts.spend(book.token)
      x.contracts.effect(FUND, book.locked, 0, 0)
    }
    x.contracts.make(t.id)
    if (!moved) return
    book.token = book.locked > 0n ? outputID(t.id, x.effects.made.length - 1) : NO_TOKEN
    if (book.setAside - book.paid - book.returned !== book.locked) throw new Error('purses are not conserved')
  }

  bondPurses(t) {
    const x = this.x
    x.active(t.intermediary)
    const bank = this.s.banks.get(t.intermediary) ?? refuse('unknown-intermediary')
    x.sequence(bank, t.sequence)
    this.maySetAside(t.intermediary, t, t.amount)
    bank.sequence++
    if (!this.bond(t.intermediary)) this.book.bonds.set(t.intermediary, {amount: 0n, purses: 0})
    const b = this.bond(t.intermediary)
    b.certifier = t.certifier; b.amount += t.amount
    this.takeAside(t.intermediary, t, t.amount); this.finish(t)
  }
  open(t) {
    const x = this.x, id = t.hex.slice(0, 32)
    x.active(t.intermediary)
    const bank = this.s.banks.get(t.intermediary)
    x.sequence(bank, t.sequence)
    const owner = x.wallet(t.owner)
    if (owner.contract || owner.held || owner.registrar !== t.intermediary) refuse('wrong-owner')
    if (!this.bond(t.intermediary)) refuse('no-bond')
    if (x.now >= t.expiry) refuse('expired')
    if (t.expiry > x.now + LIFE) refuse('too-far-ahead')
    this.checkSeal(t)
    const [payment, offline, hops, age] = t.limits
    limitsAllow({class: t.class, payment, all: offline, hops, age})
    if (this.s.wallets.has(id) || this.s.purses.has(id)) refuse('duplicate')
    this.maySetAside(t.owner, t, t.deposit)
    bank.sequence++
    this.s.purses.set(id, {id, intermediary: t.intermediary, owner: t.owner, key: t.key, class: t.class, limits: {payment, offline, hops, age}, expiry: t.expiry, serial: 1n,
      sealed: t.sealed, openings: [], deposit: t.deposit, lock: t.deposit, knownIn: 0n, known: 0n, bonded: 0n, convicted: false, state: OPEN, links: []})
    this.bond(t.intermediary).purses++
    this.takeAside(t.owner, t, t.deposit); this.finish(t)
  }
  opened(id) {
    const p = this.s.purses.get(id) ?? refuse('unknown-purse')
    return p.state !== OPEN || this.x.now >= ends(p) ? refuse('purse-over') : p
  }
  fund(t) {
    const p = this.opened(t.purse)
    if (p.convicted) refuse('purse-convicted')
    if (this.x.now >= p.expiry) refuse('expired')
    if (t.amount > MOST - p.deposit) refuse('amount-overflow')
    this.maySetAside(t.from, t, t.amount)
    p.deposit += t.amount; p.lock += t.amount; p.serial++
    this.takeAside(t.from, t, t.amount); this.clear([p.id]); this.finish(t)
  }

  settle(t) {
    const {fresh, touched} = this.fresh(t)
    this.covered(fresh)
    if (!fresh.length && !this.clearing(touched).some(m => m.pay.length)) refuse('duplicate')
    for (const l of fresh) this.learn(l)
    this.clear(touched); this.finish(t)
  }
  fresh(t) {
    const fresh = [], touched = []
    for (const bytes of t.links) {
      const l = link(decode(bytes), this.x.network), p = this.opened(l.purse)
      touched.push(p.id)
      if (p.links.some(k => k.id === l.id) || fresh.some(f => f.id === l.id)) continue
      if (!verify(unhex(p.key), l.digest, l.signature)) refuse('purse-signature')
      if (l.amount < this.s.authority.policy.least) refuse('dust')
      if (p.convicted && unpaid(p).length >= CLAIMS) refuse('too-many')
      if (!this.s.purses.has(l.payee)) {
        const w = this.s.wallets.get(l.payee) ?? refuse('unknown-purse')
        if (w.contract || w.held) refuse('held')
        this.x.notReserve(l.payee)
      }
      fresh.push(l)
    }
    return {fresh, touched}
  }
  covered(fresh) {
    const came = new Map(), spent = new Map(), done = new Set(), plus = (m, k, n) => m.set(k, (m.get(k) ?? 0n) + n).get(k)
    for (let more = true; more;) {
      more = false
      for (const l of fresh) {
        const p = this.s.purses.get(l.purse)
        if (done.has(l) || l.end > p.deposit + p.knownIn + (came.get(p.id) ?? 0n)) continue
        const all = plus(came, l.payee, l.amount) + (this.s.purses.get(l.payee)?.knownIn ?? 0n)
        if (p.known + plus(spent, p.id, l.amount) > MOST || all > MOST) refuse('amount-overflow')
        done.add(l); more = true
      }
    }
    if (done.size < fresh.length) refuse('purse-covered')
  }
  learn(l) {
    const p = this.s.purses.get(l.purse)
    const kept = {id: l.id, number: l.number, previous: l.previous, before: l.paid, received: l.received, amount: l.amount, end: l.end, payee: l.payee, paid: false, share: 0n}
    p.links.push(kept); p.links.sort(before)
    p.known += l.amount
    const at = p.links.indexOf(kept), pair = (a, b) => a && b && conflict(asLink(a), asLink(b))
    if (pair(p.links[at - 1], kept) || pair(kept, p.links[at + 1])) p.convicted = true
    const payee = this.s.purses.get(l.payee)
    if (payee) payee.knownIn += l.amount
  }

  // Which open links are paid: all at once, where nobody then has less than nothing.
  clearing(touched) {
    const members = [], bonds = new Map(), wait = [...touched], seen = new Set()
    while (wait.length) {
      const p = this.s.purses.get(wait.shift())
      if (!p || p.state !== OPEN || seen.has(p.id)) continue
      seen.add(p.id)
      const excess = min(p.lock, max(0n, p.bonded - guaranteed(p)))
      const m = {p, lock: p.lock - excess, may: max(0n, guaranteed(p) - p.bonded + excess), pay: unpaid(p), short: 0n}
      members.push(m); bonds.set(p.intermediary, (bonds.get(p.intermediary) ?? 0n) + excess)
      wait.push(...m.pay.map(l => l.payee))
    }
    members.sort((a, b) => a.p.id < b.p.id ? -1 : 1)
    for (const [id, n] of bonds) bonds.set(id, n + this.bond(id).amount)
    let payouts = this.payouts
    for (const m of members) m.pay = m.pay.filter(l => !this.outside(l.payee) || ++payouts <= PAYOUTS)
    while (drop(members, bonds));
    return members
  }
  outside(payee) { const p = this.s.purses.get(payee); return !p || p.state === ENDED }
  clear(touched) {
    const members = this.clearing(touched)
    for (const m of members) { this.reimburse(m.p, m.p.bonded - guaranteed(m.p)); this.fromBond(m.p, m.short) }
    for (const m of members) for (const l of m.pay) { l.paid = true; m.p.lock -= l.amount; this.credit(l.payee, l.amount) }
    for (const m of members) { this.reimburse(m.p, m.p.bonded - guaranteed(m.p)); if (m.p.lock < 0n) throw new Error('a purse paid more than it had') }
  }
  reimburse(p, most) {
    const n = min(p.lock, most)
    if (n > 0n) { this.bond(p.intermediary).amount += n; p.lock -= n; p.bonded -= n }
  }
  fromBond(p, n) { if (n > 0n) { this.bond(p.intermediary).amount -= n; p.lock += n; p.bonded += n } }
  credit(payee, n) {
    const p = this.s.purses.get(payee)
    if (!p) { this.book.paid += n; this.payOut(payee, n); return }
    p.lock += n
    if (p.state === ENDED) this.giveBack(p)
    else this.touched.push(payee)
  }
  payOut(wallet, n) {
    if (n === 0n) return
    this.book.locked -= n; this.payouts++
    this.x.contracts.pay(null, wallet, 0, n, 0, 0)
  }
  giveBack(p) {
    if (this.bond(p.intermediary)) this.reimburse(p, p.bonded)
    this.book.returned += p.lock
    this.payOut(p.owner, p.lock)
    p.lock = 0n
  }

  announce(t) {
    const key = {members: t.members, commitments: t.commitments}
    keyCheck(key)
    if (this.book.openers.length >= KEYS) refuse('too-many')
    this.book.openers.push(key)
  }
  checkSeal(t) {
    const keys = this.book.openers.length
    if (!t.sealed.length) return keys ? refuse('no-seal') : undefined
    if (!keys) refuse('unknown-openers')
    const s = seal(t.sealed)
    if (s.number !== BigInt(keys)) refuse('unknown-openers')
    sealHolds(s, this.x.network, t)
  }
  openName(t) {
    const p = this.s.purses.get(t.purse) ?? refuse('unknown-purse')
    if (!p.sealed.length) refuse('no-seal')
    if (t.case === NO_TOKEN && !p.convicted) refuse('no-case')
    if (t.number !== BigInt(p.openings.length)) refuse('stale-version')
    if (p.openings.length >= OPENINGS) refuse('too-many')
    const s = seal(p.sealed), combined = combine(t, s, this.x.network, this.book.openers[Number(s.number) - 1])
    p.openings.push({time: this.x.now, case: t.case, asker: t.asker, combined})
    this.book.openings++
  }
  convict(t) {
    const v = decode(t.conviction)
    if (!Array.isArray(v) || v.length !== 3 || v[0] !== 8n) refuse('unknown-kind')
    const [a, b] = v.slice(1).map(l => link(l, this.x.network)), p = this.opened(a.purse)
    if (p.convicted) refuse('purse-convicted')
    if (b.purse !== a.purse) refuse('purse-other')
    if (before(a, b) > 0) refuse('not-canonical')
    if (!conflict(a, b)) refuse('purse-no-conflict')
    for (const l of [a, b]) if (!verify(unhex(p.key), l.digest, l.signature)) refuse('purse-signature')
    p.convicted = true
  }
  close(t) {
    const p = this.s.purses.get(t.purse)
    if (!p) return this.closeBond(t)
    if (p.state === ENDED) refuse('purse-over')
    if (this.x.now < ends(p)) refuse('claim-window')
    if (p.state === OPEN) this.share(p)
    let left = false
    for (const l of unpaid(p)) {
      if (this.payouts >= PAYOUTS && this.outside(l.payee)) { left = true; continue }
      l.paid = true; p.lock -= l.share
      this.credit(l.payee, l.share)
    }
    if (!left && this.payouts < PAYOUTS) {
      this.giveBack(p)
      p.state = ENDED; p.links = []
      this.bond(p.intermediary).purses--
    }
    this.clear(this.touched); this.finish(t)
  }
  // In proportion to the amounts; the odd tiyn one each to the lowest ids.
  share(p) {
    this.reimburse(p, p.bonded - guaranteed(p))
    const claims = unpaid(p), sum = claims.reduce((n, l) => n + l.amount, 0n)
    this.fromBond(p, min(sum - p.lock, guaranteed(p) - p.bonded, this.bond(p.intermediary).amount))
    const total = min(sum, p.lock)
    let odd = total
    for (const l of claims) { l.share = total >= sum ? l.amount : total * l.amount / sum; odd -= l.share }
    for (const l of [...claims].sort((a, b) => a.id < b.id ? -1 : 1)) if (odd > 0n && l.share < l.amount) { l.share++; odd-- }
    p.state = ENDING
  }
  closeBond(t) {
    const b = this.bond(t.purse) ?? refuse('unknown-purse')
    if (b.purses > 0) refuse('not-empty')
    this.book.bonds.delete(t.purse)
    this.book.returned += b.amount
    this.payOut(t.purse, b.amount); this.finish(t)
  }
}
const asLink = k => ({number: k.number, id: k.id, previous: k.previous, paid: k.before, received: k.received, amount: k.amount, end: k.end})
function drop(members, bonds) {
  const gets = new Map(), left = new Map(bonds)
  let dropped = false
  for (const m of members) for (const l of m.pay) gets.set(l.payee, (gets.get(l.payee) ?? 0n) + l.amount)
  for (const m of members) {
    const bond = left.get(m.p.intermediary)
    m.short = m.pay.reduce((n, l) => n + l.amount, 0n) - m.lock - (gets.get(m.p.id) ?? 0n)
    while (m.short > min(m.may, bond) && m.pay.length) { m.short -= m.pay.pop().amount; dropped = true }
    m.short = max(0n, m.short)
    left.set(m.p.intermediary, bond - m.short)
  }
  return dropped
}
