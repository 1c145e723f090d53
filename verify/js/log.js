// Replays a log from where anybody may read it, and compares it with its checkpoint: node verify/js/log.js ORIGIN-URL|FOLDER [--network ID] [--access TOKEN].
// Of a URL or folder only what C2SP tlog-tiles names is asked for: checkpoint and tile/entries. The log's key is the one that its own
// genesis names; that this genesis is the network's says its id, which comes from elsewhere.
import {readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {Ledger} from './ledger.js'
import {readEntry} from './form.js'
import {checkpoint, keyOf} from './note.js'
import {equal, hex} from './bytes.js'

const options = {}, places = []
for (let a = process.argv.slice(2); a.length;) { const x = a.shift(); if (x.startsWith('--')) options[x.slice(2)] = a.shift(); else places.push(x) }
const [place] = places, remote = /^https?:/.test(place ?? '')
if (!place) { console.error('usage: node verify/js/log.js URL|FOLDER [--network ID] [--access TOKEN]'); process.exit(2) }
async function read(name) {
  if (!remote) return new Uint8Array(await readFile(join(place, name)))
  const answer = await fetch(`${place.replace(/\/$/, '')}/${name}`, {redirect: 'error', headers: options.access ? {Authorization: `Bearer ${options.access}`} : {}})
  if (!answer.ok) throw new Error(`GET /${name}: ${answer.status}`)
  return new Uint8Array(await answer.arrayBuffer())
}
const path = n => { let s = String(n % 1000).padStart(3, '0'); for (n = Math.floor(n / 1000); n > 0; n = Math.floor(n / 1000)) s = `x${String(n % 1000).padStart(3, '0')}/${s}`; return s }
// entries of a log of so many, bundle by bundle.
async function* entries(size) {
  for (let n = 0; n * 256 < size; n++) {
    const width = Math.min(256, size - n * 256), b = await read(`tile/entries/${path(n)}${width < 256 ? `.p/${width}` : ''}`)
    let at = 0
    for (let i = 0; i < width; i++) {
      const length = b[at] << 8 | b[at + 1], entry = b.slice(at + 2, at + 2 + length)
      if (!(length > 0) || entry.length !== length) throw new Error(`bundle ${n} ends within entry ${n * 256 + i}`)
      at += 2 + length
      yield entry
    }
    if (at !== b.length) throw new Error(`bundle ${n} has bytes after its ${width} entries`)
  }
}
try {
  const note = await read('checkpoint'), size = Number(new TextDecoder().decode(note).split('\n')[1])
  const ledger = new Ledger()
  let block = [], genesis, signs = [] // from how many entries on who signs
  const take = () => {
    ledger.block(block); block = []
    const {validators, validatorChanges} = ledger.state.authority
    if (validatorChanges.length > signs.length) signs.push([BigInt(ledger.tree.size), keyOf(genesis.name, validators)])
  }
  for await (const entry of entries(size)) {
    const {leaf} = entry[1] === 0 ? readEntry(entry) : {}
    genesis ??= leaf.genesis
    if (leaf && block.length) take()
    block.push(entry)
  }
  take()
  const of = checkpoint(note, genesis.name, signs.findLast(([after]) => BigInt(size) > after)?.[1] ?? genesis.logKey)
  if (BigInt(ledger.tree.size) !== of.size || !equal(ledger.tree.root(), of.root)) throw new Error(`the entries lead to ${hex(ledger.tree.root())} at ${ledger.tree.size}, the checkpoint says ${hex(of.root)} at ${of.size}`)
  if (options.network && options.network !== hex(ledger.network)) throw new Error(`the log is of network ${hex(ledger.network)}`)
  console.log(JSON.stringify({network: hex(ledger.network), size: Number(of.size), root: hex(of.root), height: Number(ledger.height), state_root: ledger.stateRoot(), compared_with: options.network ? 'the network named' : 'nothing: compare the network id with one from elsewhere'}))
} catch (e) {
  console.error(`not verified: ${e.message}`)
  process.exitCode = 1
}
