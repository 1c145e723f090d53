// Judges blocks for another program, a line of JSON each on standard input and output. {"log": [[entry, …], …]} sets the log, entries in
// hexadecimal; {"at": n, "block": [entry, …]} asks whether the block could follow the log's first n blocks. The answer is
// {"code": ""} and the state's root after it, or the code of the refusal. {"definition": hexadecimal, "rules": n} asks whether a definition could
// be registered, and {"purpose": {"mark": text, "permits": [text, …]}, "rules": n} whether a purpose's rules could: the answer has what they cost.
import {createInterface} from 'node:readline'
import {Ledger} from './ledger.js'
import {Tree} from './tree.js'
import {State} from './state.js'
import {unhex} from './bytes.js'
import {judged} from './vectors.js'

// copy is a ledger of its own, with the same blocks behind it.
function copy(l) {
  const c = new Ledger(), data = structuredClone({...l.state}), tree = structuredClone({...l.tree})
  Object.assign(c, {height: l.height, time: l.time, network: l.network, leaf: l.leaf, genesis: l.genesis})
  c.state = Object.assign(new State(), data); c.tree = Object.assign(new Tree(), tree)
  return c
}
let heights = []
function answer(asked) {
  if (asked.log) {
    const ledger = new Ledger()
    heights = [copy(ledger)]
    for (const block of asked.log) { ledger.block(block.map(unhex)); heights.push(copy(ledger)) }
    return {code: '', root: ledger.stateRoot()}
  }
  if (asked.rules) return judged(asked)
  const ledger = copy(heights[asked.at])
  try { ledger.block(asked.block.map(unhex)); return {code: '', root: ledger.stateRoot()} } catch (e) { return e.code ? {code: e.code} : {code: 'broken', what: String(e.stack)} }
}
for await (const line of createInterface({input: process.stdin})) process.stdout.write(JSON.stringify(answer(JSON.parse(line))) + '\n')
