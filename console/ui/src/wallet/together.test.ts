// @vitest-environment node
// A payment that several sign: what is shown is what is signed.

import { describe, expect, it } from "vitest";
import { hex, unhex } from "../ledger/bytes";
import { signerOf } from "../ledger/sign";
import { ROLE, digest, encodeTransaction, signatureOf, transactionId } from "../ledger/transaction";
import type { Value } from "../ledger/cbor";
import { leaves, readShared, signShared } from "./together";

const network = new Uint8Array(32).fill(7);
const [own, friend, shop] = ["aa", "bb", "cc"].map((two) => two.repeat(16)) as [string, string, string];
const [mine, theirs] = ["11".repeat(32), "22".repeat(32)] as [string, string];
const body = (outputs: Value): readonly Value[] => [1n, 1_900_000_000_000n, [unhex(own, 16), unhex(friend, 16), unhex(shop, 16)], 2n, [unhex(mine, 32), unhex(theirs, 32)], outputs, [1n, new TextEncoder().encode("сыйлық")]];

async function draftOf(b: readonly Value[], signedBy?: number) {
  const id = await transactionId(b);
  const key = await signerOf(new Uint8Array(32).fill(9));
  const witnesses = signedBy === undefined ? [] : [{ role: ROLE.wallet, index: signedBy, signature: signatureOf(await key.sign(await digest(network, id, ROLE.wallet))) }];
  return { id: hex(id), encoded: hex(encodeTransaction(b, witnesses)), state: "waiting", reasons: [] };
}

describe("a payment of several", () => {
  const outputs: Value = [[2n, 300n], [0n, 900n], [1n, 50n], [2n, 5n]];

  it("says who gets what and how much leaves this wallet, and is signed at this wallet's place", async () => {
    const shared = await readShared(await draftOf(body(outputs), 1), own);
    expect(shared).toMatchObject({ index: 0, signed: false, payers: [own, friend], gets: [{ wallet: shop, amount: 305n }], back: 900n, memo: "сыйлық", validUntil: 1_900_000_000_000 });
    expect(leaves(shared, new Map([[mine, 1000n]]))).toBe(100n);
    expect(leaves(shared, new Map())).toBeUndefined(); // what this wallet brings is not known
    const key = await signerOf(new Uint8Array(32).fill(9));
    expect(await signShared(shared, network, key)).toEqual({ role: "wallet", index: 0, signature: hex(signatureOf(await key.sign(await digest(network, shared.id, ROLE.wallet)))) });
    expect((await readShared(await draftOf(body(outputs), 0), own)).signed).toBe(true);
    expect((await readShared(await draftOf(body(outputs)), friend)).index).toBe(1);
  });

  it("is not signed when it is another than its number says, another's, or of a kind that this page cannot say", async () => {
    const good = await draftOf(body(outputs));
    const other = await draftOf(body([[2n, 1n], [0n, 1n]]));
    await expect(readShared({ ...good, encoded: other.encoded }, own)).rejects.toThrow("draft-form");
    await expect(readShared(good, shop)).rejects.toThrow("draft-key");
    await expect(readShared({ ...good, encoded: "00" }, own)).rejects.toThrow();
    await expect(readShared(await draftOf([7n, 1_900_000_000_000n, unhex(own, 16), 1n]), own)).rejects.toThrow("draft-kind");
  });
});
