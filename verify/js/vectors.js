// Replays vectors and says which differ: node verify/js/vectors.js testdata/vectors/ledger.json testdata/vectors/refused.json …
import {readFile} from 'node:fs/promises'
import {basename, dirname, join} from 'node:path'
import {Ledger} from './ledger.js'
import {readDefinition, readEntry, readTransaction} from './form.js'
import {definition, purpose} from './definition.js'
import {compiled} from './check.js'
import {decode} from './cbor.js'
import {be64, concat, domain, hex, sha256, unhex, utf8} from './bytes.js'
import {parse} from './cel.js'
import {follow, holds, receipt} from './proof.js'
import {verify} from './ed25519.js'
import * as copies from './copies.js'

const replayed = blocks => { const ledger = new Ledger(); for (const entries of blocks) ledger.block(entries.map(unhex)); return ledger }

// A whole log: its roots before each block, and its state at the end.
export function log(v) {
  const ledger = new Ledger()
  for (const b of v.blocks) {
    if (hex(ledger.tree.root()) !== b.rootBefore) return ['root before a block']
    ledger.block(b.entries.map(unhex))
  }
  const got = {network: hex(ledger.network), size: ledger.tree.size, root: hex(ledger.tree.root()), snapshotRoot: ledger.stateRoot()}
  return Object.keys(got).filter(k => got[k] !== v[k])
}
// What a transaction is refused for after a log, at a time; '' where it is executed.
export function attempt(ledger, time, transaction) {
  try {
    ledger.begin(ledger.height + 1n, BigInt(time))
    ledger.due()
    ledger.apply(readTransaction(decode(unhex(transaction))))
    return ''
  } catch (e) { if (!e.code) throw e; return e.code }
}
export function refused(v) {
  const differ = []
  for (const c of v.cases) {
    const got = attempt(replayed(c.log.map(i => v.blocks[i])), c.time, c.transaction)
    if (got !== c.code) differ.push(`${c.rule}: ${got || 'executed'}, want ${c.code || 'executed'}`)
  }
  return differ
}
// Blocks that may not, or may, stand after a log's first ones.
export async function refusedBlocks(v, read) {
  const differ = []
  for (const log of v.logs) {
    const {blocks} = await read(log.base)
    for (const c of log.cases) {
      const ledger = replayed(blocks.slice(0, c.at).map(b => b.entries))
      let got = ''
      try { ledger.block(c.block.map(unhex)) } catch (e) { if (!e.code) throw e; got = e.code }
      if (got !== c.code) differ.push(`${log.base}: ${c.rule}: ${c.about}: ${got || 'taken'}, want ${c.code || 'taken'}`)
    }
  }
  return differ
}
// Transactions that are none: that they are refused is what counts, the code is the reader's order of reading.
export function malformed(v) {
  const refused = t => { try { readTransaction(decode(unhex(t))); return false } catch (e) { if (!e.code) throw e; return true } }
  return v.cases.filter(c => !refused(c.transaction)).map(c => `${c.kind}: read, want ${c.code}`)
}
// A state with many tokens: those of verify/pages_test.go, behind a log.
export async function pages(v, read) {
  const ledger = replayed((await read(v.base)).blocks.map(b => b.entries)), s = ledger.state, differ = []
  const most = Math.max(...Object.keys(v.roots).map(Number))
  for (let i = 0; i <= most; i++) {
    if (v.roots[i] && ledger.stateRoot() !== v.roots[i]) differ.push(`${i} tokens`)
    const wallet = v.wallets[i % 3], amount = BigInt(i) * BigInt(i) + 1n, w = s.wallets.get(wallet)
    s.tokens.set(hex(sha256(concat(utf8('token'), be64(i)))), {wallet, amount, purpose: i % 7 ? 0 : 1, hops: i % 7 ? 0 : i % 5})
    w.balance += amount; w.tokens++
  }
  return differ
}
export const signatures = v => v.cases.filter(c => verify(unhex(c.key), unhex(c.message), unhex(c.signature)) !== c.zip215).map(c => c.about)
// What a definition or a purpose's rules cost, or that they cannot be registered.
export function judged({definition: d, purpose: p, rules}) {
  try { return {code: '', costs: d ? definition(readDefinition(unhex(d)), rules) : [purpose({mark: p.mark, permits: p.permits.map(when => [when, 0])}, rules)]} } catch (e) {
    if (!e.code && !(e instanceof SyntaxError)) return {code: 'broken', what: String(e.stack)}
    return {code: 'bad-definition', what: e.message}
  }
}
export const definitions = v => v.cases.filter(c => { const got = judged(c); return got.code !== c.code || (c.costs && String(got.costs) !== String(c.costs)) }).map(c => `${c.about}: ${JSON.stringify(judged(c))}, want ${c.code || c.costs}`)
// The key of the seed 01 00 … 00, which has signed args.b.
const KEY = '01cecc1507dc1ddd7295951c290888f095adb9044d1b73d696e6df065d683bd4fc'
const circumstances = new Map([['args.n', 'int', 1], ['args.b', 'bytes', 1024], ['args.list', {list: 'int'}, 64], ['caller.role', 'string', 12], ['caller.category', 'int', 1], ['caller.region', 'string', 6], ['caller.tier', 'int', 1], ['caller.id', 'bytes', 16], ['caller.key', 'bytes', 33],
  ['now', 'int', 1], ['created', 'int', 1], ['held.tenge', 'int', 1], ['left.tenge', 'int', 1], ['paid.tenge', 'int', 1], ['document', 'bytes', 32], ['contract.id', 'bytes', 16], ['contract.network', 'bytes', 32], ['day', 'int'], ['hour', 'int'], ['minute', 'int']].map(([n, type, size]) => [n, {type, size}]))
// What expressions give and cost (RULES.md, R-EXPR, R-DEF-COST), in the circumstances that contract.json was made in.
export function expressions(v) {
  const differ = [], rules = v.expressions.some(e => e.expression.startsWith('next_due')) ? 5 : 4
  for (const e of v.expressions) {
    const b = unhex(e.b), scope = {'args.n': BigInt(e.n), 'args.b': b, 'args.list': [1n, 2n, 3n], 'caller.role': 'canteen', 'caller.category': 5411n, 'caller.region': 'KZ-75', 'caller.tier': 2n, 'caller.id': unhex(v.expressions.find(e => e.expression === 'caller.id').result), 'caller.key': unhex(KEY),
      now: 1_700_000_000_000n, created: 5n, 'held.tenge': 100n, 'left.tenge': 40n, 'paid.tenge': 5n, document: new Uint8Array(32), 'contract.id': unhex(v.expressions.find(e => e.expression === 'contract.id').result), 'contract.network': concat(Uint8Array.of(9), new Uint8Array(31)), day: 86_400_000n, hour: 3_600_000n, minute: 60_000n}
    let got
    try { const r = parse(e.expression)(n => scope[n]); got = r instanceof Uint8Array ? hex(r) : String(r) } catch (x) { if (!x.code) throw x; got = x.code }
    if (got !== e.result) differ.push(`${e.expression}: ${got}, want ${e.result}`)
    const costs = ['int', 'bool', 'bytes', 'string'].flatMap(type => { try { return [compiled(e.expression, type, circumstances, rules).cost] } catch (x) { if (!(x instanceof SyntaxError)) throw x; return [] } })
    if (String(costs) !== String(e.cost)) differ.push(`${e.expression} costs ${costs}, want ${e.cost}`)
  }
  for (const t of v.templates) {
    const got = judged({definition: t.definition, rules})
    if (String(got.costs) !== String(t.costs)) differ.push(`${t.template}: ${JSON.stringify(got)}, want ${t.costs}`)
  }
  if (hex(domain('aqsha message v1', unhex(v.message))) !== v.digest) differ.push('the digest of a message')
  return differ
}
export const proofs = v => v.cases.filter(c => holds(unhex(c.file), c.network) !== c.holds).map(c => c.about)
export const receipts = v => v.cases.filter(c => (receipt(unhex(c.file), c.network) !== undefined) !== c.holds).map(c => c.about)
// Who signs behind links, or nobody where they do not hold.
const signers = v => {
  const genesis = readEntry(unhex(v.genesis)).leaf.genesis
  const followed = file => { try { const [magic, version, links] = decode(file), s = follow(genesis, links); return magic === 'aqsha-signers' && version === 1n ? [s.key, s.size] : [] } catch { return [] } }
  return v.cases.filter(c => String(followed(unhex(c.file))) !== String(c.holds ? [c.key, BigInt(c.after ?? 0)] : [])).map(c => c.about)
}
export const check = (v, read) => v.kind === 'signers' ? signers(v) : ['snapshots', 'streams', 'fences', 'evidence'].includes(v.kind) ? copies[v.kind](v) : v.kind === 'definitions' ? definitions(v) : v.kind === 'blocks' ? refusedBlocks(v, read) : v.kind === 'receipts' ? receipts(v) : v.kind === 'proofs' ? proofs(v) : v.kind === 'pages' ? pages(v, read) : v.expressions ? expressions(v) : v.kind === 'refused' ? refused(v) : v.kind === 'malformed' ? malformed(v) : v.kind === 'signatures' ? signatures(v) : log(v)

if (process.argv[1]?.endsWith('vectors.js')) {
  for (const path of process.argv.slice(2)) {
    const read = async name => JSON.parse(await readFile(join(dirname(path), name)))
    const differ = await check(await read(basename(path)), read)
    console.log(differ.length ? 'DIFFERS' : 'equal', path, ...differ.map(d => '\n  ' + d))
    if (differ.length) process.exitCode = 1
  }
}
