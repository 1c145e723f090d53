// Replays vectors and says which differ: node verify/js/vectors.js testdata/vectors/ledger.json testdata/vectors/refused.json …
import {readFile} from 'node:fs/promises'
import {Ledger} from './ledger.js'
import {readTransaction} from './form.js'
import {decode} from './cbor.js'
import {hex, unhex} from './bytes.js'
import {verify} from './ed25519.js'

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
    if (got !== c.code && !(v.unchecked ?? []).includes(c.code)) differ.push(`${c.rule}: ${got || 'executed'}, want ${c.code || 'executed'}`)
  }
  return differ
}
export const signatures = v => v.cases.filter(c => verify(unhex(c.key), unhex(c.message), unhex(c.signature)) !== c.zip215).map(c => c.about)
export const check = v => v.kind === 'refused' ? refused(v) : v.kind === 'signatures' ? signatures(v) : log(v)

if (process.argv[1]?.endsWith('vectors.js')) {
  for (const path of process.argv.slice(2)) {
    const differ = check(JSON.parse(await readFile(path)))
    console.log(differ.length ? 'DIFFERS' : 'equal', path, ...differ.map(d => '\n  ' + d))
    if (differ.length) process.exitCode = 1
  }
}
