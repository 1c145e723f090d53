// What an entry's and a transaction's items may be, whatever the state (RULES.md, R-FORM…). The result names the items; ids are
// hexadecimal text.
import {decode, encode, Malformed} from './cbor.js'
import {concat, domain, hex, isBytes, sha256} from './bytes.js'
import {usableKey} from './ed25519.js'

export class Refusal extends Error { constructor(code, what = '') { super(code + (what && ': ' + what)); this.code = code } }
export const refuse = (code, what) => { throw new Refusal(code, what) }

export const NO_KEY = '00'.repeat(33), AUTHORITY = '00'.repeat(16), NO_TOKEN = '00'.repeat(32)
const I63 = 2n ** 63n - 1n, U32 = 2n ** 32n - 1n, TIME = 2n ** 53n, SAME = Number(U32), SHARE = 512, RESERVE_DAY = 1_000_000_000n, SECONDS = 2n ** 40n
const day = 86_400_000n

const uint = most => v => typeof v !== 'bigint' || v < 0n ? refuse('wrong-type') : v > most ? refuse('out-of-range', `${v} over ${most}`) : v
const small = most => v => Number(uint(BigInt(most))(v))
const fixed = n => v => !isBytes(v) ? refuse('wrong-type') : v.length !== n ? refuse('out-of-range', `${v.length} bytes, want ${n}`) : hex(v)
const data = (least, most) => v => !isBytes(v) ? refuse('wrong-type') : v.length < least || v.length > most ? refuse('out-of-range') : v
const text = (least, most) => v => {
  if (typeof v !== 'string') refuse('wrong-type')
  const n = new TextEncoder().encode(v).length
  return n < least || n > most ? refuse('out-of-range', `${n} bytes`) : v
}
const bool = v => typeof v === 'boolean' ? v : refuse('wrong-type')
const list = (of, least, most) => v => !Array.isArray(v) ? refuse('wrong-type') : v.length < least ? refuse('too-few') : v.length > most ? refuse('too-many') : v.map(of)
const items = (...of) => v => !Array.isArray(v) ? refuse('wrong-type') : v.length !== of.length ? refuse(v.length < of.length ? 'too-few' : 'too-many') : v.map((x, i) => of[i](x))
const optional = of => v => v === null ? NO_KEY : of(v)
const amount = v => { const n = uint(I63)(v); return n === 0n ? refuse('amount-zero') : n }
const amountOrNone = uint(I63)
const wallet = fixed(16), id = fixed(32), role = small(10)
const key = v => { const k = fixed(33)(v); return v[0] === 1 ? k : refuse('unknown-kind', 'algorithm') }
const goodKey = v => { const k = key(v); return usableKey(v) ? k : refuse('weak-key') }
const recovery = v => v === null ? NO_KEY : goodKey(v)
const distinct = all => new Set(all).size === all.length ? all : refuse('repeated')
const sums = all => all.reduce((n, a) => n + a > I63 ? refuse('amount-overflow') : n + a, 0n)
const hashOrNull = v => v === null ? null : data(32, 32)(v)
const named = (...names) => v => Object.fromEntries(names.map((n, i) => [n, v[i]]))

export const keySet = v => {
  const [threshold, keys] = items(small(32), list(goodKey, 1, 32))(v)
  distinct(keys)
  return threshold < 1 || threshold > keys.length ? refuse('out-of-range', 'threshold') : {threshold, keys}
}
const attributes = v => {
  const [category, region, r] = items(small(9999), text(0, 6), text(0, 12))(v)
  if (!/^[A-Z0-9-]*$/.test(region) || !/^[a-z0-9-]*$/.test(r)) refuse('out-of-range', 'attributes')
  return {category, region, role: r}
}
const memo = v => {
  if (v === null) return v
  const [scheme, b] = items(small(255), data(0, 512))(v)
  if (scheme < 1 || scheme > 3) refuse('unknown-kind', 'memo')
  if (b.length < 1 || (scheme === 1 && b.length > 256) || (scheme === 3 && b.length !== 32)) refuse('out-of-range', 'memo')
  if (scheme === 1) try { new TextDecoder('utf-8', {fatal: true}).decode(b) } catch { refuse('out-of-range', 'memo') }
  return v
}
const tier = v => named('name', 'payment', 'day', 'balance', 'payments')(items(text(1, 64), amountOrNone, amountOrNone, amountOrNone, uint(U32))(v))
export const policy = v => {
  const shares = Array.isArray(v) && v.length >= 9, cash = Array.isArray(v) && v.length >= 11
  const more = [...(shares ? [small(1 << 20), small(1 << 20)] : []), ...(cash ? [amountOrNone, amountOrNone, wallet] : [])]
  if (shares && v.length !== 10 && v.length !== 13) refuse('not-canonical', 'policy')
  const p = named('tiers', 'least', 'inputs', 'outputs', 'offset', 'ahead', 'rekey', 'every', 'definitions', 'purposes', 'reserveDay', 'reserveMost', 'expired')(items(list(tier, 1, 32), uint(I63), small(1024), small(1024), uint(day), uint(TIME), uint(TIME), uint(TIME), ...more)(v))
  if (cash ? !p.reserveDay && !p.reserveMost && p.expired === AUTHORITY : shares && !p.definitions && !p.purposes) refuse('not-canonical', 'policy')
  p.shares = Boolean(p.definitions || p.purposes); p.cash = cash; p.definitions ||= SHARE; p.purposes ||= SHARE; p.reserveDay ||= RESERVE_DAY; p.reserveMost ||= 0n
  const within = (n, least, most) => n < least || n > most ? refuse('out-of-range', 'policy') : 0
  within(p.least, 1n, 1_000_000n); within(p.inputs, 2, 1024); within(p.outputs, 2, 1024); within(p.ahead, 1000n, 3_600_000n); within(p.rekey, 1000n, 30n * day); within(p.every, 1n, 1n << 40n)
  p.raw = v
  return p
}
const purpose = v => {
  if (!Array.isArray(v) || (v.length !== 12 && v.length !== 14)) refuse('not-canonical', 'purpose')
  const p = named('name', 'about', 'mark', 'permits', 'most', 'total', 'from', 'until', 'hops', 'returns', 'contracts', 'own')(
    items(text(1, 64), text(0, 1024), text(1, 2048), list(items(text(1, 2048), small(SAME)), 1, 8), amountOrNone, amountOrNone, uint(TIME - 1n), uint(TIME - 1n), small(65535), wallet, list(id, 0, 16), bool)(v.slice(0, 12)))
  ;[p.notice, p.amends] = v.length === 14 ? [uint(366n * day)(v[12]), small(SAME - 1)(v[13])] : [0n, 0]
  if (v.length === 14 && p.notice === 0n && p.amends === 0) refuse('not-canonical', 'purpose')
  if (p.from >= p.until) refuse('out-of-range', 'purpose.until')
  p.raw = v
  return p
}
const change = v => {
  const [kind, a] = Array.isArray(v) && v.length === 3 ? v : refuse('not-canonical', 'change')
  const c = {kind: small(5)(kind), raw: v}
  if (c.kind === 1) { c.set = small(4)(a); c.keys = keySet(v[2]); if (c.set < 1) refuse('out-of-range', 'change.set') } else if (c.kind === 4) {
    c.rules = small(SAME)(a); c.height = uint(TIME)(v[2])
    if (c.rules === 0 || c.height === 0n) refuse('out-of-range', 'change')
  } else {
    if (c.kind === 0 || a !== 0n) refuse('not-canonical', 'change')
    if (c.kind === 2) c.cap = amount(v[2])
    if (c.kind === 3) { c.delay = uint(90n * day)(v[2]); if (c.delay < 60_000n) refuse('out-of-range', 'change.delay') }
    if (c.kind === 5) c.policy = policy(v[2])
  }
  return c
}
const value = v => {
  if (typeof v === 'bigint') return v >= -(2n ** 63n) && v <= I63 ? v : refuse('out-of-range')
  if (typeof v === 'string') return text(0, 1024)(v)
  if (isBytes(v)) return data(0, 1024)(v)
  if (Array.isArray(v)) return list(n => typeof n === 'bigint' ? value(n) : refuse('wrong-type'), 0, 64)(v)
  return bool(v)
}
const output = v => {
  if (!Array.isArray(v) || v.length < 2 || v.length > 3) refuse('too-few', 'outputs')
  const o = {party: small(1024)(v[0]), amount: amount(v[1]), asset: [0, 0, 0]}
  if (v.length === 3) { o.asset = items(small(SAME), small(999), small(SAME))(v[2]); if (o.asset.every(n => n === 0)) refuse('not-canonical', 'asset') }
  return o
}
const markedOutput = v => {
  if (!Array.isArray(v) || (v.length !== 2 && v.length !== 4)) refuse('not-canonical', 'outputs')
  const o = {party: small(1024)(v[0]), amount: amount(v[1]), from: 0, becomes: 0}
  if (v.length === 4) { o.from = small(SAME - 1)(v[2]); o.becomes = small(SAME - 1)(v[3]); if (o.from === 0 && o.becomes === 0) refuse('not-canonical', 'outputs') }
  return o
}
const nameShare = v => { const [opener, p, proof] = items(small(16), fixed(32), fixed(64))(v); return {opener, point: p, proof} }
const visible = most => v => /^[!-~]+$/.test(text(1, most)(v)) ? v : refuse('out-of-range')
const validator = v => { const [name, vote, checkpoint, peer] = items(visible(64), goodKey, goodKey, fixed(20))(v); return {name, vote, checkpoint, peer} }
const seq = uint(I63), many = of => list(of, 1, 1024), reference = text(1, 64)
const paidIn = v => list(amountOrNone, 1, 4)(v)
const brought = t => { distinct(t.inputs); if ((sums(t.paid) === 0n) !== (t.inputs.length === 0)) refuse('unused', 'inputs') }

// The items of each kind after kind and valid until, and what they must be together.
const kinds = {
  1: [['parties', many(wallet)], ['payers', small(1024)], ['inputs', many(id)], ['outputs', many(output)], ['memo', memo]],
  2: [['sequence', seq], ['to', wallet], ['amounts', many(amount)]],
  3: [['from', wallet], ['inputs', many(id)], ['amount', amount], ['change', amountOrNone]],
  4: [['registrar', wallet], ['sequence', seq], ['key', goodKey], ['recovery', recovery], ['tier', small(255)], ['attributes', attributes]],
  5: [['wallet', wallet], ['version', seq], ['tier', small(255)], ['attributes', attributes]],
  6: [['wallet', wallet], ['version', seq], ['by', role], ['key', goodKey], ['recovery', recovery]],
  7: [['wallet', wallet], ['version', seq]],
  8: [['wallet', wallet], ['version', seq], ['by', role]],
  9: [['wallet', wallet], ['version', seq], ['mode', small(2)], ['case', reference]],
  10: [['wallet', wallet], ['version', seq], ['case', reference]],
  11: [['wallet', wallet], ['inputs', many(id)], ['amount', amount], ['change', amountOrNone], ['court', wallet], ['case', reference]],
  12: [['sequence', seq], ['name', text(1, 64)], ['keys', keySet], ['treasury', goodKey]],
  13: [['sequence', seq], ['intermediary', wallet], ['suspended', bool]],
  14: [['sequence', seq], ['from', wallet], ['to', wallet], ['wallets', many(wallet)]],
  15: [['sequence', seq], ['policy', policy]],
  16: [['by', role], ['sequence', seq], ['change', change]],
  17: [['sequence', seq], ['proposal', id]],
  18: [['sequence', seq], ['intermediary', wallet], ['keys', keySet]],
  19: [['sequence', seq], ['agency', wallet], ['name', text(1, 64)], ['keys', keySet], ['suspended', bool]],
  20: [['agency', wallet], ['sequence', seq], ['purpose', purpose]],
  21: [['parties', many(wallet)], ['inputs', many(id)], ['outputs', many(markedOutput)], ['document', hashOrNull], ['memo', memo]],
  22: [['registrar', wallet], ['sequence', seq], ['definition', data(1, 16_384)]],
  23: [['creator', wallet], ['definition', id], ['parties', list(wallet, 0, 8)], ['assets', list(small(SAME - 1), 0, 4)], ['terms', list(value, 0, 32)], ['inputs', list(id, 0, 1024)], ['paid', paidIn], ['document', hashOrNull]],
  24: [['contract', wallet], ['version', seq], ['action', text(1, 24)], ['caller', wallet], ['args', list(value, 0, 32)], ['inputs', list(id, 0, 1024)], ['paid', paidIn], ['document', hashOrNull]],
  25: [['wallet', wallet], ['version', seq], ['by', role]],
  26: [['held', wallet], ['for', wallet], ['by', role], ['inputs', many(id)], ['amount', amount], ['change', amountOrNone], ['to', wallet]],
  27: [['agency', wallet], ['sequence', seq], ['wallet', wallet], ['as', text(1, 12)], ['withdrawn', bool]],
  28: [['sequence', seq], ['reserve', wallet], ['key', recovery], ['keyset', fixed(33)], ['unit', text(1, 8)], ['denominations', list(amount, 1, 64)], ['from', uint(SECONDS)], ['until', uint(SECONDS)], ['expiry', uint(SECONDS)], ['origin', text(1, 128)], ['logKey', text(1, 256)]],
  29: [['reserve', wallet], ['size', uint(TIME)], ['root', id]],
  30: [['intermediary', wallet], ['sequence', seq], ['certifier', goodKey], ['inputs', list(id, 0, 1024)], ['amount', uint(TIME - 1n)], ['change', amountOrNone]],
  31: [['intermediary', wallet], ['sequence', seq], ['owner', wallet], ['key', goodKey], ['class', uint(255n)], ['limits', items(uint(TIME - 1n), uint(TIME - 1n), uint(255n), uint(65535n))], ['expiry', uint(TIME - 1n)], ['sealed', data(0, 512)], ['inputs', list(id, 0, 1024)], ['deposit', uint(TIME - 1n)], ['change', amountOrNone]],
  32: [['from', wallet], ['purse', wallet], ['inputs', many(id)], ['amount', v => amount(v) < TIME ? v : refuse('out-of-range')], ['change', amountOrNone]],
  33: [['links', list(data(1, 205), 1, 16)]],
  34: [['conviction', data(1, 512)]],
  35: [['purse', wallet]],
  36: [['sequence', seq], ['members', small(16)], ['commitments', list(fixed(32), 1, 16)]],
  38: [['sequence', seq], ['reason', text(0, 64)], ['validators', list(validator, 1, 16)]],
  37: [['purse', wallet], ['number', uint(2n ** 32n - 1n)], ['case', id], ['asker', id], ['proof', fixed(64)], ['shares', list(nameShare, 1, 16)]],
}
// What is set aside: inputs exactly where it is something.
const aside = (t, n) => { distinct(t.inputs); sums([n, t.change]); if (n === 0n ? t.inputs.length || t.change : !t.inputs.length) refuse(n === 0n ? 'unused' : 'too-few', 'inputs') }
const asked = (t, ...roles) => roles.includes(t.by) ? 0 : refuse('out-of-range', 'by')
const recoveryDiffers = t => t.recovery === t.key ? refuse('repeated', 'recovery') : 0
const together = {
  30: t => aside(t, t.amount),
  31: t => aside(t, t.deposit),
  32: t => aside(t, t.amount),
  36: t => t.commitments.length > t.members ? refuse('out-of-range', 'members') : 0,
  37: t => t.shares.some((s, i) => i > 0 && s.opener <= t.shares[i - 1].opener) ? refuse('repeated', 'shares') : 0,
  38: t => { const vs = t.validators; distinct(vs.flatMap(v => [v.vote, v.checkpoint])); distinct(vs.map(v => v.name)); distinct(vs.map(v => v.peer)) },
  33: t => distinct(t.links.map(l => hex(l))),
  1: t => {
    distinct(t.parties); distinct(t.inputs); sums(t.outputs.map(o => o.amount))
    if (t.payers < 1 || t.payers > t.parties.length || t.outputs.some(o => o.party >= t.parties.length)) refuse('out-of-range', 'parties')
    for (let p = t.payers; p < t.parties.length; p++) if (!t.outputs.some(o => o.party === p)) refuse('unused')
  },
  2: t => sums(t.amounts),
  3: t => { distinct(t.inputs); sums([t.amount, t.change]) },
  4: recoveryDiffers,
  6: t => { recoveryDiffers(t); asked(t, 2, 4, 5, 7, 8) },
  8: t => asked(t, 2, 5, 7),
  9: t => t.mode < 1 ? refuse('out-of-range', 'mode') : 0,
  11: t => { distinct(t.inputs); sums([t.amount, t.change]) },
  14: t => { distinct(t.wallets); if (t.from === t.to) refuse('repeated', 'to') },
  16: t => {
    const c = t.change
    if (c.kind === 1 ? t.by !== c.set && t.by !== 1 : c.kind === 4 ? t.by !== 1 : t.by !== 3) refuse('out-of-range', 'by')
  },
  21: t => {
    distinct(t.parties); distinct(t.inputs); sums(t.outputs.map(o => o.amount))
    if (t.outputs.some(o => o.party >= t.parties.length)) refuse('out-of-range', 'outputs.party')
    for (let p = 1; p < t.parties.length; p++) if (!t.outputs.some(o => o.party === p)) refuse('unused')
  },
  23: t => { distinct(t.assets); if (t.paid.length !== t.assets.length) refuse('out-of-range', 'paid'); brought(t) },
  24: brought,
  25: t => asked(t, 2, 7, 8),
  26: t => {
    asked(t, 4, 7, 8)
    if (t.for === AUTHORITY ? t.by !== 4 : t.held !== heldFor(t.for)) refuse('out-of-range', 'held')
    if (t.to === t.held) refuse('repeated', 'to')
    distinct(t.inputs); sums([t.amount, t.change])
  },
  27: t => /^[A-Za-z0-9-]+$/.test(t.as) ? 0 : refuse('out-of-range', 'as'),
  28: t => {
    if (t.reserve === AUTHORITY && t.key === NO_KEY) refuse('too-few', 'key')
    if (t.reserve !== AUTHORITY && t.key !== NO_KEY) refuse('out-of-range', 'key')
    if (!t.keyset.startsWith('01')) refuse('unknown-kind', 'keyset')
    if (!/^[a-z]+$/.test(t.unit)) refuse('out-of-range', 'unit')
    t.denominations.forEach((a, i) => { if (i > 0 && a <= t.denominations[i - 1]) refuse('repeated', 'denominations') })
    if (t.from >= t.until || t.until >= t.expiry) refuse('out-of-range', 'expiry')
    if (!/^[!-~]+$/.test(t.origin) || !/^[!-~]+$/.test(t.logKey)) refuse('out-of-range', 'origin')
  },
  29: t => t.size === 0n ? refuse('out-of-range', 'size') : 0,
}
export function readTransaction(v) {
  const [body, signed] = Array.isArray(v) && v.length === 2 ? v : refuse('not-canonical', 'transaction')
  const bytes = encode(v)
  if (bytes.length > 65_000) refuse('too-large')
  if (!Array.isArray(body) || body.length < 2) refuse('wrong-type')
  const kind = small(255)(body[0]), form = kinds[kind]
  if (!form) refuse('unknown-kind')
  const t = {kind, validUntil: uint(TIME - 1n)(body[1]), id: sha256(encode(body)), bytes}
  if (body.length !== form.length + 2) refuse('not-canonical', 'items')
  form.forEach(([name, of], i) => { t[name] = of(body[i + 2]) })
  together[kind]?.(t)
  t.witnesses = list(items(role, small(1024), data(65, 65)), 0, 1024 + 96)(signed).map(named('role', 'index', 'signature'))
  t.witnesses.forEach((w, i) => {
    if (w.role < 1 || w.signature[0] !== 1) refuse('unknown-kind')
    const before = t.witnesses[i - 1]
    if (before && (before.role > w.role || (before.role === w.role && before.index >= w.index))) refuse('repeated', 'witnesses')
  })
  t.hex = hex(t.id)
  return t
}
const effects = v => {
  if (Array.isArray(v) && v.length === 0) return {spent: [], made: []}
  const [spent, made] = items(list(id, 0, 4), list(x => x, 0, 128))(v)
  return {spent, made: made.map(m => {
    if (!Array.isArray(m) || m.length < 3 || m.length > 4) refuse('not-canonical', 'effects')
    const e = {wallet: wallet(m[0]), amount: uint(I63)(m[1]), purpose: small(SAME)(m[2]), for: ''}
    if (m.length === 4 && (e.for = wallet(m[3])) === AUTHORITY) refuse('not-canonical', 'effects.for')
    return e
  })}
}
// A definition's form (FORMATS.md, "Definition"; R-DEF): what its texts mean is not asked here.
const words = text(0, 2048), namesOf = most => list(words, 0, most), typed = most => list(items(words, small(255)), 0, most)
const action = v => {
  const more = Array.isArray(v) && v.length === 12, of = [words, namesOf(8), typed(8), words, words, words, words, list(items(words, words), 0, 4), list(items(words, words, words, words), 0, 8), list(items(words, words), 0, 16), bool]
  const a = named('name', 'by', 'args', 'from', 'until', 'when', 'document', 'takes', 'pays', 'sets', 'ends', 'extends')(items(...of, ...(more ? [words] : []))(v))
  if (more && a.extends === '') refuse('not-canonical', 'extends')
  return {...a, extends: a.extends ?? ''}
}
const share = v => {
  const of = Array.isArray(v) && v.length === 3, s = items(words, uint(1_000_000n), ...(of ? [words] : []))(v)
  if (of && (s[1] !== 0n || s[2] === '')) refuse('not-canonical', 'share')
  return s
}
export function readDefinition(bytes) {
  const v = decode(bytes)
  if (!Array.isArray(v) || v.length !== 10) refuse('not-canonical', 'definition')
  if (v[0] !== 1n) refuse('unknown-kind', 'format')
  const [name, about, parties, assets, terms, state, create, actions] = items(words, text(0, 1024), namesOf(8), namesOf(4), typed(32), list(items(words, words), 0, 16), action, list(action, 0, 24))(v.slice(1, 9))
  const does = Array.isArray(v[9]) && v[9].length === 3, [at, shares, acts = []] = items(words, list(share, 0, 8), ...(does ? [list(words, 1, 4)] : []))(v[9])
  return {name, about, parties, assets, terms, state, create, actions, at, shares, does: acts}
}
const genesis = v => {
  const g = named('name', 'sets', 'policy', 'cap', 'delay', 'logKey')(items(text(1, 64), list(keySet, 4, 4), policy, uint(I63), uint(90n * day), text(1, 256))(v))
  return g.cap === 0n ? refuse('amount-zero') : g.delay < 60_000n ? refuse('out-of-range', 'delay') : g
}
export function readEntry(bytes) {
  const v = decode(bytes)
  if (!Array.isArray(v) || v.length < 3) throw new Malformed('no entry')
  if (v[0] === 0n) {
    if (v.length < 9 || v.length > 11) refuse('not-canonical', 'leaf')
    const l = named('type', 'height', 'time', 'count', 'rules', 'previous', 'issued', 'redeemed', 'circulating')(items(small(2), uint(TIME), uint(TIME - 1n), small(SAME), small(SAME), id, uint(I63), uint(I63), uint(I63))(v.slice(0, 9)))
    const reserve = v.length === 11 ? amount(v[9]) : 0n
    if (reserve > l.circulating || (v.length === 11 && v[10] !== l.circulating - reserve)) refuse('not-canonical', 'leaf')
    return {leaf: {...l, bytes, reserve, genesis: v.length === 10 ? genesis(v[9]) : null}}
  }
  if (v[0] === 1n && v.length === 3) return {transaction: readTransaction(v[1]), effects: effects(v[2])}
  if (v[0] !== 2n) refuse('not-canonical', 'entry')
  const kind = small(7)(v[1]), length = {1: 3, 2: 3, 3: 3, 4: 4, 5: 4, 6: 3, 7: 5}[kind] ?? refuse('unknown-kind')
  if (v.length !== length && v.length !== length + 1) refuse('not-canonical', 'entry')
  const s = {kind, id: (kind === 2 ? id : wallet)(v[2]), version: kind === 7 ? uint(I63)(v[3]) : 0n, effects: kind === 4 || kind === 5 || kind === 7 ? effects(v[length - 1]) : {spent: [], made: []}}
  s.salt = v.length === length ? null : fixed(16)(v[length])
  if (kind === 5 && (s.effects.spent.length !== 1 || s.effects.made.length !== 1)) refuse('not-canonical', 'effects')
  return {system: s}
}
export const outputID = (of, i) => hex(sha256(concat(of, Uint8Array.of(i >> 8, i & 255))))
export const heldFor = w => hex(domain('aqsha held v1', unhex16(w)).subarray(0, 16))
export const suspenseOf = w => hex(domain('aqsha suspense v1', unhex16(w)).subarray(0, 16))
const unhex16 = w => Uint8Array.from(w.match(/../g), x => parseInt(x, 16))
export {SAME}
