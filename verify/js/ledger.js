// The rules (RULES.md): a block of entries is executed on a state, or refused. Nothing is believed: due entries are derived, effects
// computed, leaves compared.
import {skeleton, usableName} from './names.js'
import {AUTHORITY, NO_KEY, NO_TOKEN, Refusal, heldFor, outputID, readEntry, refuse, suspenseOf} from './form.js'
import {be64, concat, domain, hex, sha256, unhex} from './bytes.js'
import {leafHash, Tree} from './tree.js'
import {verify} from './ed25519.js'
import {State, stateRoot} from './state.js'
import {Contracts} from './contracts.js'
import {FUND, Purses} from './purses.js'

const DAY = 86_400_000n, I63 = 2n ** 63n - 1n, MOST_DUE = 2000, MOST_PAID = 128, MOST_VOUCHED = 8, PER_BLOCK = 64
const ROOT = 1, ISSUE = 2, POLICY = 3, ENFORCEMENT = 4, BANK = 5, RECEIVER = 6, WALLET = 7, RECOVERY = 8, POSSESSION = 9, AGENCY = 10
export const max = (a, b) => a > b ? a : b, min = (a, b) => a < b ? a : b

export class Ledger {
  constructor() { this.state = new State(); this.tree = new Tree(); this.height = -1n; this.time = 0n; this.network = null; this.leaf = null }

  // block executes a block: the bytes of its entries, the leaf first.
  block(entries) {
    const read = entries.map(readEntry), leaf = read[0].leaf ?? refuse('not-derived', 'no leaf'), rootBefore = hex(this.tree.root())
    if (leaf.height !== this.height + 1n || (leaf.genesis !== null) !== (leaf.height === 0n) || leaf.time < this.time || leaf.count !== entries.length - 1) refuse('not-derived', 'leaf')
    if (leaf.height > 0n && leaf.previous !== rootBefore) refuse('not-derived', 'previous')
    if (leaf.rules < 1 || leaf.rules > 5) refuse('unknown-rules')
    if (leaf.genesis) this.found(leaf)
    else {
      if (leaf.rules !== this.rulesAt(leaf.height)) refuse('not-derived', 'rules')
      this.begin(leaf.height, leaf.time)
      const due = this.due()
      for (const e of read.slice(1)) {
        if (e.leaf) refuse('not-derived', 'a leaf within a block')
        if (e.system) this.isDue(e.system, due.shift())
        else {
          if (due.length) refuse('not-derived', 'system entries are due')
          this.apply(e.transaction)
          if (!sameEffects(e.effects, this.effects)) refuse('not-derived', 'effects')
        }
      }
      if (due.length) refuse('not-derived', 'system entries are missing')
      this.end(leaf)
    }
    for (const bytes of entries) this.tree.add(leafHash(bytes))
    this.height = leaf.height; this.time = leaf.time; this.leaf = leaf
  }
  stateRoot() { return stateRoot(this.state, {network: this.network, leaf: this.leaf.bytes, size: this.tree.size, root: this.tree.root()}) }

  found(leaf) {
    const g = leaf.genesis
    if (leaf.issued || leaf.redeemed || leaf.circulating || leaf.previous !== '00'.repeat(32) || leaf.count) refuse('not-derived', 'genesis')
    if ((g.policy.shares || g.policy.cash) && leaf.rules < 5) refuse('later-rules')
    this.state.authority = {
      sets: g.sets.map(s => ({...s, since: leaf.time, sequence: 1n})), policy: g.policy, cap: g.cap, delay: g.delay, proposals: [],
      issued: 0n, redeemed: 0n, issueDay: 0n, issuedToday: 0n, rules: leaf.rules, upgrade: {rules: 0, height: 0n}, reserves: [], validators: [], validatorChanges: [],
    }
    this.network = leafHash(leaf.bytes); this.genesis = g
  }
  rulesAt(height) { const a = this.state.authority; return a.upgrade.rules !== 0 && height >= a.upgrade.height ? a.upgrade.rules : a.rules }
  begin(height, now) { this.now = now; this.at = height; this.v = this.rulesAt(height); this.perBlocks = new Map(); this.contracts = new Contracts(this) }
  isDue(system, due) {
    if (!due || system.kind !== due.kind || system.id !== due.id || system.version !== (due.version ?? 0n) || !sameEffects(system.effects, due.effects ?? none)) refuse('not-derived', 'system entry')
    if ((system.salt !== null) !== (this.v >= 4)) refuse('not-derived', 'salt')
  }
  end(leaf) {
    const a = this.state.authority
    if (a.rules !== this.v) { a.rules = this.v; a.upgrade = {rules: 0, height: 0n} }
    if (this.state.live() !== a.issued - a.redeemed) throw new Error('supply is not conserved')
    if (leaf.issued !== a.issued || leaf.redeemed !== a.redeemed || leaf.circulating !== a.issued - a.redeemed || leaf.reserve !== a.reserves.reduce((n, r) => n + this.state.wallets.get(r.wallet).balance, 0n)) refuse('not-derived', 'leaf states another supply')
  }

  // ---- what falls due (R-DUE)
  due() {
    const s = this.state, a = s.authority, out = []
    while (a.proposals.length && a.proposals[0].due <= this.now && out.length < MOST_DUE) {
      const p = a.proposals.shift()
      this.enact(p.change); out.push({kind: 2, id: p.id})
    }
    while (out.length < MOST_DUE) {
      let next = null
      for (const [id, d] of s.details) if (d.due > 0n && d.due <= this.now && (!next || d.due < next.due || (d.due === next.due && id < next.id))) next = {id, due: d.due}
      if (!next) break
      out.push(this.rekeyDue(next.id))
    }
    const most = Math.min(MOST_DUE, out.length + MOST_PAID)
    while (out.length < most) {
      let next = null
      for (const c of s.contracts.values()) if (!c.frozen && c.ends <= this.now && (!next || c.ends < next.ends || (c.ends === next.ends && c.id < next.id))) next = c
      if (!next) break
      out.push(this.contracts.atEnd(next))
    }
    while (out.length < most) {
      let next = null
      for (const [id, t] of s.tokens) {
        const until = s.purpose(t.purpose)?.until
        if (until !== undefined && until <= this.now && (!next || until < next.until || (until === next.until && id < next.id))) next = {id, until}
      }
      if (!next) break
      out.push(this.contracts.expire(next.id))
    }
    return out
  }
  enact(c) {
    const a = this.state.authority
    if (c.kind === 4) { if (c.rules > a.rules) a.upgrade = {rules: c.rules, height: max(c.height, this.at + 1n)} } else if (c.kind === 5) {
      const tiers = a.policy.tiers, raw = a.policy.raw
      a.policy = {...c.policy}
      if (c.policy.tiers.length < tiers.length) { // tiers that came since stay
        const n = c.policy.tiers.length
        a.policy.tiers = [...c.policy.tiers, ...tiers.slice(n)]
        a.policy.raw = [[...c.policy.raw[0], ...raw[0].slice(n)], ...c.policy.raw.slice(1)]
      }
    } else if (c.kind === 1) { const set = a.sets[c.set - 1]; set.since = sameKeys(set, c.keys) ? set.since : this.now; Object.assign(set, c.keys) } else if (c.kind === 2) a.cap = c.cap
    else a.delay = c.delay
  }
  rekeyDue(id) {
    const w = this.wallet(id), d = this.state.detail(id), closes = d.key === NO_KEY
    let lapses = this.inactive(w.registrar) || (this.v >= 2 && this.suspense(id, w))
    if (closes) lapses ||= this.unclosable(id, w) !== null || this.named(id)
    if (lapses) { this.dropKey(id, w); return {kind: 3, id} }
    if (closes) { this.endWallet(id, w); return {kind: 6, id} }
    this.giveKey(id, w, d.key, d.newRecovery)
    return {kind: 1, id}
  }

  // ---- who signs (R-SIGN)
  set(role) { const s = this.state.authority.sets[role - 1]; return {role, keys: s.keys, threshold: s.threshold} }
  registrar(id) {
    if (id === AUTHORITY) return this.set(POLICY)
    const b = this.state.banks.get(id) ?? refuse('unknown-intermediary')
    return {role: BANK, ...b.keys}
  }
  owner(role, key, rules = this.v) {
    if (key !== NO_KEY) return {role, keys: [key], threshold: 1}
    return rules < 2 ? {role, keys: [key], threshold: 0} : refuse('not-authorised', 'no key in that role')
  }
  possession(...keys) { return {role: POSSESSION, keys, threshold: keys.filter(k => k !== NO_KEY).length} }
  newKeys(set, old) { return this.possession(...set.keys.map(k => old?.keys.includes(k) ? NO_KEY : k)) }
  signatories(t) {
    const s = this.state, bank = (id, code = 'unknown-intermediary') => s.banks.get(id) ?? refuse(code)
    switch (t.kind) {
    case 2: return [this.set(ISSUE)]
    case 28: return [this.set(ISSUE), this.possession(t.key)]
    case 30: return [{role: WALLET, keys: [this.wallet(t.intermediary).key], threshold: 1}, this.registrar(t.intermediary), this.possession(t.certifier)]
    case 31: return [{role: WALLET, keys: [this.wallet(t.owner).key], threshold: 1}, this.registrar(t.intermediary), this.possession(t.key)]
    case 32: return [{role: WALLET, keys: [this.wallet(t.from).key], threshold: 1}]
    case 33: case 34: case 35: case 37: return []
    case 29: return [{role: WALLET, keys: [this.wallet(t.reserve).key], threshold: 1}]
    case 3: return [this.owner(WALLET, (s.wallets.get(t.from) ?? refuse('unknown-intermediary')).key), this.set(ISSUE)]
    case 4: return [this.registrar(t.registrar), this.possession(t.key, t.recovery)]
    case 9: case 10: case 11: return [this.set(ENFORCEMENT)]
    case 12: return [this.set(POLICY), this.possession(...t.keys.keys, t.treasury)]
    case 13: case 15: case 36: return [this.set(POLICY)]
    case 14: return [this.set(POLICY), {role: RECEIVER, ...bank(t.to).keys}]
    case 16: return [this.set(t.by), ...(t.change.kind === 1 ? [this.newKeys(t.change.keys, s.authority.sets[t.change.set - 1])] : [])]
    case 17: case 38: return [this.set(ROOT)]
    case 18: return [this.set(POLICY), this.newKeys(t.keys, bank(t.intermediary).keys)]
    case 19: return [this.set(POLICY), this.newKeys(t.keys, s.agencies.get(t.agency)?.keys)]
    case 20: case 27: return [{role: AGENCY, ...(s.agencies.get(t.agency) ?? refuse('unknown-agency')).keys}]
    case 22: return [this.registrar(t.registrar)]
    case 26: {
      if (t.by === ENFORCEMENT) return [this.set(ENFORCEMENT), this.registrar(this.wallet(t.held).registrar)]
      const w = s.wallets.get(t.for)
      if (w) return t.by === WALLET ? [this.owner(WALLET, w.key, 4)] : refuse('not-authorised')
      const closed = s.closed.get(t.for) ?? refuse('unknown-wallet')
      return [this.owner(t.by, t.by === RECOVERY ? closed.recovery : closed.key, 4)]
    }
    }
    const w = this.wallet(t.wallet) // a change to one wallet
    const by = role => role === WALLET ? this.owner(role, w.key) : role === RECOVERY ? this.owner(role, s.detail(t.wallet).recovery, 4) : role === ENFORCEMENT || role === ISSUE ? this.set(role) : this.registrar(w.registrar)
    if (t.kind === 6) return [by(t.by), this.possession(t.key, t.recovery)]
    return [by(t.kind === 5 ? BANK : t.kind === 7 ? WALLET : t.by)]
  }
  keysOf(t) {
    const payers = {1: t.parties?.slice(0, t.payers), 21: t.parties?.slice(0, 1), 23: [t.creator], 24: [t.caller]}[t.kind]
    if (payers) {
      if (t.witnesses.length === 0) refuse('missing-signature')
      for (const w of t.witnesses) if (w.role !== WALLET || w.index >= payers.length) refuse('not-authorised')
      return payers.map((id, i) => t.witnesses[i]?.index === i ? this.wallet(id).key : refuse('missing-signature'))
    }
    const groups = this.signatories(t), signed = groups.map(() => 0)
    const keys = t.witnesses.map(w => {
      const g = groups.findIndex(x => x.role === w.role), key = groups[g]?.keys[w.index]
      if (key === undefined || key === NO_KEY) refuse('not-authorised')
      signed[g]++
      return key
    })
    groups.forEach((g, i) => { if (signed[i] < g.threshold) refuse('missing-signature') })
    return keys
  }
  apply(t) {
    const payment = [1, 21, 23, 24].includes(t.kind)
    if (t.validUntil < this.now) refuse('expired')
    if (t.validUntil > this.now + (payment ? this.state.authority.policy.ahead : 30n * DAY)) refuse('too-far-ahead')
    if (this.v < (t.kind >= 28 ? 5 : t.kind >= 27 ? 4 : t.kind >= 25 ? 2 : 1)) refuse('later-rules')
    const keys = this.keysOf(t)
    t.witnesses.forEach((w, i) => {
      const digest = domain('aqsha sign v1', this.network, t.id, Uint8Array.of(w.role))
      if (!verify(unhex(keys[i]), digest, w.signature)) refuse('bad-signature')
    })
    this.effects = {spent: [], made: []}
    this[does[t.kind]](t)
  }

  // ---- wallets
  wallet(id, code = 'unknown-wallet') { return this.state.wallets.get(id) ?? refuse(code) }
  purposeTime(n) { const p = this.state.purpose(n); if (p && this.now >= p.until) refuse('purpose-expired') }
  inactive(bank) { return bank !== AUTHORITY && (this.state.banks.get(bank)?.suspended ?? true) }
  active(bank) { if (bank === AUTHORITY) return; const b = this.state.banks.get(bank) ?? refuse('unknown-intermediary'); if (b.suspended) refuse('suspended') }
  suspense(id, w) { return w.treasury && !this.state.banks.has(id) }
  ownable(id, w) { if (w.held || (this.v >= 2 && this.suspense(id, w))) refuse('held') }
  named(id) { for (const c of this.state.contracts.values()) if (c.parties.includes(id)) return true; return false }
  target(t) { const w = this.wallet(t.wallet); if (w.contract) refuse('of-contract'); this.version(w.version, t.version); return w }
  version(present, said) { if (BigInt(present) !== said) refuse('stale-version') }
  sequence(of, said) { if (of.sequence !== said) refuse('stale-version') }
  mayPay(id, w) {
    if (w.frozen) refuse('frozen')
    if (w.held) refuse('held')
    if (w.rekeying) refuse('rekey-pending')
    if (w.treasury) { this.ownable(id, w); this.active(w.registrar) }
  }
  mayBePaid(w) { if (w.frozen === 2) refuse('frozen'); if (w.contract) refuse('of-contract'); if (w.held) refuse('held') }
  today() { return (this.now + this.state.authority.policy.offset) / DAY }
  tier(n) { return this.state.authority.policy.tiers[n] ?? refuse('unknown-tier') }
  counts(purpose) { return !this.state.purpose(purpose)?.own }
  spentOn(w, day) { return day > w.day ? [0n, 0n] : [w.paid, w.payments] }
  limits(id, w, net, pays) {
    if (w.treasury) return
    if (this.reserve(id)) return this.reserveLimits(w, net)
    const tier = this.tier(w.tier), [paid, payments] = this.spentOn(w, this.today())
    if (pays && tier.payments && payments >= tier.payments) refuse('limit-payments-a-day')
    if (net < 0n && tier.payment && -net > tier.payment) refuse('limit-payment')
    if (net < 0n && tier.day && paid - net > tier.day) refuse('limit-day')
    if (net > 0n && net > this.room(tier, id, w, net)) refuse('limit-balance')
  }
  room(tier, id, w, amount) { return !tier.balance || w.balance + amount <= tier.balance ? amount : min(amount, max(0n, tier.balance - (w.balance - this.state.apart(id)))) }
  book(w, net, counted, delta, pays) {
    w.balance += net; w.tokens += delta
    if (!pays || w.treasury) return
    const today = this.today(), [paid, payments] = this.spentOn(w, today)
    w.day = max(w.day, today); w.payments = min(payments + 1n, 2n ** 32n - 1n); w.paid = counted < 0n ? min(paid - counted, I63) : paid
  }
  addToken(id, wallet, purpose, amount, hops) { this.state.tokens.set(id, {wallet, purpose, amount, hops}) }

  transfer(t) {
    const s = this.state, p = s.authority.policy
    if (t.inputs.length > p.inputs || t.outputs.length > p.outputs) refuse('policy-too-many')
    const wallets = t.parties.map((id, i) => { const w = this.wallet(id); if (i < t.payers) this.mayPay(id, w); else this.mayBePaid(w); return w })
    const nets = t.parties.map(() => 0n), delta = t.parties.map(() => 0)
    let hops = 0, sum = 0n
    const spent = t.inputs.map(id => {
      const k = s.tokens.get(id) ?? refuse('token-not-live'), payer = t.parties.slice(0, t.payers).indexOf(k.wallet)
      if (payer < 0) refuse('wrong-owner')
      nets[payer] -= k.amount; delta[payer]--; hops = Math.max(hops, k.hops)
      return k
    })
    for (let i = 0; i < t.payers; i++) if (delta[i] === 0) refuse('unused')
    for (const k of spent) { if (k.purpose) refuse('marked'); sum += k.amount }
    for (const o of t.outputs) {
      if (o.asset.some(n => n !== 0)) refuse('marked')
      if (o.amount < p.least) refuse('dust')
      sum -= o.amount; nets[o.party] += o.amount; delta[o.party]++
    }
    if (sum !== 0n) refuse('not-balanced')
    const pays = i => i < t.payers && paysNow(nets[i], delta[i])
    this.paysForCash(t)
    t.parties.forEach((id, i) => this.limits(id, wallets[i], nets[i], pays(i)))
    for (const id of t.inputs) s.tokens.delete(id)
    t.outputs.forEach((o, i) => this.addToken(outputID(t.id, i), t.parties[o.party], 0, o.amount, hops))
    t.parties.forEach((id, i) => this.book(wallets[i], nets[i], nets[i], delta[i], pays(i)))
  }
  issue(t) {
    const a = this.state.authority, p = a.policy
    this.sequence(a.sets[1], t.sequence); this.active(t.to)
    const w = this.state.wallets.get(t.to)
    if (!w?.treasury) refuse('unknown-intermediary')
    if (w.frozen === 2) refuse('frozen')
    if (t.amounts.length > p.outputs) refuse('policy-too-many')
    if (t.amounts.some(n => n < p.least)) refuse('dust')
    const total = t.amounts.reduce((x, y) => x + y), today = max(a.issueDay, this.today()), issued = a.issueDay === today ? a.issuedToday : 0n
    if (issued + total > a.cap) refuse('cap-reached')
    if (a.issued + total > I63) refuse('amount-overflow')
    a.sets[1].sequence++; a.issueDay = today; a.issuedToday = issued + total; a.issued += total
    t.amounts.forEach((n, i) => this.addToken(outputID(t.id, i), t.to, 0, n, 0))
    w.balance += total; w.tokens += t.amounts.length
  }
  taking(owner, t, purpose) {
    const p = this.state.authority.policy
    if (t.inputs.length > p.inputs) refuse('policy-too-many')
    if (t.amount < p.least || (t.change && t.change < p.least)) refuse('dust')
    let total = 0n
    for (const id of t.inputs) {
      const k = this.state.tokens.get(id) ?? refuse('token-not-live')
      if (k.wallet !== owner) refuse('wrong-owner')
      if (k.purpose !== purpose) refuse('unknown-asset')
      total += k.amount
    }
    if (total - t.amount !== t.change) refuse('not-balanced')
  }
  take(w, owner, t, change) {
    let hops = 0, purpose = 0
    for (const id of t.inputs) { const k = this.state.tokens.get(id); hops = Math.max(hops, k.hops); purpose = k.purpose; this.state.tokens.delete(id) }
    w.balance -= t.amount; w.tokens -= t.inputs.length
    if (t.change) { this.addToken(change, owner, purpose, t.change, hops); w.tokens++ }
    return hops
  }
  redeem(t) {
    const w = this.state.wallets.get(t.from)
    if (!w?.treasury || w.registrar !== t.from) refuse('unknown-intermediary')
    this.mayPay(t.from, w); this.taking(t.from, t, 0)
    this.state.authority.redeemed += t.amount
    this.take(w, t.from, t, outputID(t.id, 0))
  }
  registrarSequence(t) {
    if (t.registrar === AUTHORITY) { this.sequence(this.state.authority.sets[2], t.sequence); return this.state.authority.sets[2] }
    this.active(t.registrar)
    const b = this.state.banks.get(t.registrar)
    this.sequence(b, t.sequence)
    return b
  }
  newWallet(more) { return {registrar: AUTHORITY, key: NO_KEY, version: 1n, tier: 0, treasury: false, frozen: 0, rekeying: false, contract: false, held: false, attributes: {category: 0, region: '', role: ''}, balance: 0n, tokens: 0, day: 0n, paid: 0n, payments: 0n, ...more} }
  register(t) {
    const of = this.registrarSequence(t), id = t.hex.slice(0, 32)
    this.tier(t.tier)
    if (this.state.wallets.has(id) || id === AUTHORITY) refuse('duplicate')
    of.sequence++
    this.state.wallets.set(id, this.newWallet({registrar: t.registrar, key: t.key, tier: t.tier, attributes: t.attributes}))
    this.state.putDetail(id, {...this.state.detail(id), recovery: t.recovery})
  }
  update(t) {
    const w = this.target(t)
    this.ownable(t.wallet, w)
    if (w.treasury) refuse('treasury')
    this.notReserve(t.wallet)
    this.active(w.registrar)
    if (w.rekeying) refuse('rekey-pending')
    this.tier(t.tier)
    w.tier = t.tier; w.attributes = t.attributes; w.version++
  }
  rekey(t) {
    const w = this.target(t)
    this.ownable(t.wallet, w)
    this.byIssue(t.wallet, t.by)
    if (t.by === ISSUE && t.recovery !== NO_KEY) refuse('of-reserve')
    const d = this.state.detail(t.wallet)
    const waits = t.by !== WALLET || d.recovery === NO_KEY ? t.by === BANK || t.by === ISSUE : this.v >= 2
    if (!waits) return this.giveKey(t.wallet, w, t.key, t.recovery)
    if (t.by === BANK) this.active(w.registrar)
    if (w.rekeying) refuse('rekey-pending')
    this.wait(t.wallet, w, t.key, t.recovery)
  }
  wait(id, w, key, newRecovery) {
    this.state.putDetail(id, {...this.state.detail(id), key, newRecovery, due: this.now + this.state.authority.policy.rekey})
    w.rekeying = true; w.version++
  }
  giveKey(id, w, key, recovery) {
    const d = this.state.detail(id)
    w.key = key; w.rekeying = false; w.version++
    this.state.putDetail(id, {...d, recovery: recovery === NO_KEY ? d.recovery : recovery, key: NO_KEY, newRecovery: NO_KEY, due: 0n})
  }
  dropKey(id, w) { this.state.putDetail(id, {...this.state.detail(id), key: NO_KEY, newRecovery: NO_KEY, due: 0n}); w.rekeying = false; w.version++ }
  cancel(t) { const w = this.target(t); this.byIssue(t.wallet, t.by ?? WALLET); if (!w.rekeying) refuse('no-rekey'); this.dropKey(t.wallet, w) }
  unclosable(id, w) { return w.treasury ? 'treasury' : w.tokens || this.state.wallets.get(heldFor(id))?.tokens ? 'not-empty' : w.frozen ? 'frozen' : null }
  close(t) {
    const w = this.target(t)
    this.ownable(t.wallet, w)
    this.byIssue(t.wallet, t.by)
    const not = this.unclosable(t.wallet, w)
    if (not) refuse(not)
    if (w.rekeying) refuse('rekey-pending')
    if (t.by === BANK || t.by === ISSUE) {
      this.active(w.registrar)
      if (this.v >= 2 && this.named(t.wallet)) refuse('in-contract')
      if (this.v >= 2) return this.wait(t.wallet, w, NO_KEY, NO_KEY)
    }
    this.endWallet(t.wallet, w)
  }
  endWallet(id, w) {
    const kept = this.v >= 2, a = this.state.authority
    a.reserves = a.reserves.filter(r => r.wallet !== id)
    this.state.closed.set(id, {registrar: w.registrar, key: kept ? w.key : NO_KEY, recovery: kept ? this.state.detail(id).recovery : NO_KEY, tier: kept ? w.tier : 0})
    this.state.wallets.delete(id); this.state.details.delete(id)
  }

  // ---- enforcement
  enforced(t) {
    const c = this.v >= 2 ? this.state.contracts.get(t.wallet) : undefined
    if (!c) return [this.target(t), undefined]
    const w = this.wallet(t.wallet)
    this.version(w.version, t.version)
    return [w, c]
  }
  freeze(t) {
    const [w, c] = this.enforced(t), d = this.state.detail(t.wallet)
    this.notReserve(t.wallet); this.notFund(t.wallet)
    if (w.frozen && d.case !== t.case) refuse('wrong-case')
    if (c) c.frozen = true
    w.frozen = t.mode; w.version++; this.state.putDetail(t.wallet, {...d, case: t.case})
  }
  notFund(id) { if (id === FUND) refuse('held') }
  underCase(w, d, said) { if (!w.frozen) refuse('not-frozen'); if (d.case !== said) refuse('wrong-case') }
  unfreeze(t) {
    const [w, c] = this.enforced(t), d = this.state.detail(t.wallet)
    this.underCase(w, d, t.case)
    if (c) c.frozen = false
    w.frozen = 0; w.version++; this.state.putDetail(t.wallet, {...d, case: ''})
  }
  seize(t) {
    const w = this.wallet(t.wallet)
    this.notReserve(t.wallet); this.notFund(t.wallet)
    this.underCase(w, this.state.detail(t.wallet), t.case)
    const court = this.wallet(t.court)
    if (court.registrar !== AUTHORITY || court.attributes.role !== 'court' || t.court === t.wallet) refuse('not-court')
    if (court.frozen === 2) refuse('frozen')
    const purpose = this.state.tokens.get(t.inputs[0])?.purpose ?? 0
    this.taking(t.wallet, t, purpose); this.purposeTime(purpose)
    const c = this.state.contracts.get(t.wallet)
    if (c) c.tokens[c.assets.indexOf(purpose)] = t.change ? outputID(t.id, 1) : NO_TOKEN
    this.contracts.became(purpose, 0, t.amount)
    this.take(w, t.wallet, t, outputID(t.id, 1))
    this.addToken(outputID(t.id, 0), t.court, 0, t.amount, 0)
    court.balance += t.amount; court.tokens++
  }
  release(t) {
    const s = this.state, held = this.wallet(t.held), owner = s.wallets.get(t.for)
    if (held.held !== (t.for !== AUTHORITY) || (!held.held && !this.suspense(t.held, held)) || (held.held && heldFor(t.for) !== t.held)) refuse('wrong-owner')
    if (held.frozen) refuse('frozen')
    if (owner?.frozen === 2) refuse('frozen')
    if (owner && t.by === WALLET && t.to !== t.for) refuse('not-authorised')
    if (t.by === ENFORCEMENT) this.active(held.registrar)
    const purpose = s.tokens.get(t.inputs[0])?.purpose ?? 0
    this.taking(t.held, t, purpose); this.purposeTime(purpose)
    const to = this.wallet(t.to)
    this.mayBePaid(to)
    if (purpose && t.to !== t.for && t.by !== ENFORCEMENT) { const c = s.closed.get(t.for); if (to.key !== c?.key && to.key !== c?.recovery) refuse('marked') }
    const counted = this.counts(purpose) ? t.amount : 0n, pays = t.by !== ENFORCEMENT && t.to !== t.for
    if (pays) this.limits(t.held, held, -counted, true)
    this.limits(t.to, to, counted, false)
    const hops = this.take(held, t.held, t, outputID(t.id, 1))
    this.book(held, 0n, -counted, 0, pays)
    this.addToken(outputID(t.id, 0), t.to, purpose, t.amount, hops)
    to.balance += t.amount; to.tokens++
  }

  // ---- authority
  policySet(said) { const set = this.state.authority.sets[2]; this.sequence(set, said); return set }
  bank(id) { return this.state.banks.get(id) ?? refuse('unknown-intermediary') }
  admit(t) {
    const set = this.policySet(t.sequence), id = t.hex.slice(0, 32)
    if (this.state.banks.has(id) || this.state.wallets.has(id) || id === AUTHORITY) refuse('duplicate')
    set.sequence++
    this.state.banks.set(id, {name: t.name, keys: t.keys, since: this.now, sequence: 1n, suspended: false})
    this.state.wallets.set(id, this.newWallet({registrar: id, key: t.treasury, treasury: true}))
  }
  suspend(t) { const set = this.policySet(t.sequence), b = this.bank(t.intermediary); if (b.suspended === t.suspended) refuse('not-suspended'); set.sequence++; b.suspended = t.suspended }
  renew(t) { const set = this.policySet(t.sequence), b = this.bank(t.intermediary); set.sequence++; b.since = sameKeys(b.keys, t.keys) ? b.since : this.now; b.keys = t.keys }
  move(t) {
    const set = this.policySet(t.sequence)
    this.active(t.to)
    if (!this.bank(t.from).suspended) refuse('not-suspended')
    const wallets = t.wallets.map(id => { const w = this.wallet(id); if (w.treasury && id === t.from) refuse('treasury'); if (w.registrar !== t.from) refuse('wrong-owner'); return w })
    set.sequence++
    wallets.forEach((w, i) => { w.registrar = t.to; this.dropKey(t.wallets[i], w) })
  }
  setPolicy(t) {
    const set = this.policySet(t.sequence), a = this.state.authority
    if (t.policy.tiers.length < a.policy.tiers.length) refuse('unknown-tier')
    this.sharesKnown(t.policy)
    if (a.reserves.length && t.policy.reserveDay > a.policy.reserveDay) refuse('needs-proposal')
    if (this.v >= 2 && (t.policy.rekey < a.policy.rekey || t.policy.offset !== a.policy.offset)) refuse('needs-proposal')
    set.sequence++; a.policy = t.policy
  }
  // Who signs the log behind this block (R-VALIDATORS).
  setValidators(t) {
    const a = this.state.authority, root = a.sets[ROOT - 1], present = a.validators, n = present.length
    this.sequence(root, t.sequence)
    if (a.validatorChanges.at(-1) === this.at) refuse('validators-changed')
    if (a.validatorChanges.length >= 1 << 14) refuse('too-many')
    const gone = present.filter(v => !t.validators.some(o => o.vote === v.vote && o.checkpoint === v.checkpoint)).length
    if (n && gone > Math.max(1, Math.floor((n - 1) / 3))) refuse('too-many-leave')
    root.sequence++
    a.validators = t.validators; a.validatorChanges.push(this.at)
  }
  sharesKnown(policy) { if ((policy.shares || policy.cash) && this.v < 5) refuse('later-rules') }
  propose(t) {
    const a = this.state.authority, set = a.sets[t.by - 1], c = t.change
    this.sequence(set, t.sequence)
    if (c.kind === 4 && c.rules <= Math.max(a.rules, a.upgrade.rules)) refuse('stale-version')
    if (c.kind === 5 && this.v < 2) refuse('later-rules')
    if (c.kind === 5 && c.policy.tiers.length < a.policy.tiers.length) refuse('unknown-tier')
    if (c.kind === 5) this.sharesKnown(c.policy)
    if (a.proposals.filter(p => p.by === t.by).length >= 16) refuse('too-many-proposals')
    set.sequence++
    a.proposals.push({id: t.hex, by: t.by, due: this.now + a.delay, change: c})
    a.proposals.sort((x, y) => x.due < y.due || (x.due === y.due && x.id < y.id) ? -1 : 1)
  }
  veto(t) {
    const a = this.state.authority
    this.sequence(a.sets[0], t.sequence)
    const at = a.proposals.findIndex(p => p.id === t.proposal)
    if (at < 0) refuse('unknown-proposal')
    a.sets[0].sequence++; a.proposals.splice(at, 1)
  }
  setAgency(t) {
    const set = this.policySet(t.sequence), fresh = t.agency === AUTHORITY, id = fresh ? t.hex.slice(0, 32) : t.agency
    let a = this.state.agencies.get(id)
    if (fresh && a) refuse('duplicate')
    if (!fresh && !a) refuse('unknown-agency')
    this.agencyNamed(id, a, t.name)
    set.sequence++
    a ??= {sequence: 1n, since: 0n, keys: null}
    this.state.agencies.set(id, {...a, name: t.name, keys: t.keys, since: a.keys && sameKeys(a.keys, t.keys) ? a.since : this.now, suspended: t.suspended})
  }
  agencyNamed(id, old, name) {
    if (this.v < 3 || old?.name === name) return
    if (!usableName(name)) refuse('bad-name')
    for (const [other, a] of this.state.agencies) if (other !== id && skeleton(a.name) === skeleton(name)) refuse('name-taken')
  }
  vouch(t) {
    const a = this.state.agencies.get(t.agency) ?? refuse('unknown-agency')
    if (a.suspended && !t.withdrawn) refuse('suspended')
    this.sequence(a, t.sequence)
    const w = this.wallet(t.wallet)
    if (w.contract) refuse('of-contract')
    if (w.treasury) refuse('treasury')
    this.ownable(t.wallet, w)
    this.notReserve(t.wallet)
    const d = this.state.detail(t.wallet), others = d.vouched.filter(v => v.agency !== t.agency || v.as !== t.as), stands = others.length < d.vouched.length
    if (t.withdrawn && !stands) refuse('out-of-range', 'as')
    if (!t.withdrawn && stands) refuse('duplicate')
    if (!t.withdrawn && others.length === MOST_VOUCHED) refuse('too-many')
    const order = v => v.agency + v.as, vouched = t.withdrawn ? others : [...others, {agency: t.agency, as: t.as}].sort((x, y) => order(x) < order(y) ? -1 : 1)
    a.sequence++
    this.state.putDetail(t.wallet, {...d, vouched})
  }
  // ---- banknotes (R-CASH)
  reserve(id) { return this.state.authority.reserves.find(r => r.wallet === id) }
  notReserve(id) { if (this.reserve(id)) refuse('of-reserve') }
  byIssue(id, by) { if (this.reserve(id) ? by !== ISSUE : by === ISSUE) refuse(by === ISSUE ? 'no-reserve' : 'of-reserve') }
  announceKeyset(t) {
    const a = this.state.authority, fresh = t.reserve === AUTHORITY, made = {keyset: t.keyset, transaction: t.hex, until: t.until, expiry: t.expiry}
    this.sequence(a.sets[1], t.sequence)
    if (this.now >= t.until * 1000n) refuse('expired')
    if (a.reserves.some(r => r.keysets.some(k => k.keyset === t.keyset))) refuse('duplicate')
    if (fresh) {
      const id = t.hex.slice(0, 32)
      if (a.reserves.length >= 16) refuse('too-many')
      if (this.state.wallets.has(id) || id === AUTHORITY) refuse('duplicate')
      a.reserves.push({wallet: id, origin: t.origin, logKey: t.logKey, keysets: [made], size: 0n, root: '00'.repeat(32), millis: 0n})
      this.state.wallets.set(id, this.newWallet({key: t.key}))
    } else {
      const r = this.reserve(t.reserve) ?? refuse('no-reserve')
      if (r.origin !== t.origin || r.logKey !== t.logKey) refuse('other-log')
      const kept = r.keysets.filter(k => this.now < k.expiry * 1000n)
      if (kept.length >= 64) refuse('too-many')
      r.keysets = [...kept, made]
    }
    a.sets[1].sequence++
  }
  stampCash(t) {
    const r = this.reserve(t.reserve) ?? refuse('no-reserve')
    if (this.wallet(t.reserve).rekeying) refuse('rekey-pending')
    if (t.size <= r.size) refuse('stale-version')
    if (r.size > 0n && this.now < r.millis + 60_000n) refuse('early-stamp')
    r.size = t.size; r.root = t.root; r.millis = this.now
  }
  paysForCash(t) {
    if (!t.parties.slice(0, t.payers).some(id => this.reserve(id))) return
    if (t.payers !== 1) refuse('of-reserve')
    const text = t.memo && t.memo[0] === 1n ? new TextDecoder().decode(t.memo[1]) : ''
    if (t.parties.length > 1 && !/^cash (redeemed|returned|expired) [0-9a-f]{32}( |$)/.test(text)) refuse('unnamed-payment')
  }
  reserveLimits(w, net) {
    const p = this.state.authority.policy, [paid] = this.spentOn(w, this.today())
    if (net < 0n && paid - net > p.reserveDay) refuse('limit-day')
    if (net > 0n && p.reserveMost && w.balance + net > p.reserveMost) refuse('limit-balance')
  }
  registerPurpose(t) { this.contracts.registerPurpose(t) }
  markedTransfer(t) { this.contracts.markedTransfer(t) }
  define(t) {
    const of = this.registrarSequence(t), id = hex(sha256(t.definition))
    if (this.state.definitions.has(id)) refuse('duplicate')
    const drop = this.v >= 5 ? this.roomForDefinition(t.registrar) : undefined
    this.contracts.mayDefine(t.definition)
    const sequence = of.sequence++, s = this.state
    if (drop) { s.definitions.delete(drop); s.registered.delete(drop) }
    s.definitions.set(id, t.definition)
    if (this.v >= 5) { s.registered.set(id, {registrar: t.registrar, sequence}); this.registers(t.registrar) }
  }
  // Shares (R-ROOM): how much somebody registers in a block, and which definition makes room for another.
  registers(who) { this.perBlocks.set(who, (this.perBlocks.get(who) ?? 0) + 1) }
  perBlock(who) { if ((this.perBlocks.get(who) ?? 0) >= PER_BLOCK) refuse('too-many') }
  roomForDefinition(registrar) {
    this.perBlock(registrar)
    const s = this.state, share = s.authority.policy.definitions
    const of = [...s.registered].filter(([, by]) => by.registrar === registrar).sort(([, a], [, b]) => a.sequence < b.sequence ? -1 : 1)
    if (of.length < share) return
    const used = new Set([...s.contracts.values()].map(c => c.definition))
    for (const p of s.purposes.values()) if (p.until > this.now) for (const id of p.contracts) used.add(id)
    return (of.length === share && of.find(([id]) => !used.has(id))?.[0]) || refuse('too-many')
  }
  create(t) { this.contracts.create(t) }
  act(t) { this.contracts.act(t) }
  bondPurses(t) { new Purses(this).bondPurses(t) }
  openPurse(t) { new Purses(this).open(t) }
  fundPurse(t) { new Purses(this).fund(t) }
  settle(t) { new Purses(this).settle(t) }
  convict(t) { new Purses(this).convict(t) }
  closePurse(t) { new Purses(this).close(t) }
  announceOpeners(t) {
    const set = this.policySet(t.sequence)
    new Purses(this).announce(t)
    set.sequence++
  }
  openName(t) { new Purses(this).openName(t) }
}
const does = {1: 'transfer', 2: 'issue', 3: 'redeem', 4: 'register', 5: 'update', 6: 'rekey', 7: 'cancel', 8: 'close', 9: 'freeze', 10: 'unfreeze', 11: 'seize', 12: 'admit', 13: 'suspend', 14: 'move', 15: 'setPolicy', 16: 'propose', 17: 'veto', 18: 'renew',
  19: 'setAgency', 20: 'registerPurpose', 21: 'markedTransfer', 22: 'define', 23: 'create', 24: 'act', 25: 'cancel', 26: 'release', 27: 'vouch', 28: 'announceKeyset', 29: 'stampCash', 30: 'bondPurses', 31: 'openPurse', 32: 'fundPurse', 33: 'settle', 34: 'convict', 35: 'closePurse', 36: 'announceOpeners', 37: 'openName', 38: 'setValidators'}
export const none = {spent: [], made: []}
export const paysNow = (net, delta) => net < 0n || delta >= 0
const sameKeys = (a, b) => a.threshold === b.threshold && a.keys.length === b.keys.length && a.keys.every((k, i) => k === b.keys[i])
const sameEffects = (a, b) => JSON.stringify(a, big) === JSON.stringify(b, big)
const big = (_, v) => typeof v === 'bigint' ? String(v) : v
export {Refusal, be64, concat, domain, suspenseOf}
