// What is proved of times and amounts (RULES.md, R-DEF-COVERED, R-DEF-REACHED): conditions as inequalities that are linear in numbers, of
// which those that are not known are named by their text. Each says that a sum is not negative: {by: Map of name to factor, n: constant}.
import {evaluator} from './cel.js'
import {compiled} from './check.js'
import {isBytes, utf8} from './bytes.js'

const MOST = 256
const units = {minute: 60_000n, hour: 3_600_000n, day: 86_400_000n}
const named = n => ({by: new Map([[n, 1n]]), n: 0n}), number = n => ({by: new Map(), n})
function plus(a, b, f) {
  const by = new Map(a.by)
  for (const [name, n] of b.by) { const sum = (by.get(name) ?? 0n) + n * f; if (sum) by.set(name, sum); else by.delete(name) }
  return {by, n: a.n + b.n * f}
}

// ---- texts: two parts that say the same have the same; before version 3 loops have none
const level = {'?:': 8, '||': 7, '&&': 6, '==': 5, '!=': 5, '<': 5, '<=': 5, '>': 5, '>=': 5, in: 5, '+': 4, '-': 4, '*': 3, '/': 3, '%': 3, '!': 2, minus: 2}
const quoted = s => JSON.stringify(s), octets = b => 'b"' + Array.from(b, n => '\\' + n.toString(8).padStart(3, '0')).join('') + '"'
export function textOf(e, rules) {
  const t = e => textOf(e, rules), wrap = (e, when) => when ? `(${t(e)})` : t(e)
  const [a, b, c] = e.args, mine = level[e.op], over = x => (level[x.op] ?? 0) > mine
  switch (e.op) {
  case 'literal': return typeof e.value === 'string' ? quoted(e.value) : isBytes(e.value) ? octets(e.value) : String(e.value)
  case 'name': return e.name
  case 'list': return `[${e.args.map(t).join(', ')}]`
  case '[]': return `${wrap(a, level[a.op])}[${t(b)}]`
  case 'all': case 'exists': return rules < 3 ? '' : `${wrap(a, level[a.op])}.${e.op}(${e.item}, ${t(b)})`
  case 'call': return e.member ? `${wrap(a, level[a.op])}.${e.name}(${e.args.slice(1).map(t).join(', ')})` : `${e.name}(${e.args.map(t).join(', ')})`
  case '!': return '!' + wrap(a, level[a.op])
  case 'minus': return '-' + wrap(a, level[a.op])
  case '?:': return `${wrap(a, over(a) || a.op === '?:')} ? ${wrap(b, over(b) || b.op === '?:')} : ${t(c)}`
  }
  const flat = e.op === '&&' || e.op === '||'
  return `${wrap(a, over(a))} ${e.op} ${wrap(b, over(b) || (!flat && level[b.op] === mine))}`
}
const loops = e => e.op === 'all' || e.op === 'exists' || e.args.some(loops)
const text = (e, rules) => rules < 3 && loops(e) ? '' : textOf(e, rules)
const conjuncts = e => e.op === '&&' ? e.args.flatMap(conjuncts) : [e]
const is = (e, value) => e.op === 'literal' && e.value === value

// linear reads a whole number as a sum, or gives null.
function linear(e, rules) {
  const [a, b] = e.args.map(x => ['+', '-', '*', 'minus'].includes(e.op) ? linear(x, rules) : null)
  switch (e.op) {
  case 'literal': return typeof e.value === 'bigint' ? number(e.value) : null
  case 'name': if (!e.local && units[e.name]) return number(units[e.name]); break
  case '+': case '-': return a && b && plus(a, b, e.op === '+' ? 1n : -1n)
  case '*':
    if (!a || !b) return null
    if (!b.by.size) return plus(number(0n), a, b.n)
    if (!a.by.size) return plus(number(0n), b, a.n)
    break
  case 'minus': return a && plus(number(0n), a, -1n)
  }
  const name = text(e, rules)
  return name ? named(name) : null
}
// comparison gives the inequalities of one condition, or null.
function comparison(e, rules) {
  if (is(e, false)) return [number(-1n)]
  if (!['<', '<=', '>', '>=', '=='].includes(e.op)) return null
  const a = linear(e.args[0], rules), b = linear(e.args[1], rules)
  if (!a || !b) return null
  const more = plus(a, b, -1n), less = plus(b, a, -1n), one = number(1n)
  return {'<': [plus(less, one, -1n)], '<=': [less], '>': [plus(more, one, -1n)], '>=': [more], '==': [more, less]}[e.op]
}
const inequalities = (e, rules) => conjuncts(e).flatMap(c => is(c, true) ? [] : comparison(c, rules) ?? [])
// contradict says whether no numbers hold all: variables are eliminated one by one, that of the fewest first.
function contradict(all) {
  for (;;) {
    const names = new Map()
    for (const l of all) {
      if (!l.by.size && l.n < 0n) return true
      for (const name of l.by.keys()) names.set(name, (names.get(name) ?? 0) + 1)
    }
    if (!names.size) return false
    const [pick] = [...names].sort(([a, n], [b, m]) => n - m || (a < b ? -1 : 1))[0]
    const next = [], above = [], below = []
    for (const l of all) (!l.by.has(pick) ? next : l.by.get(pick) > 0n ? above : below).push(l)
    if (next.length + above.length * below.length > MOST) return false
    for (const a of above) for (const b of below) next.push(plus(plus(number(0n), a, -b.by.get(pick)), b, a.by.get(pick)))
    all = next
  }
}

// facts are what holds whenever an action is called.
export function facts({d, rules, at, create}) {
  const all = [plus(named('now'), named('created'), -1n), named('created')]
  for (const n of d.assets) { const held = named('held.' + n), paid = named('paid.' + n); all.push(held, paid, plus(held, paid, -1n)) }
  const end = linear(at.tree, rules)
  if (end) {
    all.push(plus(named('ends'), end, -1n))
    if (!d.actions.some(a => a.extends)) all.push(plus(end, named('ends'), -1n))
  }
  if (create.when) for (const c of conjuncts(create.when.tree)) for (const l of comparison(c, rules) ?? []) if ([...l.by.keys()].every(n => n === 'created' || /^terms\.[a-z][a-z0-9_]{0,23}$/.test(n))) all.push(l)
  return all
}

// ---- coverage
const whole = e => e.op === 'literal' && typeof e.value === 'bigint' ? e.value : undefined
const zero = e => whole(e) === 0n
const global = (e, name) => e.op === 'call' && e.name === name
function notNegative(e) {
  if (whole(e) !== undefined) return e.value >= 0n
  if (e.op === 'name') return ['held', 'left', 'paid'].includes(e.name.split('.')[0])
  if (global(e, 'part') || global(e, 'size')) return true
  return global(e, 'max') ? e.args.some(notNegative) : global(e, 'min') ? e.args.every(notNegative) : false
}
function coveredBy(e, asset, first) {
  const of = i => coveredBy(e.args[i], asset, first)
  if (e.op === 'name') return e.name === 'left.' + asset || (first && (e.name === 'held.' + asset || e.name === 'paid.' + asset))
  if (global(e, 'min')) return of(0) || of(1)
  if (global(e, 'max')) return (of(0) && zero(e.args[1])) || (zero(e.args[0]) && of(1))
  if (e.op === '?:') return of(1) && of(2)
  if (global(e, 'part')) { const a = whole(e.args[1]), b = whole(e.args[2]); return of(0) && a !== undefined && b !== undefined && a >= 0n && a <= b }
  return e.op === '-' && of(0) && notNegative(e.args[1])
}
function sums(e, amounts, rules) {
  if (rules < 3) return text(e, rules) === amounts.join(' + ')
  for (let i = amounts.length - 1; i > 0; i--) {
    if (e.op !== '+' || !amounts[i] || text(e.args[1], rules) !== amounts[i]) return false
    e = e.args[0]
  }
  return amounts[0] !== '' && text(e, rules) === amounts[0]
}
function bounds(e, asset, amounts, rules) {
  const held = 'held.' + asset
  if (rules < 3) { const sum = amounts.join(' + '); return [`${sum} <= ${held}`, `${held} >= ${sum}`, `${sum} == ${held}`, `${held} == ${sum}`].includes(text(e, rules)) }
  const is = x => x.op === 'name' && x.name === held, [a, b] = e.args
  return (e.op === '<=' && is(b) && sums(a, amounts, rules)) || (e.op === '>=' && is(a) && sums(b, amounts, rules)) ||
    (e.op === '==' && ((is(b) && sums(a, amounts, rules)) || (is(a) && sums(b, amounts, rules))))
}
// proved says whether the first payouts of an asset never exceed what is held when the action is called.
function proved({d, rules, facts}, a, asset, first) {
  const all = [...facts]
  if (a.when) all.push(...inequalities(a.when.tree, rules))
  a.takes.forEach((take, i) => {
    const paid = named('paid.' + d.assets[i])
    if (take.any) return
    const amount = take.amount ? linear(take.amount.tree, rules) : number(0n)
    if (!take.amount) all.push(plus(amount, paid, -1n))
    else if (amount) all.push(plus(amount, paid, -1n), plus(paid, amount, -1n))
  })
  let sum = number(0n)
  for (const p of a.pays.filter(p => p.asset === asset).slice(0, first)) {
    const amount = linear(p.amount.tree, rules)
    if (!amount) return false
    all.push(amount); sum = plus(sum, amount, 1n)
  }
  return contradict([...all, plus(number(-1n), plus(named('held.' + d.assets[asset]), sum, -1n), -1n)])
}
export function covered(known, a, asset) {
  const {d, rules} = known, name = d.assets[asset], total = []
  let needed = 0, first = true, rest = false, reads = false, moves = false
  for (const p of a.pays) {
    if (p.asset !== asset) continue
    if (rest) return false
    if (!p.amount) { rest = true; continue }
    reads ||= total.length > 0 && p.amount.names.some(n => n.startsWith('left.'))
    total.push(text(p.amount.tree, rules))
    if (!coveredBy(p.amount.tree, name, first)) { needed = total.length; moves = reads }
    first = false
  }
  if (!needed) return true
  const sum = total.slice(0, needed)
  moves &&= rules >= 4
  if (!moves) {
    const take = a.takes[asset].amount
    if (take && sums(take.tree, sum, rules)) return true
    if (a.when && conjuncts(a.when.tree).some(c => bounds(c, name, sum, rules))) return true
  }
  return rules >= 4 && !moves && proved(known, a, asset, needed)
}

// ---- reachability
const known = {...units, authority: new Uint8Array(16)}
function holds(x, scope) { try { return evaluator(x.tree)(n => scope[n] ?? known[n]) } catch (e) { if (!e.code) throw e; return undefined } }
export function impossible(d, a, domains, rules) {
  const from = a.from && whole(a.from.tree), until = a.until && whole(a.until.tree)
  if (from != null && until != null && from > until) return true
  if (!a.when) return false
  return conjuncts(a.when.tree).some(part => {
    const said = text(part, rules)
    if (!said || utf8(said).length > 512) return false
    let x
    try { x = compiled(said, 'bool', a.vars, rules) } catch (e) { if (!(e instanceof SyntaxError)) throw e; return false } // judged as a whole already
    if (!x.names.length) return holds(x, {}) === false
    if (x.names.length > 1 || !x.names[0].startsWith('state.')) return false
    const v = d.state.findIndex(([n]) => 'state.' + n === x.names[0])
    return !domains[v].open && domains[v].values.every(n => holds(x, {[x.names[0]]: n}) === false)
  })
}
// contradictory says whether an action's times and guard never hold together.
export function contradictory(d, a, facts, rules = 3) {
  const now = named('now'), before = d.does.includes(a.name) ? 0n : -1n
  const all = [...facts, plus({...named('ends'), n: before}, now, -1n)]
  const from = a.from && linear(a.from.tree, rules), until = a.until && linear(a.until.tree, rules)
  if (from) all.push(plus(now, from, -1n))
  if (a.from && contradict(all)) return true
  if (until) all.push(plus(plus(until, now, -1n), number(-1n), 1n))
  if (a.until && contradict(all)) return true
  return !!a.when && contradict([...all, ...inequalities(a.when.tree, rules)])
}
