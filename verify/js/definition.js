// What a definition or a purpose must hold to be registered (RULES.md, R-DEF… and R-PURPOSE): names, types, costs, coverage, reachability.
// definition and purpose throw a SyntaxError that says what is wrong.
import {compiled, costOf, sumOf} from './check.js'
import {contradictory, covered, facts, impossible} from './linear.js'

const ACTION = 12_000n, RULE = 3_000n, SHARE = 1_000_000n, END_ACTIONS = 4
const bad = what => { throw new SyntaxError(what) }
const need = (ok, what) => ok ? 0 : bad(what)
const keywords = new Set('true false null in as break const continue else for function if import let loop package namespace return var void while'.split(' '))
const taken = new Set(('caller terms state args held left paid now created ends document contract payer payee amount minute hour day min max part sha256 uint64 verify size bytes ' +
  'any rest anyone int bool string list map type uint double dyn all exists has').split(' '))
const takenLater = new Set(['today', 'purpose', 'authority'])
const wellNamed = n => /^[a-z][a-z0-9_]{0,23}$/.test(n)
function distinct(names, what) { names.forEach((n, i) => need(wellNamed(n) && !keywords.has(n) && names.indexOf(n) === i, `${what}: ${n}`)) }
const count = (list, least, most, what) => need(list.length >= least && list.length <= most, `${list.length} ${what}`)

// ---- variables: their types, and how long they can be
const types = [, ['int', 1], ['bool', 1], ['string', 1024], ['bytes', 1024], [{list: 'int'}, 64]]
const of = (type, size, items) => ({type, size, items})
const int = of('int', 1)
function constants(rules) {
  const m = new Map(['minute', 'hour', 'day'].map(n => [n, {type: 'int'}]))
  return rules >= 3 ? m.set('authority', {type: 'bytes'}) : m
}
const party = (m, name, rules) => {
  for (const [member, type, size] of [['id', 'bytes', 16], ['key', 'bytes', 33], ['bank', 'bytes', 16], ['tier', 'int', 1], ['category', 'int', 1], ['region', 'string', 6], ['role', 'string', 12]]) m.set(`${name}.${member}`, of(type, size))
  if (rules >= 4) m.set(`${name}.vouched`, of({list: 'string'}, 8, 77))
}
function fixed(d, rules) {
  const m = constants(rules).set('created', int)
  for (const [n, type] of d.terms) m.set('terms.' + n, of(...types[type]))
  return m
}
function variables(d, a, rules) {
  const m = fixed(d, rules)
  for (const n of ['now', 'ends']) m.set(n, int)
  m.set('document', of('bytes', 32)).set('contract.id', of('bytes', 16)).set('contract.network', of('bytes', 32))
  for (const p of ['caller', ...d.parties]) party(m, p, rules)
  d.state.forEach(([n], i) => m.set('state.' + n, d.registers[i] < 0 ? int : of('bytes', 32)))
  for (const [n, type] of a.args) m.set('args.' + n, of(...types[type]))
  for (const n of d.assets) for (const of of ['held.', 'left.', 'paid.']) m.set(of + n, int)
  if (rules >= 3) { m.set('today', int); for (const n of d.assets) m.set('purpose.' + n, of('string', 129)) }
  return m
}

// ---- definitions
function form(d, rules) {
  need(wellNamed(d.name), 'name')
  count(d.parties, 1, 8, 'parties'); count(d.assets, 1, 4, 'assets'); count(d.terms, 0, 32, 'terms'); count(d.state, 0, 16, 'state'); count(d.actions, 1, 24, 'actions')
  distinct(d.parties, 'parties'); distinct(d.assets, 'assets')
  for (const n of d.parties) need(!taken.has(n) && !(rules >= 3 && takenLater.has(n)), 'parties: ' + n)
  const fields = list => { distinct(list.map(([n]) => n), 'fields'); for (const [n, type] of list) need(type >= 1 && type <= 5, 'no type: ' + n) }
  fields(d.terms)
  for (const a of d.actions) { fields(a.args); count(a.args, 0, 8, 'args'); count(a.pays, 0, 8, 'payouts') }
  distinct(d.state.map(([n]) => n), 'state'); distinct(d.actions.map(a => a.name), 'actions')
  const c = d.create
  need(!c.pays.length && !c.sets.length && !c.args.length && !c.ends && !c.from && !c.until && !c.extends, 'creating only takes')
  need(d.at, 'no end')
  need(d.shares.length, 'the end pays nobody')
  const paid = d.shares.map(([to]) => to)
  d.shares.forEach(([to, n, of], i) => need(d.parties.includes(to) && paid.indexOf(to) === i && (of !== undefined || (n >= 1n && n <= SHARE)), 'end.pay'))
}
// starts finds which variables of the state are registers, as it compiles what they begin with.
function starts(d, rules) {
  const vars = fixed(d, rules), out = []
  let n = 0
  d.registers = []
  for (const [, text] of d.state) {
    let x, place = -1
    try { x = compiled(text, 'int', vars, rules) } catch (e) {
      if (!(e instanceof SyntaxError) || rules < 3) throw e
      x = compiled(text, 'bytes', vars, rules); place = n++
    }
    d.registers.push(place); out.push(x)
  }
  const cost = sumOf(out.map(x => x.cost), rules)
  need(rules < 3 || cost <= ACTION, 'the state costs ' + cost)
  const at = compiled(d.at, 'int', vars, rules)
  need(at.cost <= ACTION, 'the end costs ' + at.cost)
  return [out, at]
}
const literal = x => x?.tree.op === 'literal' && typeof x.tree.value === 'bigint' ? x.tree.value : undefined
function action(d, a, rules) {
  const vars = variables(d, a, rules), all = []
  const x = (text, type) => { if (text === '') return null; const c = compiled(text, type, vars, rules); all.push(c); return c }
  for (const n of a.by) need(d.parties.includes(n), 'by: ' + n)
  const out = {name: a.name, from: x(a.from, 'int'), until: x(a.until, 'int'), when: x(a.when, 'bool'), vars, ends: a.ends, all}
  out.anyDocument = a.document === 'any'
  out.document = out.anyDocument ? null : x(a.document, 'bytes')
  out.takes = d.assets.map(() => ({}))
  for (const [asset, amount] of a.takes) {
    const i = d.assets.indexOf(asset)
    need(i >= 0, 'takes: ' + asset)
    if (amount === 'any') out.takes[i].any = true
    else out.takes[i].amount = x(amount, 'int')
  }
  out.pays = a.pays.map(([to, asset, amount, as]) => {
    const p = {to, asset: d.assets.indexOf(asset), as}
    need((to === 'caller' || d.parties.includes(to)) && p.asset >= 0 && (!as || d.assets.includes(as)) && amount, 'pay')
    if (amount !== 'rest') p.amount = x(amount, 'int')
    need(!(literal(p.amount) <= 0n), 'pays nothing')
    return p
  })
  out.sets = a.sets.map(([name, text], i) => {
    const v = d.state.findIndex(([n]) => n === name)
    need(v >= 0 && a.sets.findIndex(([n]) => n === name) === i, 'set: ' + name)
    const c = compiled(text, d.registers[v] < 0 ? 'int' : 'bytes', vars, rules)
    all.push(c)
    return {variable: v, value: c}
  })
  out.extends = x(a.extends, 'int')
  out.costs = all.map(c => c.cost)
  out.cost = sumOf(out.costs, rules)
  need(out.cost <= ACTION, `${a.name} costs ${out.cost}`)
  const reads = n => all.some(c => c.names.includes(n))
  need(!reads('document') || out.anyDocument || out.document, 'no document asked for')
  d.assets.forEach((n, i) => need(!reads('paid.' + n) || out.takes[i].amount || out.takes[i].any, 'takes none of ' + n))
  return out
}
function atEnd(d, actions, rules) {
  if (rules < 3) return need(!d.does.length && d.shares.every(([, , of]) => of === undefined) && d.actions.every(a => !a.extends), 'later rules')
  for (const [, , of] of d.shares) { const v = d.state.findIndex(([n]) => n === of); need(of === undefined || (v >= 0 && d.registers[v] < 0), 'end.pay: ' + of) }
  count(d.does, 0, END_ACTIONS, 'actions of the end')
  let costs = []
  d.does.forEach((name, i) => {
    const k = d.actions.findIndex(a => a.name === name), a = d.actions[k]
    need(a && d.does.indexOf(name) === i, 'end.do: ' + name)
    if (a) costs.push(actions[k].cost)
    need(!a.args.length && !a.takes.length && !a.document && !a.until && a.pays.every(([to, , , as]) => to !== 'caller' && !as) && !actions[k].all.some(c => c.names.some(n => n.startsWith('caller.'))), name + ' needs somebody')
  })
  need(sumOf(costs, rules) <= ACTION, 'the end costs too much')
  return need(actions.every(a => !(a.extends && a.ends)), 'ends and extends')
}
const entered = t => t.any || t.amount

// definition checks a new one, as readDefinition gives it, and says what its actions cost.
export function definition(d, rules) {
  form(d, rules)
  const [begins, at] = starts(d, rules), create = action(d, d.create, rules), actions = d.actions.map(a => action(d, a, rules))
  atEnd(d, actions, rules)
  const known = {d, rules, begins, at, create, actions, facts: []}
  known.facts = facts(known)
  d.assets.forEach((asset, i) => {
    const enters = [create, ...actions].some(a => entered(a.takes[i]))
    for (const a of actions) {
      need(enters || !a.pays.some(p => p.asset === i), `${a.name} pays ${asset}, and nobody takes it in`)
      need(covered(known, a, i), `${a.name}: payouts of ${asset} are not covered`)
    }
  })
  reachable(known)
  return actions.map(a => costOf(a.costs))
}
// What the state can become by actions whose guards can hold, beginning with where it starts.
function reachable({d, rules, begins, actions, facts}) {
  const domains = begins.map(x => ({values: [], open: false}))
  const add = (v, x) => {
    const n = literal(x), s = domains[v]
    if (n === undefined) { const grew = !s.open; s.open = true; return grew }
    return !s.values.includes(n) && s.values.push(n) > 0
  }
  begins.forEach((x, i) => add(i, x))
  let reached
  for (let grew = true; grew;) {
    grew = false
    reached = actions.map(a => {
      if (impossible(d, a, domains, rules)) return false
      for (const u of a.sets) grew = add(u.variable, u.value) || grew
      return true
    })
  }
  actions.forEach((a, i) => need(reached[i] && !(rules >= 3 && contradictory(d, a, facts)), a.name + ' can never be called'))
}

// purpose checks the rules of a new purpose.
export function purpose(p, rules) {
  const vars = constants(rules)
  for (const who of ['payer', 'payee']) party(vars, who, rules)
  for (const n of ['amount', 'now']) vars.set(n, int)
  for (const n of ['document', 'definition']) vars.set(n, of('bytes', 32))
  if (rules >= 3) vars.set('today', int)
  const all = [p.mark, ...p.permits.map(([when]) => when)].map(text => compiled(text, 'bool', vars, rules)), value = x => x.tree.op === 'literal' ? x.tree.value : undefined
  all.forEach((x, i) => need(value(x) !== false && !(i > 0 && i < all.length - 1 && value(x) === true), 'never holds, or what follows never decides'))
  const costs = all.map(x => x.cost)
  need(sumOf(costs, rules) <= RULE, 'the rules cost too much')
  return costOf(costs)
}
