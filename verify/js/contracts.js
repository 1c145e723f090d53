// Programmable money: purposes, marked transfers, definitions and contracts (RULES.md, R-PURPOSE…, R-DEF…, R-CREATE…).
import {AUTHORITY, NO_KEY, NO_TOKEN, Refusal, SAME, heldFor, outputID, readDefinition, refuse, suspenseOf} from './form.js'
import {be64, concat, domain, equal, hex, isBytes, unhex} from './bytes.js'
import {Undefined, parse} from './cel.js'
import {definition, purpose} from './definition.js'
import {skeleton, usableName} from './names.js'
import {max, min, none, paysNow} from './ledger.js'

const I63 = 2n ** 63n - 1n, TEN_YEARS = 10n * 366n * 86_400_000n, HOPS = 65535, RENEWALS = 12, PURPOSES = 1 << 20, AMENDMENTS = 8
const constants = {minute: 60_000n, hour: 3_600_000n, day: 86_400_000n, authority: new Uint8Array(16)}
const expressions = new Map()
function evaluate(text, scope, type) {
  if (!expressions.has(text)) expressions.set(text, parse(text))
  const v = expressions.get(text)(name => constants[name] ?? scope[name]?.())
  if (typeof v !== type && !(type === 'bytes' && isBytes(v))) throw new Undefined('type')
  return v
}
const partyOf = (id, w, vouched) => ({id: unhex(id), key: unhex(w.key), bank: unhex(w.registrar), tier: BigInt(w.tier), category: BigInt(w.attributes.category), region: w.attributes.region, role: w.attributes.role, vouched})
const members = ['id', 'key', 'bank', 'tier', 'category', 'region', 'role', 'vouched']
const nobody = {key: NO_KEY, registrar: AUTHORITY, tier: 0, attributes: {category: 0, region: '', role: ''}}
const partyScope = (name, get) => Object.fromEntries(members.map(m => [`${name}.${m}`, () => get()[m]]))
const empty = new Uint8Array(0)

export class Contracts {
  constructor(ledger) { this.x = ledger; this.s = ledger.state }
  get v() { return this.x.v }
  // What agencies vouch for is named by what they are called now; closed wallets, contracts and treasuries have none.
  party(id, w) { return partyOf(id, w, this.s.detail(id).vouched.map(v => `${this.s.agencies.get(v.agency)?.name ?? ''}/${v.as}`)) }
  purpose(n) { return this.s.purpose(n) ?? refuse('unknown-purpose') }
  became(from, to, amount) {
    if (from === to) return
    const a = this.s.purpose(from), b = this.s.purpose(to)
    if (a) a.left += amount
    if (b) b.entered += amount
  }

  // ---- purposes
  registerPurpose(t) {
    const a = this.s.agencies.get(t.agency) ?? refuse('unknown-agency'), p = t.purpose, now = this.x.now
    if (a.suspended) refuse('suspended')
    const drop = this.roomForPurpose(t, p)
    this.x.sequence(a, t.sequence)
    if (p.until <= now || p.until - now > TEN_YEARS) refuse('out-of-range')
    this.mayReceive(p.returns)
    this.mayAmend(t, p)
    this.named(t)
    for (const [, becomes] of p.permits) {
      if (becomes === 0 || becomes === SAME) continue
      if (this.purpose(becomes).agency !== t.agency) refuse('not-authorised')
    }
    this.checked(() => purpose(p, this.v))
    a.sequence++
    this.x.registers(t.agency)
    for (const n of drop) { const old = this.s.purpose(this.s.purpose(n).amends); if (old) old.amendedBy = 0; this.s.purposes.delete(n) }
    this.s.purposes.set(++this.s.lastPurpose, {...p, agency: t.agency, entered: 0n, left: 0n, amendedBy: 0})
    const old = this.s.purpose(p.amends)
    if (!old) return
    old.amendedBy = this.s.lastPurpose
    for (let n = p.amends; n; n = this.s.purpose(n).amends) this.s.purpose(n).until = max(this.s.purpose(n).until, p.until)
  }
  // Names, since version 3 (R-NAMES): of an agency's purposes that have not ended no two look alike.
  named(t) {
    const {name, amends} = t.purpose
    if (this.v < 3) return
    if (!usableName(name)) refuse('bad-name')
    for (const q of this.s.purposes.values()) {
      if (q.agency !== t.agency || (amends && q.name === name)) continue
      if (q.until > this.x.now && skeleton(q.name) === skeleton(name)) refuse('name-taken')
    }
  }
  // What is registered passes the static checks.
  checked(check) { try { return check() } catch (e) { if (!(e instanceof SyntaxError)) throw e; return refuse('bad-definition', e.message) } }
  mayDefine(bytes) { const d = this.read(bytes); this.checked(() => definition(d, this.v)) }
  // Which purposes make room for another (R-ROOM).
  roomForPurpose(t, p) {
    if (this.v < 5) { if (this.s.lastPurpose >= PURPOSES) refuse('too-many'); return [] }
    this.x.perBlock(t.agency)
    if (this.s.lastPurpose >= SAME - 1) refuse('too-many')
    const of = [...this.s.purposes].filter(([, q]) => q.agency === t.agency), share = this.s.authority.policy.purposes, drop = []
    if (of.length < share) return drop
    const held = new Set([...this.s.contracts.values()].flatMap(c => c.assets)), named = new Set()
    const names = q => { named.add(q.amends); for (const [, becomes] of q.permits) named.add(becomes) }
    names(p)
    for (const [n, q] of of.reverse()) if (q.until > this.x.now || q.entered !== q.left || named.has(n) || held.has(n)) names(q); else drop.push(n)
    return of.length - drop.length >= share ? refuse('too-many') : drop
  }
  mayAmend(t, p) {
    const now = this.x.now
    if (this.v < 3 && (p.amends || p.notice)) refuse('later-rules')
    if (!p.amends) return
    const old = this.purpose(p.amends)
    let first = old, amendments = 1
    for (; first.amends; first = this.purpose(first.amends)) amendments++
    if (old.agency !== t.agency) refuse('not-authorised')
    if (old.notice === 0n) refuse('not-amendable')
    if (first.until <= now) refuse('purpose-expired')
    if (old.amendedBy) refuse('amended')
    if (old.name !== p.name || old.own !== p.own) refuse('not-amendable')
    if (p.from < now + old.notice) refuse('short-notice')
    if (amendments > AMENDMENTS) refuse('too-many')
  }
  mayReceive(id) { const w = this.x.wallet(id); if (w.contract) refuse('of-contract'); if (w.held) refuse('held'); this.x.notReserve(id) }
  inTime(p) { if (this.x.now < p.from) refuse('purpose-not-begun'); if (this.x.now >= p.until) refuse('purpose-expired') }
  scopeOf(payment) {
    return {...partyScope('payer', () => payment.payer), ...partyScope('payee', () => payment.payee), amount: () => payment.amount, now: () => this.x.now,
      document: () => payment.document ?? empty, definition: () => payment.definition ?? empty, today: () => this.x.today()}
  }
  permit(p, payment) {
    this.inTime(p)
    if (p.most && payment.amount > p.most) refuse('purpose-forbids')
    for (const [when, becomes] of p.permits) if (evaluate(when, this.scopeOf(payment), 'boolean')) return becomes
    return refuse('purpose-forbids')
  }
  permits(p, from, payment) {
    let after = this.permit(p, payment)
    if (after === SAME) after = from
    if (p.most && this.v >= 3) for (const q of this.portions) if (q.purpose === from && q.payee === hex(payment.payee.id) && payment.amount > p.most - min(q.amount, p.most)) refuse('purpose-forbids')
    if ((this.v < 3 || after === from) && p.hops && this.holding(from).hops >= p.hops) refuse('hops-used')
    return after
  }
  // permitted asks the rule of some money and those that amend it.
  permitted(from, wanted, payment) {
    let after, refusal
    for (let n = from; n; n = this.s.purpose(n).amendedBy) {
      const p = this.purpose(n)
      try {
        const next = this.permits(p, from, payment)
        if (after === undefined || next === wanted) after = next
      } catch (e) { if (!e.code) throw e; refusal ??= e }
      if (after !== undefined && (after === wanted || wanted === SAME)) break
    }
    if (after === undefined) throw refusal
    return after
  }
  judge(from, wanted, own, payment) {
    if (!from) { this.mayEnter(wanted, payment, true); return wanted }
    if (own) refuse('purpose-forbids')
    const after = this.permitted(from, wanted, payment), payee = hex(payment.payee.id)
    const q = this.portions.find(q => q.purpose === from && q.payee === payee)
    if (q) q.amount += payment.amount
    else this.portions.push({purpose: from, payee, amount: payment.amount})
    if (after !== from && after) this.mayEnter(after, payment, false)
    return after
  }
  mayEnter(n, payment, marking) {
    const p = this.purpose(n), h = this.holding(n)
    if (marking) {
      const next = this.s.purpose(p.amendedBy)
      if (p.amends && this.x.now < p.from) refuse('purpose-not-begun')
      if (next && this.x.now >= next.from) refuse('amended')
      if (this.x.now >= p.until) refuse('purpose-expired')
      if (!evaluate(p.mark, this.scopeOf(payment), 'boolean')) refuse('marking-forbidden')
    } else if (this.x.now >= p.until) this.inTime(p)
    const entering = h.entering + payment.amount, live = p.entered - p.left
    if (entering > I63 - p.entered) refuse('amount-overflow')
    if (p.total && entering > p.total - min(live, p.total)) refuse('purpose-full')
    h.entering = entering
  }
  holding(n) {
    let h = this.holdings.find(h => h.purpose === n)
    if (!h) this.holdings.push(h = {purpose: n, in: 0n, out: 0n, entering: 0n, hops: 0})
    return h
  }
  gather(payer, inputs) {
    this.holdings = []; this.portions = []
    if (inputs.length > this.s.authority.policy.inputs) refuse('policy-too-many')
    for (const id of inputs) {
      const k = this.s.tokens.get(id) ?? refuse('token-not-live')
      if (k.wallet !== payer) refuse('wrong-owner')
      const h = this.holding(k.purpose)
      h.in += k.amount; h.hops = Math.max(h.hops, k.hops)
    }
    for (const h of this.holdings) this.x.purposeTime(h.purpose)
  }
  markedTransfer(t) {
    const x = this.x, policy = this.s.authority.policy
    if (t.outputs.length > policy.outputs) refuse('policy-too-many')
    const wallets = t.parties.map((id, i) => { const w = x.wallet(id); x.notReserve(id); if (i === 0) x.mayPay(id, w); else x.mayBePaid(w); return w })
    this.gather(t.parties[0], t.inputs)
    const nets = t.parties.map(() => 0n), counted = t.parties.map(() => 0n), delta = t.parties.map(() => 0), payer = this.party(t.parties[0], wallets[0])
    for (const o of t.outputs) {
      if (o.amount < policy.least) refuse('dust')
      this.holding(o.from).out += o.amount; nets[o.party] += o.amount; delta[o.party]++
      if (x.counts(o.becomes)) counted[o.party] += o.amount
      if ((!o.from && !o.becomes) || (o.party === 0 && o.from === o.becomes)) continue
      const payment = {payer, payee: this.party(t.parties[o.party], wallets[o.party]), amount: o.amount, document: t.document}
      if (this.judge(o.from, o.becomes, o.party === 0, payment) !== o.becomes) refuse('wrong-mark')
    }
    delta[0] -= t.inputs.length
    for (const h of this.holdings) { nets[0] -= h.in; if (x.counts(h.purpose)) counted[0] -= h.in }
    for (const h of this.holdings) if (h.in !== h.out) refuse('not-balanced')
    const pays = i => i === 0 && paysNow(counted[i], delta[i])
    t.parties.forEach((id, i) => x.limits(id, wallets[i], counted[i], pays(i)))
    for (const id of t.inputs) this.s.tokens.delete(id)
    t.outputs.forEach((o, i) => {
      let hops = o.from === o.becomes && o.from ? this.holding(o.from).hops : 0
      if (o.from === o.becomes && o.from && o.party !== 0) hops = Math.min(hops + 1, HOPS)
      this.became(o.from, o.becomes, o.amount)
      x.addToken(outputID(t.id, i), t.parties[o.party], o.becomes, o.amount, hops)
    })
    t.parties.forEach((id, i) => x.book(wallets[i], nets[i], counted[i], delta[i], pays(i)))
  }

  // ---- definitions
  read(bytes) { return readDefinition(bytes) }
  definition(id) { return this.read(this.s.definitions.get(id) ?? refuse('unknown-definition')) }
  typed(code, fields, values) {
    if (fields.length !== values.length) refuse(code)
    fields.forEach(([, type], i) => {
      const v = values[i], is = typeof v === 'bigint' ? 1 : typeof v === 'boolean' ? 2 : typeof v === 'string' ? 3 : isBytes(v) ? 4 : 5
      if (is !== type) refuse(code)
    })
  }
  nameOf(n) { const p = this.s.purpose(n); return p ? `${this.s.agencies.get(p.agency)?.name ?? ''}/${p.name}` : 'plain' }
  scope(d, c, call) {
    const s = {created: () => c.created, ends: () => c.ends, now: () => call.now, document: () => call.document ?? empty, 'contract.id': () => unhex(c.id), 'contract.network': () => this.x.network, ...partyScope('caller', () => call.caller)}
    d.terms.forEach(([n], i) => { s['terms.' + n] = () => c.terms[i] })
    d.state.forEach(([n], i) => { s['state.' + n] = () => this.register(d, i) >= 0 ? c.registers[this.register(d, i)] : c.state[i] })
    call.args?.forEach((v, i) => { s['args.' + call.fields[i][0]] = () => v })
    d.assets.forEach((n, i) => { s['held.' + n] = () => call.held[i]; s['left.' + n] = () => call.left[i]; s['paid.' + n] = () => call.paid[i]; s['purpose.' + n] ??= () => this.nameOf(c.assets[i]) })
    if (this.v >= 3 && !d.parties.some(p => ['today', 'purpose', 'authority'].includes(p))) s.today = () => call.today
    d.parties.forEach((n, i) => Object.assign(s, partyScope(n, () => this.party(c.parties[i], this.s.wallets.get(c.parties[i]) ?? nobody))))
    return s
  }
  // A variable of the state is a register of 32 bytes where its start is one; which it is, follows from its start's type.
  register(d, i) {
    if (!d.registers) {
      let n = 0
      d.registers = d.state.map(([, start]) => this.bytesTyped(d, start) ? n++ : -1)
    }
    return d.registers[i]
  }
  bytesTyped(d, text) {
    if (/^\s*empty\s*\(|^\s*sha256\s*\(|^\s*b["']|^\s*replaced\s*\(/.test(text)) return true
    const term = text.trim().match(/^terms\.(\w+)$/)
    return !!term && d.terms.some(([n, type]) => n === term[1] && type === 4)
  }
  admit(d, a, scope, call) {
    if (a.from && call.now < evaluate(a.from, scope, 'bigint')) refuse('too-early')
    if (a.until) { const until = evaluate(a.until, scope, 'bigint'); if (call.now > until || (call.now === until && this.v >= 3)) refuse('too-late') }
    if (a.document === 'any') { if (!call.document) refuse('wrong-document') } else if (a.document && !equal(evaluate(a.document, scope, 'bytes'), call.document ?? empty)) refuse('wrong-document')
    d.assets.forEach((asset, i) => {
      const take = a.takes.find(([n]) => n === asset)
      if (take?.[1] === 'any') return
      if (call.paid[i] !== (take ? evaluate(take[1], scope, 'bigint') : 0n)) refuse('wrong-payment')
    })
    if (a.when && !evaluate(a.when, scope, 'boolean')) refuse('guard-not-met')
  }
  // does computes what an action pays and what the state becomes; all of it reads the state as it was.
  does(d, c, a, call) {
    const scope = this.scope(d, c, call), payouts = []
    this.admit(d, a, scope, call)
    for (const [to, asset, amount, as] of a.pays) {
      const i = d.assets.indexOf(asset), n = amount === 'rest' ? call.left[i] : evaluate(amount, scope, 'bigint')
      if (n < 0n || n > call.left[i]) refuse('not-covered')
      call.left[i] -= n
      if (n > 0n) payouts.push({party: to === 'caller' ? -1 : d.parties.indexOf(to), asset: i, as: as ? d.assets.indexOf(as) : i, amount: n})
    }
    const out = {payouts, state: [...c.state], registers: [...c.registers], ends: a.ends, until: 0n}
    for (const [name, text] of a.sets) {
      const i = d.state.findIndex(([n]) => n === name), r = this.register(d, i)
      if (r < 0) { out.state[i] = evaluate(text, scope, 'bigint'); continue }
      const word = evaluate(text, scope, 'bytes')
      if (word.length !== 32) throw new Undefined('register')
      out.registers[r] = word
    }
    if (a.extends) {
      out.until = evaluate(a.extends, scope, 'bigint')
      if (c.renewals >= RENEWALS || out.until <= c.ends || out.until - call.now > TEN_YEARS) refuse('bad-terms')
    }
    return out
  }
  call(c, caller, more) {
    const held = c.assets.map((_, i) => this.held(c, i).amount), paid = more.paid ?? c.assets.map(() => 0n)
    const both = held.map((n, i) => n + paid[i])
    return {now: this.x.now, today: this.x.today(), caller, held: both, left: [...both], ...more, paid}
  }
  held(c, i) { return this.s.tokens.get(c.tokens[i]) ?? {amount: 0n, hops: 0} }
  outlives(c, ends) { if (this.v >= 3) for (const n of c.assets) { const p = this.s.purpose(n); if (p && p.until < ends) refuse('bad-terms') } }
  bring(id, w, c, t) {
    this.gather(id, t.inputs)
    const policy = this.s.authority.policy, wanted = new Set(c.assets)
    let counted = 0n
    this.rest = c.assets.map((_, i) => this.held(c, i).amount)
    const found = [...this.holdings].filter(h => h.in > 0n)
    this.inHops = []; this.brought = []
    c.assets.forEach((n, i) => {
      const h = this.holding(n), change = h.in - t.paid[i]
      if (change < 0n) refuse('not-balanced')
      if ((change && change < policy.least) || (t.paid[i] && t.paid[i] < policy.least)) refuse('dust')
      this.brought.push(h.in); this.inHops.push(h.hops)
      if (this.x.counts(n)) counted -= t.paid[i]
      h.hops = Math.max(h.hops, this.held(c, i).hops)
    })
    if (found.some(h => !wanted.has(h.purpose))) refuse('not-balanced')
    this.x.limits(id, w, counted, true)
  }

  // ---- contracts
  create(t) {
    const d = this.definition(t.definition), w = this.x.wallet(t.creator), now = this.x.now
    this.x.notReserve(t.creator); this.x.mayPay(t.creator, w)
    for (const p of t.parties) this.mayReceive(p)
    for (const n of t.assets) if (n) this.admits(n, t.definition)
    const c = {id: t.hex.slice(0, 32), definition: t.definition, parties: t.parties, assets: t.assets, terms: t.terms, state: [], registers: [], version: 1n, created: now, ends: 0n,
      tokens: t.assets.map(() => NO_TOKEN), paidIn: this.v >= 2 ? t.parties.flatMap(() => t.assets.map(() => 0n)) : [], frozen: false, renewals: 0}
    if (this.s.wallets.has(c.id) || c.id === AUTHORITY) refuse('duplicate')
    this.bring(t.creator, w, c, t)
    if (t.parties.length !== d.parties.length || t.assets.length !== d.assets.length) refuse('bad-terms')
    this.typed('bad-terms', d.terms, t.terms)
    const call = this.call(c, this.party(t.creator, w), {paid: t.paid, document: t.document}), scope = this.scope(d, c, call)
    c.ends = evaluate(d.at, scope, 'bigint')
    if (c.ends <= now || c.ends - now > TEN_YEARS) refuse('bad-terms')
    d.state.forEach(([, start], i) => {
      if (this.register(d, i) < 0) { c.state.push(evaluate(start, scope, 'bigint')); return }
      const word = evaluate(start, scope, 'bytes')
      if (word.length !== 32) throw new Undefined('register')
      c.state.push(0n); c.registers.push(word)
    })
    if (d.create.by.length && !d.create.by.some(n => t.parties[d.parties.indexOf(n)] === t.creator)) refuse('wrong-caller')
    this.admit(d, d.create, scope, call)
    this.outlives(c, c.ends)
    this.beginPaying(c); this.paysIn(c, t.creator, t.paid)
    c.paidIn = [...this.paidIn]
    this.s.wallets.set(c.id, this.x.newWallet({registrar: w.registrar, contract: true}))
    this.s.contracts.set(c.id, c)
    this.change(c, t.creator, t.paid)
    c.assets.forEach((n, i) => this.effect(c.id, t.paid[i], n, this.inHops[i]))
    this.takeIn(t.creator, w, c, t)
    this.make(t.id); this.locate(c, t.id)
  }
  admits(n, definition) {
    this.purpose(n)
    for (let k = n; k; k = this.s.purpose(k).amendedBy) if (this.s.purpose(k).contracts.includes(definition) && (k === n || this.x.now >= this.s.purpose(k).from)) return
    refuse('not-admitted')
  }
  act(t) {
    const c = this.s.contracts.get(t.contract) ?? refuse('unknown-contract')
    if (c.version !== t.version) refuse('stale-version')
    if (c.frozen) refuse('frozen')
    const d = this.definition(c.definition), a = d.actions.find(a => a.name === t.action) ?? refuse('unknown-action')
    if (t.paid.length !== c.assets.length) refuse('wrong-payment')
    const w = this.x.wallet(t.caller)
    this.x.notReserve(t.caller); this.x.mayPay(t.caller, w)
    this.bring(t.caller, w, c, t)
    const caller = this.party(t.caller, w), call = this.call(c, caller, {paid: t.paid, document: t.document, args: t.args, fields: a.args})
    if (this.x.now >= c.ends) refuse('too-late')
    this.typed('bad-arguments', a.args, t.args)
    if (a.by.length && !a.by.some(n => c.parties[d.parties.indexOf(n)] === t.caller)) refuse('wrong-caller')
    const out = this.does(d, c, a, call)
    this.outlives(c, out.until)
    this.beginPaying(c); this.paysIn(c, t.caller, t.paid)
    this.payouts(c, out.payouts, call, t.caller)
    this.change(c, t.caller, t.paid)
    this.takeIn(t.caller, w, c, t)
    c.assets.forEach((n, i) => {
      const k = this.held(c, i), hops = this.holding(n).hops
      if (!out.ends && t.paid[i] === 0n && k.amount === this.rest[i]) return
      if (c.tokens[i] !== NO_TOKEN) { this.spend(c.tokens[i]); c.tokens[i] = NO_TOKEN }
      if (out.ends) this.shares(c, d, out.state, i, this.rest[i], hops, call)
      else this.effect(c.id, this.rest[i], n, hops)
    })
    for (const e of this.entering) this.became(e.from, e.to, e.amount)
    this.make(t.id)
    if (out.ends) { this.s.contracts.delete(c.id); this.s.wallets.delete(c.id); return }
    this.goesOn(c, out); this.locate(c, t.id)
  }
  goesOn(c, out) {
    c.state = out.state; c.registers = out.registers; c.paidIn = [...this.paidIn]; c.version++
    if (out.until) { c.ends = out.until; c.renewals++ }
  }
  payouts(c, payouts, call, callerID) {
    const least = this.s.authority.policy.least
    this.rest = this.rest.map((n, i) => n + call.paid[i])
    for (const p of payouts) {
      if (p.amount < least) refuse('dust')
      this.rest[p.asset] -= p.amount
      const id = p.party < 0 ? callerID : c.parties[p.party], payee = p.party < 0 ? call.caller : this.party(id, this.s.wallets.get(id) ?? nobody), from = c.assets[p.asset], as = c.assets[p.as]
      let becomes = from, hops = 0
      if (from || as) {
        if (from && as !== from) refuse('wrong-mark')
        becomes = this.judge(from, from ? SAME : as, false, {payer: call.caller, payee, amount: p.amount, document: call.document, definition: unhex(c.definition)})
        if (becomes === from) hops = Math.min(this.holding(from).hops + 1, HOPS)
        else this.entering.push({from, to: becomes, amount: p.amount})
      }
      this.pay(c, id, p.asset, p.amount, becomes, hops)
    }
  }

  // ---- effects
  beginPaying(c) { this.gains = new Map(); this.paidIn = [...c.paidIn]; this.effects = {spent: [], made: []}; this.hops = []; this.entering = []; this.x.effects = this.effects }
  gained(id, n) { const sum = (this.gains.get(id) ?? 0n) + n; this.gains.set(id, sum); return sum }
  paysIn(c, caller, paid) {
    if (this.v < 2) return
    const p = c.parties.indexOf(caller)
    paid.forEach((n, i) => {
      if (p >= 0 && this.paidIn.length) this.paidIn[p * c.assets.length + i] += n
      if (this.x.counts(c.assets[i])) this.gained(caller, -n)
    })
  }
  paidInBy(c, payee, asset) { return this.paidIn.length ? c.parties.reduce((n, p, i) => p === payee ? n + this.paidIn[i * c.assets.length + asset] : n, 0n) : I63 }
  comesBack(c, payee, asset, amount) {
    let back = 0n
    if (this.paidIn.length) c.parties.forEach((p, i) => {
      if (p !== payee) return
      const at = i * c.assets.length + asset, part = min(this.paidIn[at], amount - back)
      this.paidIn[at] -= part; back += part
    })
    return back
  }
  effect(id, amount, purpose, hops) {
    if (amount === 0n) return
    const there = this.s.wallets.has(id)
    const to = there ? id : this.v >= 2 ? heldFor(id) : suspenseOf(this.s.closed.get(id)?.registrar ?? AUTHORITY)
    this.effects.made.push({wallet: to, amount, purpose, for: there ? '' : id}); this.hops.push(hops)
  }
  pay(c, payee, asset, amount, purpose, hops) {
    if (this.v < 2 || amount === 0n) return this.effect(payee, amount, purpose, hops)
    const back = this.comesBack(c, payee, asset, amount), least = this.s.authority.policy.least
    let now = back + this.fits(payee, purpose, amount - back)
    if (now !== amount) {
      if (now < least || amount < 2n * least) now = 0n
      else if (amount - now < least) now = amount - least
    }
    this.effect(payee, now, purpose, hops)
    if (this.x.counts(purpose)) this.gained(payee, now)
    if (now !== amount) { this.effects.made.push({wallet: heldFor(payee), amount: amount - now, purpose, for: payee}); this.hops.push(hops) }
  }
  fits(payee, purpose, amount) {
    const w = this.s.wallets.get(payee), tier = w && this.s.authority.policy.tiers[w.tier]
    if (!w || w.treasury || !this.x.counts(purpose) || !tier) return amount
    return this.x.room(tier, payee, {...w, balance: w.balance + this.gained(payee, 0n)}, amount)
  }
  change(c, caller, paid) { c.assets.forEach((n, i) => this.effect(caller, this.brought[i] - paid[i], n, this.inHops[i])) }
  takeIn(id, w, c, t) {
    let brought = 0n, counted = 0n
    c.assets.forEach((n, i) => { brought += this.brought[i]; if (this.x.counts(n)) { counted += t.paid[i]; this.gained(id, this.brought[i]) } })
    for (const k of t.inputs) this.s.tokens.delete(k)
    this.x.book(w, -brought, -counted, -t.inputs.length, true)
  }
  spend(id) {
    const k = this.s.tokens.get(id), w = this.s.wallets.get(k.wallet)
    this.effects.spent.push(id); this.s.tokens.delete(id); w.balance -= k.amount; w.tokens--
  }
  make(of) {
    this.effects.made.forEach((e, i) => {
      let w = this.s.wallets.get(e.wallet)
      if (!w) {
        const live = this.s.wallets.get(e.for), closed = this.s.closed.get(e.for)
        w = this.v < 2 ? this.x.newWallet({registrar: closed.registrar, treasury: true}) : this.x.newWallet({registrar: (live ?? closed).registrar, tier: (live ?? closed).tier, held: true})
        this.s.wallets.set(e.wallet, w)
      }
      w.balance += e.amount; w.tokens++
      this.x.addToken(outputID(of, i), e.wallet, e.purpose, e.amount, this.hops[i])
    })
  }
  locate(c, of) { this.effects.made.forEach((e, i) => { if (e.wallet === c.id) c.tokens[c.assets.indexOf(e.purpose)] = outputID(of, i) }) }

  // ---- ends (R-END)
  shares(c, d, state, asset, amount, hops, call) {
    let weights = d.shares.map(([, n, of]) => of === undefined ? n : max(state[d.state.findIndex(([s]) => s === of)], 0n)), total = weights.reduce((a, b) => a + b, 0n)
    if (total >= 1n << 64n) { weights = weights.map(n => n >> 3n); total = weights.reduce((a, b) => a + b, 0n) }
    const parts = weights.map(n => total ? amount * n / total : 0n)
    parts[0] += amount - parts.reduce((a, b) => a + b, 0n)
    d.shares.forEach(([to], i) => this.payAtEnd(c, d.parties.indexOf(to), asset, parts[i], hops, call))
  }
  payAtEnd(c, p, asset, amount, hops, call) {
    const purpose = c.assets[asset], payee = c.parties[p]
    if (amount === 0n || this.v < 3 || !purpose || this.paidInBy(c, payee, asset) >= amount) return this.pay(c, payee, asset, amount, purpose, hops)
    let becomes
    try {
      becomes = this.judge(purpose, purpose, false, {payer: call.caller, payee: this.party(payee, this.s.wallets.get(payee) ?? nobody), amount, document: call.document, definition: unhex(c.definition)})
    } catch (e) {
      if (!e.code) throw e
      this.entering.push({from: purpose, to: 0, amount})
      return this.effect(this.s.purpose(purpose).returns, amount, 0, 0)
    }
    if (becomes === purpose) return this.pay(c, payee, asset, amount, purpose, Math.min(hops + 1, HOPS))
    this.entering.push({from: purpose, to: becomes, amount})
    this.pay(c, payee, asset, amount, becomes, 0)
  }
  byItself(c, d) {
    for (const name of d.does) {
      const a = d.actions.find(a => a.name === name)
      try {
        const out = this.does(d, c, a, this.call(c, this.party(AUTHORITY, nobody), {now: c.ends, today: (c.ends + this.s.authority.policy.offset) / 86_400_000n}))
        this.outlives(c, out.until)
        return out
      } catch (e) { if (!e.code) throw e }
    }
    return null
  }
  atEnd(c) {
    const d = this.definition(c.definition), w = this.s.wallets.get(c.id), hops = c.assets.map((_, i) => this.held(c, i).hops)
    this.rest = c.assets.map((_, i) => this.held(c, i).amount)
    this.holdings = []; this.portions = []
    this.beginPaying(c)
    c.assets.forEach((n, i) => { this.holding(n).hops = hops[i] })
    const out = this.byItself(c, d), call = {caller: this.party(c.id, {...nobody, registrar: w.registrar}), document: null}
    const pays = () => { for (const p of out.payouts) { this.rest[p.asset] -= p.amount; this.payAtEnd(c, p.party, p.asset, p.amount, hops[p.asset], call) } }
    if (out?.until) {
      pays()
      c.assets.forEach((n, i) => {
        if (c.tokens[i] === NO_TOKEN || this.held(c, i).amount === this.rest[i]) return
        this.spend(c.tokens[i]); c.tokens[i] = NO_TOKEN
        this.effect(c.id, this.rest[i], n, hops[i])
      })
      this.goesOn(c, out)
      for (const e of this.entering) this.became(e.from, e.to, e.amount)
      const of = domain('aqsha renewal v1', unhex(c.id), be64(c.version))
      this.make(of); this.locate(c, of)
      return {kind: 7, id: c.id, version: c.version, effects: this.effects}
    }
    if (out) pays()
    c.assets.forEach((_, i) => {
      if (c.tokens[i] !== NO_TOKEN) this.spend(c.tokens[i])
      this.shares(c, d, out ? out.state : c.state, i, this.rest[i], hops[i], call)
    })
    for (const e of this.entering) this.became(e.from, e.to, e.amount)
    this.make(domain('aqsha end v1', unhex(c.id)))
    this.s.contracts.delete(c.id); this.s.wallets.delete(c.id)
    return {kind: 4, id: c.id, effects: this.effects}
  }
  expire(id) {
    const k = this.s.tokens.get(id), p = this.s.purpose(k.purpose), c = this.s.contracts.get(k.wallet)
    if (c) c.tokens[c.assets.indexOf(k.purpose)] = NO_TOKEN
    this.beginPaying({paidIn: []})
    this.spend(id); this.effect(p.returns, k.amount, 0, 0)
    this.became(k.purpose, 0, k.amount)
    this.make(unhex(id))
    return {kind: 5, id: k.wallet, effects: this.effects}
  }
}
export {Refusal, concat, none}
