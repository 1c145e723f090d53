// Payments that several sign: what one does is read from its bytes, whose id is computed here, never from what the node says of it.

import { plain } from "../json";
import { type Bytes, RuleError, hex, unhex } from "../ledger/bytes";
import type { Signer } from "../ledger/sign";
import { ROLE, decodeTransaction, digest, item, signatureOf, transactionId } from "../ledger/transaction";
import type { DraftLine } from "./client";

/** What a payment of several payers does for one of them. */
export interface Shared {
  readonly id: Bytes;
  readonly index: number; // of the wallet among the payers
  readonly signed: boolean; // by the wallet already
  readonly payers: readonly string[];
  readonly gets: readonly { readonly wallet: string; readonly amount: bigint }[]; // but the payers
  readonly back: bigint; // to the wallet
  readonly inputs: readonly string[]; // tokens, of all payers
  readonly memo: string;
  readonly validUntil: number; // Unix milliseconds
}

/** Reads a draft for a wallet. What this page cannot say, or what is not what its number says, is refused. */
export async function readShared(draft: DraftLine, wallet: string): Promise<Shared> {
  const tx = decodeTransaction(unhex(draft.encoded));
  const id = await transactionId(tx.body);
  if (hex(id) !== draft.id) throw new RuleError("draft-form", "id", "the node shows another payment than it names");
  if (tx.kind.name !== "transfer") throw new RuleError("draft-kind", "kind", "it is no payment of plain money");
  const parties = (item(tx, "parties") as Uint8Array[]).map((p) => hex(p));
  const payers = parties.slice(0, Number(item(tx, "payers")));
  const index = payers.indexOf(wallet);
  if (index < 0) throw new RuleError("draft-key", "parties", "this wallet does not sign it");
  const gets = new Map<string, bigint>();
  for (const o of item(tx, "outputs") as bigint[][]) {
    const to = parties[Number(o[0])]!;
    gets.set(to, (gets.get(to) ?? 0n) + o[1]!);
  }
  const memo = item(tx, "memo") as [bigint, Uint8Array] | null;
  return {
    id,
    index,
    signed: tx.witnesses.some((w) => w.role === ROLE.wallet && w.index === index),
    payers,
    gets: [...gets].filter(([to]) => !payers.includes(to)).map(([to, amount]) => ({ wallet: to, amount })),
    back: gets.get(wallet) ?? 0n,
    inputs: (item(tx, "inputs") as Uint8Array[]).map((i) => hex(i)),
    memo: memo?.[0] === 1n ? plain(new TextDecoder().decode(memo[1])) : "",
    validUntil: Number(tx.body[1]),
  };
}

/** How much leaves a wallet by it: its own tokens less what comes back. Undefined when a token of it is not known here. */
export function leaves(shared: Shared, own: ReadonlyMap<string, bigint>): bigint | undefined {
  const brought = shared.inputs.reduce((sum, i) => sum + (own.get(i) ?? 0n), 0n);
  const left = brought - shared.back;
  return left >= 0n ? left : undefined;
}

/** The wallet's signature for it. */
export async function signShared(shared: Shared, network: Uint8Array, signer: Signer): Promise<{ role: string; index: number; signature: string }> {
  return { role: "wallet", index: shared.index, signature: hex(signatureOf(await signer.sign(await digest(network, shared.id, ROLE.wallet)))) };
}
