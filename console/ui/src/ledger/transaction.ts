// Transactions: their bytes, ids, and what is signed. See docs/FORMATS.md.

import { type Bytes, RuleError, concat, sha256, utf8 } from "./bytes";
import { type Kind, checkBody } from "./body";
import { type Value, decode, encode } from "./cbor";

/** By what right somebody signs. */
export const ROLE = { root: 1, issue: 2, policy: 3, enforcement: 4, intermediary: 5, receiver: 6, wallet: 7, recovery: 8, possession: 9, agency: 10 } as const;

const MOST_BYTES = 65_000;

export interface Witness {
  readonly role: number;
  readonly index: number;
  readonly signature: Uint8Array; // 65 bytes: algorithm and signature
}

export interface Transaction {
  readonly kind: Kind;
  readonly body: readonly Value[]; // kind, valid until, and the items of the kind
  readonly witnesses: readonly Witness[];
}

/** An item of a body by its name. */
export function item(tx: Transaction, name: string): Value {
  const at = tx.kind.items.findIndex(([n]) => n === name);
  if (at < 0) throw new Error(`${tx.kind.name} has no ${name}`);
  return tx.body[2 + at]!;
}

function checkWitnesses(witnesses: readonly Witness[]): void {
  let last = -1;
  for (const [i, w] of witnesses.entries()) {
    if (w.role < 1 || w.role > 10 || w.index < 0 || w.index > 4095) throw new RuleError("out-of-range", `witnesses[${i}]`, "no such role or index");
    if (w.signature.length !== 65 || w.signature[0] !== 1) throw new RuleError("unknown-algorithm", `witnesses[${i}].signature`, "want 65 bytes of algorithm 1");
    const order = w.role * 4096 + w.index;
    if (order <= last) throw new RuleError("not-canonical", `witnesses[${i}]`, "want them in ascending order, each once");
    last = order;
  }
}

export function encodeBody(body: readonly Value[]): Bytes {
  checkBody(body);
  return encode(body);
}

export function encodeTransaction(body: readonly Value[], witnesses: readonly Witness[]): Bytes {
  checkBody(body);
  checkWitnesses(witnesses);
  const bytes = encode([body, witnesses.map((w) => [BigInt(w.role), BigInt(w.index), w.signature])]);
  if (bytes.length > MOST_BYTES) throw new RuleError("too-long", "transaction", `want at most ${MOST_BYTES} bytes`);
  return bytes;
}

/** Reads a transaction; whatever is not in its one form is refused. */
export function decodeTransaction(bytes: Uint8Array): Transaction {
  if (bytes.length > MOST_BYTES) throw new RuleError("too-long", "transaction", `want at most ${MOST_BYTES} bytes`);
  const value = decode(bytes);
  if (!Array.isArray(value) || value.length !== 2 || !Array.isArray(value[1])) throw new RuleError("wrong-type", "transaction", "want a body and its witnesses");
  const body = value[0] as Value;
  const kind = checkBody(body);
  const witnesses = value[1].map((w: Value, i: number): Witness => {
    if (!Array.isArray(w) || w.length !== 3 || typeof w[0] !== "bigint" || typeof w[1] !== "bigint" || !(w[2] instanceof Uint8Array)) {
      throw new RuleError("wrong-type", `witnesses[${i}]`, "want role, index and signature");
    }
    return { role: Number(w[0]), index: Number(w[1]), signature: w[2] };
  });
  checkWitnesses(witnesses);
  return { kind, body: body as readonly Value[], witnesses };
}

export function transactionId(body: readonly Value[]): Promise<Bytes> {
  return sha256(encodeBody(body));
}

/** The id of an output: of the transaction's id and its place. */
export function outputId(transaction: Uint8Array, place: number): Promise<Bytes> {
  return sha256(transaction, Uint8Array.of(place >> 8, place & 255));
}

/** What a role's key signs of a transaction. */
export function digest(network: Uint8Array, transaction: Uint8Array, role: number): Promise<Bytes> {
  return sha256(utf8("aqsha sign v1\0"), network, transaction, Uint8Array.of(role));
}

/** What a wallet's key signs to open a session at an origin. */
export async function sessionDigest(network: Uint8Array, wallet: Uint8Array, origin: string, challenge: Uint8Array): Promise<Bytes> {
  return sha256(utf8("aqsha session v1\0"), network, wallet, await sha256(utf8(origin)), challenge);
}

/** What a key signs to learn which wallets it opens. */
export async function keyDigest(network: Uint8Array, key: Uint8Array, origin: string, challenge: Uint8Array): Promise<Bytes> {
  return sha256(utf8("aqsha key v1\0"), network, key, await sha256(utf8(origin)), challenge);
}

/** What a wallet's key signs to let a device with no key of it read what it is paid, until a time. */
export async function delegationDigest(network: Uint8Array, wallet: Uint8Array, origin: string, challenge: Uint8Array, until: bigint, name: string): Promise<Bytes> {
  const end = new Uint8Array(8);
  new DataView(end.buffer).setBigUint64(0, until);
  return sha256(utf8("aqsha delegation v1\0"), network, wallet, await sha256(utf8(origin)), challenge, end, await sha256(utf8(name)));
}

/** What a key signs to ask a bank for a wallet. */
export async function applicationDigest(network: Uint8Array, bank: Uint8Array, key: Uint8Array, name: string): Promise<Bytes> {
  return sha256(utf8("aqsha application v1\0"), network, bank, key, await sha256(utf8(name)));
}

/** What a signer's key signs who does not sign a draft. */
export async function refusalDigest(network: Uint8Array, transaction: Uint8Array, reason: string): Promise<Bytes> {
  return sha256(utf8("aqsha draft refusal v1\0"), network, transaction, await sha256(utf8(reason)));
}

/** Plain tenge of one payer to one payee, with what is left back to the payer. */
export interface Payment {
  readonly payer: Uint8Array;
  readonly payee: Uint8Array;
  readonly inputs: readonly Uint8Array[];
  readonly total: bigint; // of the inputs, in tiyn
  readonly amount: bigint;
  readonly memo: string;
  readonly validUntil: bigint; // Unix milliseconds
}

export function transferBody(p: Payment): readonly Value[] {
  const rest = p.total - p.amount;
  if (p.amount <= 0n || rest < 0n) throw new RuleError("out-of-range", "amount", "want more than 0, and no more than the tokens have");
  const outputs: Value[] = [[1n, p.amount]];
  if (rest > 0n) outputs.push([0n, rest]);
  const memo: Value = p.memo === "" ? null : [1n, utf8(p.memo)];
  return [1n, p.validUntil, [p.payer, p.payee], 1n, [...p.inputs], outputs, memo];
}

/** A payment of a purpose's money; what it becomes, 0 for plain tenge, is what the payer signs. Change keeps the mark. */
export function markedBody(p: Payment & { readonly purpose: number; readonly becomes: number }): readonly Value[] {
  const rest = p.total - p.amount;
  if (p.amount <= 0n || rest < 0n) throw new RuleError("out-of-range", "amount", "want more than 0, and no more than the tokens have");
  const from = BigInt(p.purpose);
  const outputs: Value[] = [[1n, p.amount, from, BigInt(p.becomes)]];
  if (rest > 0n) outputs.push([0n, rest, from, from]);
  const memo: Value = p.memo === "" ? null : [1n, utf8(p.memo)];
  return [21n, p.validUntil, [p.payer, p.payee], [...p.inputs], outputs, null, memo];
}

/** Tokens of a purpose made into one, which keeps the mark. */
export function markedMergeBody(payer: Uint8Array, inputs: readonly Uint8Array[], total: bigint, purpose: number, validUntil: bigint): readonly Value[] {
  return [21n, validUntil, [payer], [...inputs], [[0n, total, BigInt(purpose), BigInt(purpose)]], null, null];
}

/** Tokens of a wallet made into one: a payment to itself. */
export function mergeBody(payer: Uint8Array, inputs: readonly Uint8Array[], total: bigint, validUntil: bigint): readonly Value[] {
  return [1n, validUntil, [payer], 1n, [...inputs], [[0n, total]], null];
}

export function signatureOf(raw: Uint8Array): Bytes {
  return concat(Uint8Array.of(1), raw);
}

/** A new key for a wallet, asked for by who holds its present key or its recovery key; without a recovery key that stays as it is. */
export function rekeyBody(wallet: Uint8Array, version: bigint, by: number, key: Uint8Array, validUntil: bigint, recovery?: Uint8Array): readonly Value[] {
  return [6n, validUntil, wallet, version, BigInt(by), key, recovery ?? null];
}

/** Takes back a new key, or a closing, that waits. */
export function cancelRekeyBody(wallet: Uint8Array, version: bigint, validUntil: bigint): readonly Value[] {
  return [7n, validUntil, wallet, version];
}

/** An action of a contract that takes neither values nor money. */
export function actBody(contract: Uint8Array, version: bigint, action: string, caller: Uint8Array, assets: number, validUntil: bigint): readonly Value[] {
  return [24n, validUntil, contract, version, action, caller, [], [], Array<bigint>(assets).fill(0n), null];
}
