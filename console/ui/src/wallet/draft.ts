// The bank's paper: a draft of the wallet's registration, or of a new key for one whose key was lost. The bank has signed it, and the
// key of this device has to sign it as well.

import { RuleError, hex, same, unhex } from "../ledger/bytes";
import type { Value } from "../ledger/cbor";
import type { Signer } from "../ledger/sign";
import { ROLE, type Witness, digest, encodeTransaction, signatureOf, transactionId } from "../ledger/transaction";
import { amountOf, parse } from "../json";

const MOST_CHARACTERS = 64_000;

type Json = Record<string, unknown>;

function object(value: unknown, field: string): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new RuleError("draft-form", field, "want an object");
  return value as Json;
}

function keyOf(value: unknown, field: string): Uint8Array {
  if (typeof value !== "string" || !value.startsWith("ed25519:")) throw new RuleError("draft-form", field, "want ed25519: and 64 hexadecimal digits");
  return unhex(`01${value.slice(8)}`, 33, field);
}

/** The registration's body, as the ledger writes it. */
function registerBody(transaction: Json): readonly Value[] {
  const b = object(transaction.body, "transaction.body");
  const attributes = b.attributes === undefined ? {} : object(b.attributes, "attributes");
  return [
    4n,
    amountOf(transaction.valid_until),
    unhex(String(b.registrar), 16, "registrar"),
    amountOf(b.sequence),
    keyOf(b.key, "key"),
    b.recovery === undefined ? null : keyOf(b.recovery, "recovery"),
    amountOf(b.tier),
    [amountOf(attributes.category ?? 0), String(attributes.region ?? ""), String(attributes.role ?? "")],
  ];
}

/** The body of a new key that a bank asks for. One that brings a recovery key as well would leave the wallet to whoever has that. */
function rekeyBodyOf(transaction: Json): readonly Value[] {
  const b = object(transaction.body, "transaction.body");
  if (b.by !== "intermediary") throw new RuleError("draft-kind", "by", "it is not asked for by the bank");
  if (b.recovery !== undefined) throw new RuleError("draft-recovery", "recovery", "it names a recovery key");
  return [6n, amountOf(transaction.valid_until), unhex(String(b.wallet), 16, "wallet"), amountOf(b.version), BigInt(ROLE.intermediary), keyOf(b.key, "key"), null];
}

const PAPERS = {
  register: { body: registerBody, keyAt: 4 },
  rekey: { body: rekeyBodyOf, keyAt: 5 },
} as const;

export interface Paper {
  readonly kind: keyof typeof PAPERS;
  readonly wallet: string;
  readonly bytes: Uint8Array;
}

/** Signs a bank's paper for this key on this network, and nothing else. */
export async function signPaper(text: string, network: Uint8Array, signer: Signer): Promise<Paper> {
  if (text.length > MOST_CHARACTERS) throw new RuleError("draft-form", "draft", "it is too long");
  let draft: Json;
  try {
    draft = object(parse(text), "draft");
  } catch {
    throw new RuleError("draft-form", "draft", "it is no JSON object");
  }
  if (typeof draft.network !== "string" || draft.transaction === undefined) throw new RuleError("draft-form", "draft", "want a network and a transaction");
  if (draft.network !== hex(network)) throw new RuleError("draft-network", "network", "it is for another network");
  const transaction = object(draft.transaction, "transaction");
  const kind = transaction.kind as keyof typeof PAPERS;
  if (typeof kind !== "string" || !Object.hasOwn(PAPERS, kind)) throw new RuleError("draft-kind", "kind", "it is neither a registration of a wallet nor a new key for one");
  const { body: bodyOf, keyAt } = PAPERS[kind];
  let body: readonly Value[];
  try {
    body = bodyOf(transaction);
  } catch (error) {
    if (error instanceof RuleError) throw error;
    throw new RuleError("draft-form", "transaction.body", "a number is none");
  }
  if (!same(body[keyAt] as Uint8Array, signer.publicKey)) throw new RuleError("draft-key", "key", "it is for another wallet's key");
  const id = await transactionId(body);
  const witnesses: Witness[] = (Array.isArray(transaction.witnesses) ? transaction.witnesses : []).map((w: unknown) => {
    const { role, index, signature } = object(w, "witnesses");
    return { role: ROLE[role as keyof typeof ROLE] ?? 0, index: Number(index ?? 0), signature: unhex(String(signature), 65, "signature") };
  });
  const own = witnesses.filter((w) => w.role !== ROLE.possession || w.index !== 0);
  own.push({ role: ROLE.possession, index: 0, signature: signatureOf(await signer.sign(await digest(network, id, ROLE.possession))) });
  own.sort((a, b) => a.role - b.role || a.index - b.index);
  return { kind, wallet: hex(kind === "register" ? id.slice(0, 16) : (body[2] as Uint8Array)), bytes: encodeTransaction(body, own) };
}
