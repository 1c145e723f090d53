// Replays the vectors of the ledger: node verify/js/vectors.js testdata/vectors/ledger.json …
import {readFile} from 'node:fs/promises'
import {Ledger} from './ledger.js'
import {hex, unhex} from './bytes.js'

export function replay(vector) {
  const ledger = new Ledger()
  for (const b of vector.blocks) {
    if (hex(ledger.tree.root()) !== b.rootBefore) throw new Error('root before block')
    ledger.block(b.entries.map(unhex))
  }
  return {network: hex(ledger.network), size: ledger.tree.size, root: hex(ledger.tree.root()), stateRoot: ledger.stateRoot()}
}
if (process.argv[1]?.endsWith('vectors.js')) {
  for (const path of process.argv.slice(2)) {
    const v = JSON.parse(await readFile(path)), got = replay(v)
    const ok = got.network === v.network && got.size === v.size && got.root === v.root && got.stateRoot === v.snapshotRoot
    console.log(path, ok ? 'equal' : 'DIFFERS', got.root, got.stateRoot)
    if (!ok) process.exitCode = 1
  }
}
