// @vitest-environment node
// The project's vectors, which the ledger's own code made: bytes, ids, digests and signatures agree, both ways.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { hex, unhex } from "./bytes";
import { encode } from "./cbor";
import { ROLE, decodeTransaction, digest, encodeTransaction, outputId, signatureOf, transactionId } from "./transaction";
import { signerOf, verify } from "./sign";

interface TransactionVector {
  kind: string;
  body: string;
  id: string;
  bytes: string;
  outputs?: string[];
  witnesses: { role: keyof typeof ROLE; index: number; seed: string; publicKey: string; digest: string; signature: string }[];
}

const files = ["ledger.json", "ledger-2.json", "ledger-3.json", "ledger-4.json"];

describe.each(files)("%s", (file) => {
  const vectors = JSON.parse(readFileSync(new URL(`../../../../testdata/vectors/${file}`, import.meta.url), "utf8")) as { network: string; transactions: TransactionVector[] };
  const network = unhex(vectors.network);

  it.each(vectors.transactions.map((t, i) => [`${i} ${t.kind}`, t] as const))("%s", async (_, vector) => {
    const tx = decodeTransaction(unhex(vector.bytes));
    expect(tx.kind.name).toBe(vector.kind);
    expect(hex(encode(tx.body))).toBe(vector.body);
    expect(hex(encodeTransaction(tx.body, tx.witnesses))).toBe(vector.bytes);
    const id = await transactionId(tx.body);
    expect(hex(id)).toBe(vector.id);
    for (const [i, output] of (vector.outputs ?? []).entries()) expect(hex(await outputId(id, i))).toBe(output);
    expect(tx.witnesses.length).toBe(vector.witnesses.length);
    for (const [i, w] of vector.witnesses.entries()) {
      const signed = await digest(network, id, ROLE[w.role]);
      expect(hex(signed)).toBe(w.digest);
      expect(await verify(unhex(w.publicKey.replace("ed25519:", "01")), signed, tx.witnesses[i]!.signature)).toBe(true);
      const signer = await signerOf(unhex(w.seed));
      expect(`ed25519:${hex(signer.publicKey).slice(2)}`).toBe(w.publicKey);
      expect(hex(signatureOf(await signer.sign(signed)))).toBe(w.signature);
    }
  });

  it("refuses each transaction with any byte changed in its form, or signs something else", async () => {
    for (const vector of vectors.transactions.slice(0, 12)) {
      const bytes = unhex(vector.bytes);
      for (let at = 0; at < bytes.length; at++) {
        const changed = bytes.slice();
        changed[at] = changed[at]! ^ (1 << at % 8);
        let again: Uint8Array;
        try {
          const tx = decodeTransaction(changed);
          again = encodeTransaction(tx.body, tx.witnesses);
        } catch {
          continue;
        }
        expect(hex(again)).toBe(hex(changed));
      }
    }
  });
});
