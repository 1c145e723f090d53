// Pays through the client that @hey-api/openapi-ts made of the node's description: a session by the wallet's key, tokens set
// aside, a payment encoded and signed as docs/FORMATS.md says, its receipt, and what the payer has left.
import {createHash, createPrivateKey, sign} from 'node:crypto'
import {client} from './client/client.gen'
import {getTransaction, getWallet, makeChallenge, openSession, selectTokens, submitTransactions} from './client'
import type {Receipt, TransactionTransfer, Transfer} from './client'

const setting = (name: string): string => process.env[name] ?? (() => { throw new Error(`${name} is not set`) })()
const node = setting('AQSHA_NODE'), wallet = setting('AQSHA_WALLET'), to = setting('AQSHA_TO'), amount = BigInt(setting('AQSHA_AMOUNT'))

// JSON.parse makes doubles of numbers, and the generated client's bigints come too late: so long numbers are put in quotes before it
// (what is generated reads them from texts too), and bigints are written as the numbers they are.
client.interceptors.response.use(async answer =>
	answer.headers.get('Content-Type')?.includes('json')
		? new Response((await answer.text()).replace(/"(?:[^"\\]|\\.)*"|-?\d{16,}/g, part => part[0] === '"' ? part : `"${part}"`), answer)
		: answer)
const written = (value: unknown): string =>
	typeof value === 'bigint' ? String(value)
	: Array.isArray(value) ? `[${value.map(written)}]`
	: value !== null && typeof value === 'object' ? `{${Object.entries(value).filter(([, v]) => v !== undefined).map(([k, v]) => `${JSON.stringify(k)}:${written(v)}`)}}`
	: JSON.stringify(value)
client.setConfig({baseUrl: node, throwOnError: true, bodySerializer: written})

// CBOR, deterministic (RFC 8949 section 4.2.1), of the types that a transfer has.
type Item = bigint | Buffer | null | Item[]
const head = (major: number, n: bigint): Buffer => {
	if (n < 24n) return Buffer.of(major << 5 | Number(n))
	const bytes = n < 1n << 8n ? 1 : n < 1n << 16n ? 2 : n < 1n << 32n ? 4 : 8
	return Buffer.from((major << 5 | 24 + Math.log2(bytes)).toString(16) + n.toString(16).padStart(2 * bytes, '0'), 'hex')
}
const encode = (item: Item): Buffer =>
	item === null ? Buffer.of(0xf6)
	: typeof item === 'bigint' ? head(0, item)
	: Buffer.isBuffer(item) ? Buffer.concat([head(2, BigInt(item.length)), item])
	: Buffer.concat([head(4, BigInt(item.length)), ...item.map(encode)])

const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex')
const sha256 = (...parts: (Buffer | string)[]): Buffer => parts.reduce((h, p) => h.update(p), createHash('sha256')).digest()
const key = createPrivateKey({key: Buffer.concat([bytes('302e020100300506032b657004220420'), bytes(setting('AQSHA_SEED'))]), format: 'der', type: 'pkcs8'})
const signed = (digest: Buffer): string => '01' + sign(null, digest, key).toString('hex')

async function main(): Promise<void> {
	const {data: challenge} = await makeChallenge({body: {wallet}, throwOnError: true})
	const origin = new URL(node).origin
	const {data: session} = await openSession({throwOnError: true, body: {wallet, origin, challenge: challenge.challenge,
		signature: signed(sha256('aqsha session v1\0', bytes(challenge.network), bytes(wallet), sha256(origin), bytes(challenge.challenge)))}})
	client.setConfig({auth: session.token})
	const {data: before} = await getWallet({path: {id: wallet}, throwOnError: true})

	const {data: selection} = await selectTokens({path: {id: wallet}, body: {amount}, throwOnError: true})
	const outputs = [{party: 1n, amount}]
	if (selection.total > amount) outputs.push({party: 0n, amount: selection.total - amount})
	const body: Transfer = {parties: [wallet, to], payers: 1n, inputs: selection.tokens.map(t => t.id), outputs}
	const until = selection.time_millis + 60_000n
	const id = sha256(encode([1n, until, body.parties.map(bytes), body.payers, body.inputs.map(bytes), outputs.map(o => [o.party, o.amount]), null]))
	const transaction: TransactionTransfer = {kind: 'transfer', valid_until: until, body, id: id.toString('hex'),
		witnesses: [{role: 'wallet', index: 0, signature: signed(sha256('aqsha sign v1\0', bytes(selection.network), id, Buffer.of(7)))}]}
	const receipt = (await submitTransactions({body: transaction, throwOnError: true})).data as Receipt

	const {data: executed} = await getTransaction({path: {id: transaction.id!}, throwOnError: true})
	const {data: after} = await getWallet({path: {id: wallet}, throwOnError: true})
	process.stdout.write(written({id: transaction.id, entry: receipt.index, executed: executed.transaction.id, paid: amount, before: before.balance, after: after.balance}) + '\n')
}

main().catch(error => { console.error(error); process.exit(1) })
