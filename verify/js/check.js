// Types and worst-case costs of expressions (RULES.md, R-DEF-FORM, R-DEF-TYPES, R-DEF-COST, R-DEF-COST5). compiled gives an expression's
// tree, cost and the names it reads, or throws a SyntaxError. Types are 'int', 'bool', 'string', 'bytes' and {list: type}; while they are found
// out, of an empty list, {of: type or null}. A size is {most, item}: Infinity is what nobody bounds.
import {isBytes, utf8} from './bytes.js'
import {read} from './cel.js'

const LONGEST = 512, LONGEST5 = 640, PARTS = 200, LIST = 64, ITEMS = 64n, CHAIN = 4096n, VALUE = 1024n
const bad = what => { throw new SyntaxError(what) }
const listOf = t => ({list: t})
const found = t => { while (t.of !== undefined && t.of) t = t.of; return t }
const unknown = () => ({of: null})
// unify makes two types one; undo forgets what that found out.
function unify(a, b, undo) {
  a = found(a); b = found(b)
  if (a === b) return true
  if (a.of === null) { undo.push(a); a.of = b; return true }
  if (b.of === null) { undo.push(b); b.of = a; return true }
  return !!a.list && !!b.list && unify(a.list, b.list, undo)
}
export const typeName = t => { t = found(t); return t.list ? `list(${typeName(t.list)})` : t.of === null ? 'dyn' : t }
const allowed = t => { t = found(t); return t.list ? allowed(t.list) : t.of !== null }

// What functions take and give: those before the dot first. A is any type.
const functions = {
  min: [['int', 'int', 'int']], max: [['int', 'int', 'int']], part: [['int', 'int', 'int', 'int']], sha256: [['bytes', 'bytes']], uint64: [['int', 'bytes']],
  verify: [['bytes', 'bytes', 'bytes', 'bool']], chain: [['bytes', 'int', 'int', 'bytes']], bytes: [['string', 'bytes']], size: [['bytes', 'int'], [listOf('A'), 'int'], ['string', 'int']],
  included: [['bytes', 'bytes', 'int', 'int', 'bytes', 'bool']], replaced: [['bytes', 'bytes', 'bytes', 'int', 'int', 'bytes', 'bytes']], empty: [['int', 'bytes']], next_due: [['int', 'int', 'int']],
}
const since = {included: 3, replaced: 3, empty: 3, next_due: 5}
const members = {size: functions.size, startsWith: [['string', 'string', 'bool']], endsWith: [['string', 'string', 'bool']]}
const compares = [['int', 'int', 'bool']], computes = [['int', 'int', 'int']]
const operators = {
  '==': [['A', 'A', 'bool']], '!=': [['A', 'A', 'bool']], '<': compares, '<=': compares, '>': compares, '>=': compares, in: [['A', listOf('A'), 'bool']],
  '+': [['bytes', 'bytes', 'bytes'], ['int', 'int', 'int']], '-': computes, '*': computes, '/': computes, '%': computes, minus: [['int', 'int']], '!': [['bool', 'bool']],
  '&&': [['bool', 'bool', 'bool']], '||': [['bool', 'bool', 'bool']], '?:': [['bool', 'A', 'A', 'A']], '[]': [[listOf('A'), 'int', 'A']],
}
const fresh = (t, a) => t === 'A' ? a : t.list ? listOf(fresh(t.list, a)) : t

// typed finds the types of a tree's parts.
function typed(e, variables, rules, locals) {
  const all = args => args.map(a => typed(a, variables, rules, locals))
  const set = t => { e.type = t; return t }
  switch (e.op) {
  case 'literal': return set(typeof e.value === 'bigint' ? 'int' : typeof e.value === 'boolean' ? 'bool' : isBytes(e.value) ? 'bytes' : 'string')
  case 'name': {
    const [first] = e.name.split('.'), local = !e.root && locals.findLast(l => l.name === first)
    if (local) { if (e.name !== first) bad('no members of ' + first); e.local = local; return set(local.type) }
    return set(variables.get(e.name)?.type ?? bad('no ' + e.name))
  }
  case 'list': {
    const of = unknown()
    for (const t of all(e.args)) if (!unify(of, t, [])) bad('a mixed list')
    return set(listOf(of))
  }
  case 'all': case 'exists': {
    const range = found(typed(e.args[0], variables, rules, locals))
    if (!range.list) bad('no list')
    e.local = {name: e.item, type: range.list}
    if (!unify(typed(e.args[1], variables, rules, [...locals, e.local]), 'bool', [])) bad('no bool')
    return set('bool')
  }
  }
  const named = e.member ? members : functions
  const overloads = e.op !== 'call' ? operators[e.op] : Object.hasOwn(named, e.name) && !(since[e.name] > rules) ? named[e.name] : bad('no function ' + e.name)
  const given = all(e.args)
  const fits = o => {
    const a = unknown(), undo = []
    if (o.length === given.length + 1 && given.every((t, i) => unify(fresh(o[i], a), t, undo))) return [fresh(o.at(-1), a)]
    for (const t of undo) t.of = null
    return []
  }
  const results = overloads.flatMap(fits) // the first that fits says what an item of an empty list is
  return set(results.length && results.every(t => typeName(t) === typeName(results[0])) ? results[0] : bad('no such arguments: ' + (e.name ?? e.op)))
}

// ---- sizes
// Costs and sizes have 64 bits; what is more stays at the greatest, which also stands for what nobody bounds.
const MOST = 2n ** 64n - 1n, FAR = 2n ** 32n
const least = (a, b) => a < b ? a : b, most = (a, b) => a > b ? a : b
const far = n => n < 2n ** 40n ? n : 2n ** 40n
const at64 = n => least(n, MOST)
const begun = (n, size) => n / size + (n % size ? 1n : 0n)
const tenth = n => n === MOST ? n : (n + 9n) / 10n
const either = (a, b) => !a ? b : !b ? a : {most: most(a.most, b.most), item: either(a.item, b.item)}
const one = {most: 1n}
class Costs {
  constructor(variables, rules) { this.variables = variables; this.rules = rules }
  hint(path) {
    const v = path && this.variables.get(path[0])
    return v?.size === undefined ? undefined : {most: BigInt(path.length > 1 ? Math.max(1, v.items ?? 0) : v.size)}
  }
  size(e) {
    if (e.size) return e.size
    if (e.op === 'literal') return {most: BigInt(typeof e.value === 'string' ? [...e.value].length : isBytes(e.value) ? e.value.length : 1)}
    if (e.local && e.op === 'name' && e.local.size) return e.local.size
    if (e.op === 'name' && this.constant(e)) return {most: found(e.type) === 'bytes' ? 16n : 1n}
    const t = found(e.type), size = t.list ? this.listSize(e, t) : this.hint(e.path) ?? (t === 'int' || t === 'bool' ? one : undefined)
    return (e.size = size)
  }
  known(e) { return this.size(e) ?? {most: MOST} }
  listSize(e, t) {
    let list, item
    if (e.op === 'list') {
      list = {most: BigInt(e.args.length)}
      for (const a of e.args) item = either(item, this.rules >= 5 ? this.size(a) ?? {most: FAR} : this.known(a))
    } else list = this.hint(e.path)
    if (!list || list.most > 0n) {
      const of = found(t.list)
      if (!item && e.path) item = this.hint([...e.path, '@items'])
      if (!item && (of === 'int' || of === 'bool')) item = one
    }
    if (!list && !item) list = {most: MOST}
    if (!list) return {most: MOST, item}
    return {most: list.most, item: item ?? (list.most > 0n ? {most: MOST} : undefined)}
  }
  // sized is what counts for our own functions: 2³² where nobody knows.
  sized(e) { return (this.size(e) ?? {most: FAR}).most }

  // constant says whether a part is one from version 5 on: written out, a name of a constant, or a list of such.
  constant(e) {
    return this.rules >= 5 && (e.op === 'literal' || e.op === 'list' && e.args.every(a => this.constant(a)) ||
      e.op === 'name' && !e.local && this.variables.get(e.name).size === undefined)
  }
  // made is what making a list that is written out costs, beside its items.
  made(e) { return this.rules < 5 ? 10n : this.constant(e) ? 0n : 3n + begun(BigInt(e.args.length), 2n) }

  cost(e) {
    switch (e.op) {
    case 'literal': return 0n
    case 'name':
      if (this.constant(e)) return 0n
      e.path = e.local ? e.local.path : [e.name]
      return 1n
    case 'list': return at64(e.args.reduce((n, a) => n + this.cost(a), this.made(e)))
    case 'all': case 'exists': return this.loop(e)
    case '&&': case '||': return at64(this.cost(e.args[0]) + this.cost(e.args[1]))
    case '?:': {
      const [c, a, b] = e.args.map(a => this.cost(a)), less = x => { while (x.op === '[]') x = x.args[0]; return x.op === 'name' && !this.constant(x) ? 1n : 0n }, branch = (n, x) => n === MOST ? n : n - less(x)
      e.size = either(this.known(e.args[1]), this.known(e.args[2]))
      return at64(c + most(branch(a, e.args[1]), branch(b, e.args[2])))
    }
    }
    const args = e.args.reduce((n, a) => n + this.cost(a), 0n)
    const [units, result] = e.op === '[]' ? this.index(e) : (this.rules >= 5 && this.call5(e)) || this.call(e)
    if (result !== undefined) e.size = result
    return at64(units + args + (e.op === '[]' && !['name', '[]', '?:'].includes(e.args[0].op) ? 1n : 0n))
  }
  loop(e) {
    const [range, inside] = e.args, before = this.cost(range), size = this.known(range)
    e.local.path = range.path && [...range.path, '@items']
    e.local.size = size.item
    return at64(before + at64(size.most * at64((e.op === 'all' ? 3n : 4n) + this.cost(inside))) + 1n)
  }
  index(e) {
    const [list] = e.args, item = found(found(list.type).list), size = this.size(list)
    let units = 1n, result = size?.item ?? {most: MOST}
    if (this.rules >= 5 && (item === 'int' || item === 'bool')) [units, result] = [4n, one]
    else if (this.rules >= 5 && size?.item) [units, result] = [4n, {most: size.item.most}]
    if (list.path) e.path = [...list.path, '@items']
    else if (size?.item) result = size.item
    return [units, result]
  }
  // What calls cost before version 5, and what is as it was since.
  call(e) {
    const n = i => this.sized(e.args[i]), all = i => this.known(e.args[i]).most
    switch (e.op === 'call' ? e.name : e.op) {
    case '==': case '!=': return [most(1n, tenth(least(all(0), all(1))))]
    case 'in': return [most(1n, all(1))]
    case '+': { const sum = at64(all(0) + all(1)); return found(e.type) === 'bytes' ? [most(1n, tenth(sum)), {most: sum}] : [1n] }
    case 'startsWith': case 'endsWith': return [most(1n, tenth(all(1)))]
    case 'bytes': return [most(1n, tenth(all(0))), {most: at64(4n * all(0))}]
    case 'sha256': return [13n + n(0) / 8n, {most: 32n}]
    case 'verify': return [2001n + n(1) / 8n, one]
    case 'uint64': return [2n, {most: 8n}]
    case 'min': case 'max': case 'part': return [2n, one]
    case 'chain': { const steps = e.args[2].op === 'literal' ? e.args[2].value : -1n; return [steps >= 0n && steps <= CHAIN ? 12n + 2n * steps : FAR, {most: 32n}] }
    case 'included': return [12n + n(1) / 8n + 12n * (n(4) / 32n + 1n), one]
    case 'replaced': return [24n + (n(1) + n(2)) % (MOST + 1n) / 8n + 24n * (n(5) / 32n + 1n), {most: 32n}]
    case 'empty': return [576n, {most: 32n}]
    }
    return [1n]
  }
  compared(t, n) {
    t = found(t)
    if (t === 'string') return 1n + begun(n, 512n)
    if (t === 'bytes') return begun(n, 128n)
    if (!t.list) return 1n
    const item = found(t.list)
    if (item === 'string' || item === 'bytes') return far(n * (1n + this.compared(item, VALUE)))
    return item.list ? far(n * (1n + this.compared(item, ITEMS))) : begun(n, 8n)
  }
  // among is what looking something up in a list of so many items costs.
  among(type, sought, items, longest) {
    const shorter = least(sought, longest)
    if (type === 'int' || type === 'bool') return most(1n, begun(items, 16n))
    if (type === 'string') return most(1n, begun(items, 4n)) + begun(far(items * shorter), 512n)
    return 1n + far(items * most(1n, this.compared(type, shorter)))
  }
  call5(e) {
    const n = i => least(this.sized(e.args[i]), FAR), type = i => found(e.args[i].type)
    const member = (leaf, path) => 7n + leaf / 64n + begun(leaf + path, 256n) + 5n * least(path / 32n, 20n)
    switch (e.op === 'call' ? e.name : e.op) {
    case '<': case '<=': case '>': case '>=': return [2n, one]
    case '==': case '!=': return [1n + this.compared(type(0), least(n(0), n(1))), one]
    case 'size': return [type(0) === 'string' ? 1n + begun(n(0), 20n) : type(0) === 'bytes' ? 1n + begun(n(0), 256n) : 4n, one]
    case 'in': return [this.among(type(0), n(0), n(1), this.size(e.args[1])?.item?.most ?? FAR), one]
    case 'startsWith': case 'endsWith': return [1n + begun(least(n(0), n(1)), 512n), one]
    case 'bytes': return [2n + begun(n(0), 256n), {most: 4n * n(0)}]
    case '+': return found(e.type) === 'bytes' ? [2n + begun(n(0) + n(1), 256n), {most: n(0) + n(1)}] : undefined
    case 'sha256': return [7n + n(0) / 64n, {most: 32n}]
    case 'uint64': return [3n, {most: 8n}]
    case 'part': case 'next_due': return [4n, one]
    case 'empty': return [190n, {most: 32n}]
    case 'included': return [member(n(1), n(4)), one]
    case 'replaced': return [member(n(1), n(5)) + member(n(2), n(5)), {most: 32n}]
    }
    return undefined
  }
}
// Before version 5 a sum of costs that 64 bits do not hold begins again at 0.
export const sumOf = (costs, rules) => { const sum = costs.reduce((n, c) => n + c, 0n); return rules < 5 ? sum % (MOST + 1n) : at64(sum) }
// costOf is a sum as it is said: what is more than 2⁵³ as that.
export const costOf = costs => Number(least(costs.reduce((n, c) => n + c, 0n), 2n ** 53n))

// compiled checks an expression that should be of a type. variables are {type, size, items} by name: without a size, a constant.
export function compiled(text, want, variables, rules) {
  if (utf8(text).length > (rules >= 5 ? LONGEST5 : LONGEST)) bad('too long')
  const tree = read(text)
  if (tree.parts + (rules < 3 ? -tree.loops : Math.min(tree.loops, 1)) > PARTS) bad('too many parts')
  const got = typed(tree, variables, rules, [])
  const names = []
  const walk = e => {
    if (!allowed(e.type) || (e.op === 'list' && e.args.length > LIST)) bad('a part of no allowed type, or a long list')
    if (e.op === 'name' && !e.local && variables.get(e.name).size !== undefined && !names.includes(e.name)) names.push(e.name)
    e.args.forEach(walk)
  }
  walk(tree)
  if (typeName(got) !== want) bad(`${typeName(got)}, want ${want}`)
  const cost = tree.op === 'literal' ? 0n : new Costs(variables, rules).cost(tree)
  return {tree, cost, names, text}
}
