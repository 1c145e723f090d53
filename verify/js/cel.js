// The expressions of definitions and purposes (contracts.md, "Expressions"): the part of CEL that has no doubles, times, maps or
// dynamic types. Integers are BigInt of 64 bits, byte strings Uint8Array. What cannot be computed throws Undefined; && and || take
// the side that can be, if it decides. read gives the tree of a text, parse a function that evaluates it.
import {be64, concat, domain, equal, isBytes, sha256, utf8} from './bytes.js'
import {climb, leafHash, nodeHash} from './tree.js'
import {usableKey, verify} from './ed25519.js'

export class Undefined extends Error { constructor(what) { super(what); this.code = 'cannot-evaluate' } }
const undef = what => { throw new Undefined(what) }
const I = n => n >= -(2n ** 63n) && n < 2n ** 63n ? n : undef('overflow')

const DEEP = 24, PARTS = 200
const blank = /(?:\s|\/\/[^\n]*)*/y
const token = /(0[xX][0-9a-fA-F]+|\d+)|([bB]?[rR]?)("""(?:[^\\]|\\[^])*?"""|'''(?:[^\\]|\\[^])*?'''|"(?:[^"\\\n\r]|\\.)*"|'(?:[^'\\\n\r]|\\.)*')|([A-Za-z_][A-Za-z0-9_]*)|(&&|\|\||==|!=|<=|>=|[-+*/%!<>?:()[\],.])/y
function scan(text) {
  const out = []
  for (let at = 0; ;) {
    blank.lastIndex = at; blank.exec(text); at = blank.lastIndex
    if (at >= text.length) break
    token.lastIndex = at
    const m = token.exec(text)
    if (!m) throw new SyntaxError('expression: ' + text)
    at = token.lastIndex
    const [, number, prefix, quoted, name, sign] = m
    if (number !== undefined) out.push({kind: 'number', value: BigInt(number)})
    else if (quoted !== undefined) out.push({kind: 'literal', value: literal(quoted.replace(/\r\n?/g, '\n'), prefix.toLowerCase())})
    else if (name) out.push({kind: 'name', name})
    else out.push({kind: sign})
  }
  out.push({kind: 'end'})
  return out
}
function literal(quoted, prefix) {
  const fence = /^("""|''')/.test(quoted) && quoted.length >= 6 ? 3 : 1, inner = quoted.slice(fence, -fence)
  return prefix.includes('r') ? prefix.includes('b') ? utf8(inner) : inner : unescape(inner, prefix.includes('b'))
}
const escapes = {a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11, '\\': 92, '?': 63, '"': 34, "'": 39, '`': 96}
function unescape(t, bytes) {
  const parts = []
  for (let i = 0; i < t.length; i++) {
    if (t[i] !== '\\') { const c = String.fromCodePoint(t.codePointAt(i)); i += c.length - 1; parts.push(utf8(c)); continue }
    const c = t[++i]
    const code = (n, of, base) => { const d = t.substr(i + 1, n); i += n; return d.length === n && of.test(d) ? parseInt(d, base) : NaN }
    let value = escapes[c]
    if (c === 'x' || c === 'X') value = code(2, /^[0-9a-f]*$/i, 16)
    else if (c === 'u' && !bytes) value = code(4, /^[0-9a-f]*$/i, 16)
    else if (c === 'U' && !bytes) value = code(8, /^[0-9a-f]*$/i, 16)
    else if (/^[0-3]$/.test(c)) { i--; value = code(3, /^[0-7]*$/, 8) }
    if (value === undefined || Number.isNaN(value) || (!bytes && (value > 0x10ffff || (value >= 0xd800 && value < 0xe000)))) throw new SyntaxError('escape')
    parts.push(bytes ? Uint8Array.of(value) : utf8(String.fromCodePoint(value)))
  }
  const all = concat(...parts)
  return bytes ? all : new TextDecoder('utf-8', {fatal: true, ignoreBOM: true}).decode(all)
}
const reserved = new Set('as break const continue else false for function if import in let loop package namespace null return true var void while'.split(' '))
const rank = {'+': 1, '-': 1, '*': 2, '/': 2, '%': 2}

// read gives the tree of an expression: {op: 'literal', value}, {op: 'name', name, root}, {op: 'list', args}, {op: 'call', name, args, member},
// {op: 'all' or 'exists', item, args: [list, condition]}, and operators by their signs. Parts that nest are counted as RULES.md, R-DEF-FORM, says;
// parts is how many there are, names of items counted, and loops how many of them are loops.
export function read(text) {
  const tokens = scan(text), depths = {}
  let at = 0, parts = 0, loops = 0, numbers = 0
  const numbered = () => { numbers++ }
  const is = kind => tokens[at].kind === kind || (kind === 'in' && tokens[at].name === 'in')
  const take = kind => is(kind) ? tokens[at++] : null
  const need = kind => take(kind) ?? fail()
  const fail = () => { throw new SyntaxError('expression: ' + text) }
  const enter = rule => (depths[rule] = (depths[rule] ?? 0) + 1) > DEEP ? fail() : 0
  const leave = rule => { depths[rule]-- }
  const node = (op, args, more) => {
    parts++
    const deep = Math.max(0, ...args.map(a => a.deep)) + (['literal', 'name', 'list', '&&', '||', '!', 'minus'].includes(op) || (op === 'call' && !more.member) ? 0 : 1)
    return deep > DEEP ? fail() : {op, args, deep, ...more}
  }
  function expr() {
    enter('expr')
    let e = or()
    if (take('?')) { numbered(); const a = or(); need(':'); e = node('?:', [e, a, expr()]) }
    leave('expr')
    return e
  }
  function or() { const terms = [and()]; while (take('||')) { terms.push(and()); numbered() } return balanced('||', terms) }
  function and() { const terms = [relation(1)]; while (take('&&')) { terms.push(relation(1)); numbered() } return balanced('&&', terms) }
  // As CEL's parser has them, so that texts which are made of trees are the same.
  function balanced(op, terms) {
    if (terms.length === 1) return terms[0]
    const of = (low, high) => {
      const middle = (low + high + 1) >> 1
      return node(op, [middle === low ? terms[middle] : of(low, middle - 1), middle === high ? terms[middle + 1] : of(middle + 1, high)], {})
    }
    return of(0, terms.length - 2)
  }
  function chain(rule, operand, ranked, least) {
    enter(rule)
    let e = operand()
    for (;;) {
      const op = Object.keys(ranked).find(is)
      if (!op || ranked[op] < least) break
      at++; numbered()
      e = node(op, [e, chain(rule, operand, ranked, ranked[op] + 1)], {})
    }
    leave(rule)
    return e
  }
  const relations = {'==': 1, '!=': 1, '<=': 1, '>=': 1, '<': 1, '>': 1, in: 1}
  const relation = least => chain('relation', () => chain('calc', unary, rank, 1), relations, least)
  function unary() {
    const sign = ['!', '-'].find(is)
    if (!sign) return postfix()
    let n = 0
    while (take(sign)) n++
    if (sign === '-' && n === 1 && is('number')) return postfix(true)
    if (sign === '!' && is('-') && tokens[at + 1].kind === 'number') { at++; if (n % 2) numbered(); const e = postfix(true); return n % 2 ? node('!', [e], {}) : e }
    if (n % 2) numbered()
    const e = postfix()
    return n % 2 ? node(sign === '!' ? '!' : 'minus', [e], {}) : e
  }
  const list = (open, close, trailing) => {
    const out = []
    need(open)
    while (!take(close)) { out.push(expr()); if (!is(close)) { need(','); if (is(close) && !trailing) fail() } }
    return out
  }
  function postfix(negative) {
    let e = primary(negative)
    for (;;) {
      if (is('[')) {
        at++; numbered()
        const i = expr()
        need(']')
        e = node('[]', [e, i], {})
      } else if (is('.')) {
        at++
        const name = need('name').name
        if (!is('(')) { if (e.op !== 'name') fail(); numbered(); e = node('select', [e], {op: 'name', name: e.name + '.' + name, root: e.root, words: e.words + 1}); e.args = []; continue }
        numbered()
        const args = list('(', ')')
        if ((name === 'all' || name === 'exists') && args.length === 2) {
          if (args[0].op !== 'name' || args[0].words > 1 || args[0].root) fail()
          const inside = name === 'all' ? 6 : 7
          parts += inside; numbers += inside + 1; loops++
          if (numbers > PARTS) fail()
          e = node(name, [e, args[1]], {item: args[0].name})
        } else e = node('call', [e, ...args], {name, member: true})
      } else return e
    }
  }
  function primary(negative) {
    if (negative) { numbered(); return number(-need('number').value) }
    if (is('(')) { at++; const e = expr(); need(')'); return e }
    if (is('[')) { numbered(); return node('list', list('[', ']', true), {}) }
    if (is('number')) { numbered(); return number(tokens[at++].value) }
    numbered()
    if (is('literal')) return node('literal', [], {value: tokens[at++].value})
    const root = !!take('.'), name = need('name').name
    if (!root && (name === 'true' || name === 'false')) return node('literal', [], {value: name === 'true'})
    if (reserved.has(name)) fail()
    if (is('(')) return node('call', list('(', ')'), {name, member: false})
    return node('name', [], {name, root, words: 1})
  }
  const number = n => n >= -(2n ** 63n) && n < 2n ** 63n ? node('literal', [], {value: n}) : fail()
  const tree = expr()
  if (!is('end')) fail()
  tree.parts = parts; tree.loops = loops
  return tree
}

// parse gives a function of a scope: scope(name) is a variable's value.
export const parse = text => evaluator(read(text))
const bool = v => typeof v === 'boolean' ? v : undef('not a bool')
// Of two sides one decides: false of and, true of or, whatever the other is.
const either = (a, b, deciding) => s => {
  let first
  try { if ((first = bool(a(s))) === deciding) return deciding } catch (e) { if (!(e instanceof Undefined)) throw e; first = e }
  const second = bool(b(s))
  if (second === deciding) return deciding
  if (first instanceof Undefined) throw first
  return second
}
export function evaluator(e) {
  const [a, b, c] = e.args.map(evaluator)
  switch (e.op) {
  case 'literal': return () => e.value
  case 'name': return s => { const v = s(e.name); if (v === undefined) throw new SyntaxError('no ' + e.name); return v }
  case 'list': { const items = e.args.map(evaluator); return s => items.map(x => x(s)) }
  case '?:': return s => bool(a(s)) ? b(s) : c(s)
  case '&&': return either(a, b, false)
  case '||': return either(a, b, true)
  case '!': return s => !bool(a(s))
  case 'minus': return s => I(-a(s))
  case '+': return s => { const x = a(s), y = b(s); return isBytes(x) ? concat(x, y) : I(x + y) }
  case '-': return s => { const x = a(s), y = b(s); return I(x - y) }
  case '*': return s => { const x = a(s), y = b(s); return I(x * y) }
  case '/': return s => { const x = a(s), y = b(s); return y === 0n ? undef('division by zero') : I(x / y) }
  case '%': return s => { const x = a(s), y = b(s); return y === 0n || (y === -1n && x === -(2n ** 63n)) ? undef('division by zero') : I(x % y) }
  case '[]': return s => { const list = a(s), n = b(s); return n >= 0n && n < BigInt(list.length) ? list[Number(n)] : undef('index') }
  case 'all': case 'exists':
    return s => a(s).map(x => s2 => b(n => n === e.item ? x : s2(n))).reduce((f, g) => either(f, g, e.op === 'exists'), () => e.op === 'all')(s)
  case 'call': { const args = e.args.map(evaluator); return s => call(e.name, args.map(x => x(s))) }
  }
  return s => { const x = a(s), y = b(s); return compare(e.op, x, y) }
}
const same = (a, b) => isBytes(a) ? equal(a, b) : Array.isArray(a) ? a.length === b.length && a.every((x, i) => same(x, b[i])) : a === b
function compare(op, a, b) {
  switch (op) {
  case '==': return same(a, b)
  case '!=': return !same(a, b)
  case '<': return a < b
  case '<=': return a <= b
  case '>': return a > b
  case '>=': return a >= b
  }
  return b.some(x => same(a, x))
}
const hashes = path => Array.from({length: path.length / 32}, (_, i) => path.subarray(32 * i, 32 * i + 32))
const lead = (leaf, at, size, path) => at < 0n || at >= size || size > 1n << 20n || path.length % 32 ? null : climb(leafHash(leaf), at, size, hashes(path))
function emptyRoot(n) {
  const whole = [leafHash(new Uint8Array(0))]
  const of = (n, h = 0) => {
    if ((n & n - 1n) === 0n) { for (; 1n << BigInt(h) < n; h++) whole[h + 1] ??= nodeHash(whole[h], whole[h]); return whole[h] }
    let split = 1n
    while (split * 2n < n) split *= 2n
    return nodeHash(of(split), of(n - split))
  }
  return of(n)
}
// The first moment after t of a day of the calendar in UTC+05: 1 to 31 of each month, or its last; -1 to -7, Monday to Sunday; else a span.
const zone = 18_000_000
function nextDue(t, p) {
  if (p === 0n || p < -7n) undef('next_due')
  if (p > 31n) return I(t + p)
  if (t < 0n || t > 1n << 52n) undef('next_due')
  const local = new Date(Number(t) + zone), year = local.getUTCFullYear(), month = local.getUTCMonth(), day = local.getUTCDate()
  if (p < 0n) return BigInt(Date.UTC(year, month, day + ((-Number(p) - 1 - (local.getUTCDay() + 6) % 7 + 6) % 7) + 1) - zone)
  const of = m => BigInt(Date.UTC(year, m, Math.min(Number(p), new Date(Date.UTC(year, m + 1, 0)).getUTCDate())) - zone)
  const here = of(month)
  return here > t ? here : of(month + 1)
}
export const messageVerifies = (key, message, signature) => key.length === 33 && signature.length === 65 && usableKey(key) && verify(key, domain('aqsha message v1', message), signature)
function call(name, v) {
  const [a, b, c] = v
  switch (name) {
  case 'min': return a < b ? a : b
  case 'max': return a > b ? a : b
  case 'part': { if (a < 0n || b < 0n || c <= 0n) undef('part'); return I(a * b / c) }
  case 'next_due': return nextDue(a, b)
  case 'sha256': return sha256(a)
  case 'uint64': return a < 0n ? undef('uint64') : be64(a)
  case 'verify': return messageVerifies(a, b, c)
  case 'chain': { if (a.length !== 32 || b < 0n || b > c || c > 4096n) undef('chain'); let w = a; for (let i = 0n; i < b; i++) w = sha256(w); return w }
  case 'size': return BigInt(typeof a === 'string' ? [...a].length : a.length)
  case 'bytes': return isBytes(a) ? a : utf8(a)
  case 'startsWith': return a.startsWith(b)
  case 'endsWith': return a.endsWith(b)
  case 'included': { const root = lead(b, v[2], v[3], v[4]); return root !== null && equal(root, a) }
  case 'replaced': {
    const root = lead(b, v[3], v[4], v[5])
    return root !== null && equal(root, a) ? lead(v[2], v[3], v[4], v[5]) : undef('replaced')
  }
  case 'empty': return a < 1n || a > 1n << 20n ? undef('empty') : emptyRoot(a)
  }
  return undef('no function ' + name)
}
