// The expressions of definitions and purposes (contracts.md, "Expressions"): the part of CEL that has no doubles, times, maps or
// dynamic types. Integers are BigInt of 64 bits, byte strings Uint8Array. What cannot be computed throws Undefined; && and || take
// the side that can be, if it decides.
import {be64, concat, domain, equal, isBytes, sha256, utf8} from './bytes.js'
import {climb, leafHash, nodeHash} from './tree.js'
import {usableKey, verify} from './ed25519.js'

export class Undefined extends Error { constructor(what) { super(what); this.code = 'cannot-evaluate' } }
const undef = what => { throw new Undefined(what) }
const I = n => n >= -(2n ** 63n) && n < 2n ** 63n ? n : undef('overflow')

const token = /\s*(?:\/\/[^\n]*)?\s*(?:(0x[0-9a-fA-F]+|\d+)|(b|B)?("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|([A-Za-z_][A-Za-z0-9_]*)|(&&|\|\||==|!=|<=|>=|[-+*/%!<>?:()[\],.]))/y
function scan(text) {
  const out = []
  token.lastIndex = 0
  while (token.lastIndex < text.trimEnd().length) {
    const m = token.exec(text)
    if (!m) throw new SyntaxError('expression: ' + text)
    const [, number, b, quoted, name, sign] = m
    if (number !== undefined) out.push({kind: 'literal', value: BigInt(number)})
    else if (quoted !== undefined) { const t = unescape(quoted.slice(1, -1), !!b); out.push({kind: 'literal', value: t}) } else if (name) out.push({kind: 'name', name})
    else out.push({kind: sign})
  }
  out.push({kind: 'end'})
  return out
}
const escapes = {a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11, '\\': 92, '?': 63, '"': 34, "'": 39, '`': 96}
function unescape(t, bytes) {
  const parts = []
  for (let i = 0; i < t.length; i++) {
    if (t[i] !== '\\') { const c = String.fromCodePoint(t.codePointAt(i)); i += c.length - 1; parts.push(utf8(c)); continue }
    const c = t[++i]
    const code = (n, base) => { const d = t.substr(i + 1, n); i += n; return parseInt(d, base) }
    let value = escapes[c]
    if (c === 'x' || c === 'X') value = code(2, 16)
    else if (c === 'u') value = code(4, 16)
    else if (c === 'U') value = code(8, 16)
    else if (/[0-3]/.test(c)) { i--; value = code(3, 8) }
    if (value === undefined || Number.isNaN(value)) throw new SyntaxError('escape')
    parts.push(bytes ? Uint8Array.of(value) : utf8(String.fromCodePoint(value)))
  }
  const all = concat(...parts)
  return bytes ? all : new TextDecoder('utf-8', {fatal: true, ignoreBOM: true}).decode(all)
}

// parse gives a function of a scope: scope(name) is a variable's value.
export function parse(text) {
  const tokens = scan(text)
  let at = 0
  const is = kind => tokens[at].kind === kind || (kind === 'in' && tokens[at].name === 'in')
  const take = kind => is(kind) ? tokens[at++] : null
  const need = kind => take(kind) ?? fail()
  const fail = () => { throw new SyntaxError('expression: ' + text) }
  const bool = v => typeof v === 'boolean' ? v : undef('not a bool')

  function ternary() {
    const c = or()
    if (!take('?')) return c
    const a = or(); need(':'); const b = ternary()
    return s => bool(c(s)) ? a(s) : b(s)
  }
  // Of two sides one decides: false of and, true of or, whatever the other is.
  const either = (a, b, deciding) => s => {
    let first
    try { if ((first = bool(a(s))) === deciding) return deciding } catch (e) { if (!(e instanceof Undefined)) throw e; first = e }
    const second = bool(b(s))
    if (second === deciding) return deciding
    if (first instanceof Undefined) throw first
    return second
  }
  function or() { let a = and(); while (take('||')) a = either(a, and(), true); return a }
  function and() { let a = relation(); while (take('&&')) a = either(a, relation(), false); return a }
  function relation() {
    let a = sum()
    for (;;) {
      const op = ['==', '!=', '<=', '>=', '<', '>', 'in'].find(is)
      if (!op) return a
      at++
      const b = sum(), l = a
      a = s => compare(op, l(s), b(s))
    }
  }
  function sum() {
    let a = product()
    for (;;) {
      const op = ['+', '-'].find(is)
      if (!op) return a
      at++
      const b = product(), l = a
      a = s => { const x = l(s), y = b(s); return isBytes(x) ? concat(x, y) : I(op === '+' ? x + y : x - y) }
    }
  }
  function product() {
    let a = unary()
    for (;;) {
      const op = ['*', '/', '%'].find(is)
      if (!op) return a
      at++
      const b = unary(), l = a
      a = s => { const x = l(s), y = b(s); if (op !== '*' && y === 0n) undef('division by zero'); return I(op === '*' ? x * y : op === '/' ? x / y : x % y) }
    }
  }
  function unary() {
    if (take('!')) { const a = unary(); return s => !bool(a(s)) }
    if (take('-')) { const a = unary(); return s => I(-a(s)) }
    return postfix()
  }
  function args() { const out = []; need('('); while (!take(')')) { out.push(ternary()); if (!is(')')) need(',') } return out }
  function postfix() {
    let a, path = null
    if (take('(')) { a = ternary(); need(')') } else if (take('[')) {
      const list = []
      while (!take(']')) { list.push(ternary()); if (!is(']')) need(',') }
      a = s => list.map(x => x(s))
    } else if (is('literal')) { const v = tokens[at++].value; a = () => v } else {
      const name = need('name').name
      if (name === 'true' || name === 'false') a = () => name === 'true'
      else if (is('(')) { const f = args(); a = s => call(name, f.map(x => x(s))) } else path = name
    }
    for (;;) {
      if (take('[')) {
        const i = ternary(), l = path !== null ? variable(path) : a; need(']'); path = null
        a = s => { const list = l(s), n = i(s); return n >= 0n && n < BigInt(list.length) ? list[Number(n)] : undef('index') }
      } else if (take('.')) {
        const name = need('name').name
        if (!is('(')) { path = path !== null ? path + '.' + name : fail(); continue }
        const l = path !== null ? variable(path) : a; path = null
        if (name === 'all' || name === 'exists') {
          need('('); const item = need('name').name; need(','); const holds = ternary(); need(')')
          a = s => l(s).map(x => s2 => holds(n => n === item ? x : s2(n))).reduce((f, g) => either(f, g, name === 'exists'), () => name === 'all')(s)
        } else { const f = args(); a = s => call(name, [l(s), ...f.map(x => x(s))]) }
      } else return path !== null ? variable(path) : a
    }
  }
  const variable = name => s => { const v = s(name); return v === undefined ? fail() : v }
  const tree = ternary()
  if (!is('end')) fail()
  return tree
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
export const messageVerifies = (key, message, signature) => key.length === 33 && signature.length === 65 && usableKey(key) && verify(key, domain('aqsha message v1', message), signature)
function call(name, v) {
  const [a, b, c] = v
  switch (name) {
  case 'min': return a < b ? a : b
  case 'max': return a > b ? a : b
  case 'part': { if (a < 0n || b < 0n || c <= 0n) undef('part'); return I(a * b / c) }
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
