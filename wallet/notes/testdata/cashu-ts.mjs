// Plays cashu-ts, unmodified, against a running office: env MINT (its URL), PAY (posting a quote's request pays it),
// TOKEN and REQUESTS and FRAMES (of our wallet). Prints one line of JSON at the end; fails with an exception.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { registerHooks } from 'node:module'
import {
  Wallet, P2PKBuilder, getEncodedToken, createRandomSecretKey, getPubKeyFromPrivKey, createHTLCHash, decodePaymentRequest, PaymentRequest,
} from '@cashu/cashu-ts'

// bc-ur is made for bundlers: it requires cborg, which only lets itself be imported.
registerHooks({ resolve: (name, context, next) => next(name === 'cborg' ? new URL('./node_modules/cborg/cborg.js', import.meta.url).pathname : name, context) })
const bcur = (await import('@gandlaf21/bc-ur')).default

const hex = b => Buffer.from(b).toString('hex')
const seed = createHash('sha512').update('seed').digest()
const options = { unit: 'kzt', bip39seed: new Uint8Array(seed), requireSigDleq: true }
const wallet = new Wallet(process.env.MINT, options)
await wallet.loadMint()
const num = a => Number(a.toString())
const sum = proofs => proofs.reduce((s, p) => s + num(p.amount), 0)
const pay = async request => assert.equal((await fetch(process.env.PAY, { method: 'POST', body: request })).status, 200)
const refused = async (promise, code) => {
  await assert.rejects(promise, e => { assert.equal(e.code, code, `${e.code} ${e.message}`); return true })
}
const done = []

// mint
let quote = await wallet.createMintQuote('aqsha', { amount: 123456, unit: 'kzt' })
await refused(wallet.mintProofs('aqsha', 123456, quote), 20001)
await pay(quote.request)
quote = await wallet.checkMintQuote('aqsha', quote.quote)
assert.equal(quote.state, 'PAID')
let proofs = await wallet.mintProofs('aqsha', 123456, quote)
assert.equal(sum(proofs), 123456)
await refused(wallet.mintProofs('aqsha', 123456, quote), 20002)
done.push('mint')

// send, receive with required proofs, the same again
let { keep, send } = await wallet.send(1250, proofs)
const other = new Wallet(process.env.MINT, { ...options, bip39seed: new Uint8Array(createHash('sha512').update('other').digest()) })
await other.loadMint()
const token = getEncodedToken({ mint: process.env.MINT, proofs: send, unit: 'kzt' })
let theirs = await other.receive(token, { requireDleq: true })
assert.equal(sum(theirs), 1250)
await refused(other.receive(token), 11001)
proofs = keep
done.push('send', 'receive')

// states
const states = await wallet.checkProofsStates([send[0], proofs[0]])
assert.deepEqual(states.map(s => s.state), ['SPENT', 'UNSPENT'])
done.push('states')

// WebSocket
const seen = []
const watched = theirs[0]
await new Promise(async (resolve, reject) => {
  const timer = setTimeout(() => reject(new Error(`states seen: ${seen}`)), 20000)
  const cancel = await other.on.proofStateUpdates([watched], p => {
    seen.push(p.state)
    if (p.state === 'SPENT') { clearTimeout(timer); cancel(); resolve() }
  }, reject)
  while (seen.length === 0) await new Promise(r => setTimeout(r, 20))
  theirs = await other.receive(theirs)
})
assert.equal(seen[0], 'UNSPENT')
done.push('websocket')

// P2PK: locked, refused without the key, opened with it; SIG_ALL; blinded key
const key = createRandomSecretKey(), pub = hex(getPubKeyFromPrivKey(key))
for (const [name, lock] of [['p2pk', new P2PKBuilder().addLockPubkey(pub)], ['sig_all', new P2PKBuilder().addLockPubkey(pub).sigAll()],
  ['p2bk', new P2PKBuilder().addLockPubkey(pub).blindKeys()]]) {
  ({ keep, send } = await wallet.send(500, proofs, {}, { send: { type: 'p2pk', options: lock.toOptions() } }))
  proofs = keep
  await assert.rejects(other.receive(send))
  theirs = theirs.concat(await other.receive(send, { privkey: hex(key) }))
  done.push(name)
}
// 2 of 2
const second = createRandomSecretKey()
const both = new P2PKBuilder().addLockPubkey([pub, hex(getPubKeyFromPrivKey(second))]).requireLockSignatures(2).toOptions();
({ keep, send } = await wallet.send(200, proofs, {}, { send: { type: 'p2pk', options: both } }))
proofs = keep
await assert.rejects(other.receive(send, { privkey: hex(key) }))
theirs = theirs.concat(await other.receive(send, { privkey: [hex(key), hex(second)] }))
done.push('2-of-2')

// HTLC
const { hash, preimage } = createHTLCHash();
({ keep, send } = await wallet.send(100, proofs, {}, { send: { type: 'p2pk', options: new P2PKBuilder().addLockPubkey(pub).addHashlock(hash).toOptions() } }))
proofs = keep
await assert.rejects(other.receive(send, { privkey: hex(key) }))
theirs = theirs.concat(await other.receive(send.map(p => ({ ...p, witness: { preimage, signatures: [] } })), { privkey: hex(key) }))
done.push('htlc')

// melt with change
const payee = 'b'.repeat(32)
const melt = await wallet.createMeltQuote('aqsha', { unit: 'kzt', request: `aqsha:${payee}?amount=333.33&memo=lunch` })
assert.equal(num(melt.amount), 33333)
const before = sum(proofs)
const paid = await wallet.meltProofs('aqsha', melt, proofs)
assert.equal(paid.quote.state, 'PAID')
proofs = paid.change
assert.equal(sum(proofs), before - 33333)
await refused(wallet.meltProofs('aqsha', melt, proofs), 20006)
done.push('melt')

// NUT-20 and NUT-29: a quote with a key; a batch of two
const lockedQuote = await wallet.createMintQuote('aqsha', { amount: 70, unit: 'kzt', pubkey: pub })
await pay(lockedQuote.request)
await assert.rejects(wallet.mintProofs('aqsha', 70, { ...lockedQuote, pubkey: undefined }))
const fromLocked = await wallet.mintProofs('aqsha', 70, lockedQuote, { privkey: hex(key) })
assert.equal(sum(fromLocked), 70)
proofs = proofs.concat(fromLocked)
done.push('nut20')
const q1 = await wallet.createMintQuote('aqsha', { amount: 30, unit: 'kzt' }), q2 = await wallet.createMintQuote('aqsha', { amount: 12, unit: 'kzt' })
await pay(q1.request)
await pay(q2.request)
const batch = await wallet.completeBatchMint(await wallet.prepareBatchMint('aqsha', [{ amount: 30, quote: q1 }, { amount: 12, quote: q2 }]))
assert.equal(sum(batch), 42)
proofs = proofs.concat(batch)
done.push('nut29')

// restore from the seed: exactly what is unspent
const anew = new Wallet(process.env.MINT, options)
await anew.loadMint()
const restored = await anew.groupProofsByState((await anew.batchRestore()).proofs)
assert.equal(sum(restored.unspent), sum(proofs))
done.push('restore')

// across: our wallet's token and requests, and the other way
theirs = theirs.concat(await other.receive(process.env.TOKEN, { requireDleq: true }))
const [a, b] = JSON.parse(process.env.REQUESTS)
for (const text of [a, b]) {
  const r = decodePaymentRequest(text)
  assert.equal(num(r.amount), 777)
  assert.equal(r.unit, 'kzt')
  assert.equal(r.description, 'lunch')
}
done.push('across')

// UR frames, both ways
const decoder = new bcur.URDecoder()
for (const frame of JSON.parse(process.env.FRAMES)) decoder.receivePart(frame)
assert.ok(decoder.isComplete() && decoder.isSuccess())
const whole = Buffer.from(decoder.resultUR().decodeCBOR()).toString()
assert.equal(whole, process.env.TOKEN)
done.push('frames');
({ keep, send } = await wallet.send(777, proofs))
const back = getEncodedToken({ mint: process.env.MINT, proofs: send, unit: 'kzt' })
const encoder = new bcur.UREncoder(bcur.UR.fromBuffer(Buffer.from(back)), 150, 0)
const frames = []
for (let i = 0; i < encoder.fragmentsLength; i++) frames.push(encoder.nextPart())
const request = new PaymentRequest([], 'id', 777, 'kzt', [process.env.MINT], 'lunch', true)
// The WebSocket stays open: whoever has said all ends.
process.stdout.write(JSON.stringify({ done, token: back, frames, creqA: request.toEncodedCreqA(), creqB: request.toEncodedCreqB(), kept: sum(keep) + sum(theirs) }), () => process.exit(0))
