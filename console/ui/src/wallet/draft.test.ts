// @vitest-environment node
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { hex, unhex } from "../ledger/bytes";
import { signerOf } from "../ledger/sign";
import { decodeTransaction, item } from "../ledger/transaction";
import { signPaper } from "./draft";

const vectors = JSON.parse(readFileSync(new URL("../../../../testdata/vectors/ledger-3.json", import.meta.url), "utf8"));
const network = unhex(vectors.network);
const all = vectors.transactions.filter((t: { kind: string; json: { body: { recovery?: string } } }) => t.kind === "register" && !t.json.body.recovery);
const vector = all.find((t: { witnesses: { role: string }[] }) => t.witnesses.some((w) => w.role === "possession"));
const seed = unhex(vector.witnesses.find((w: { role: string }) => w.role === "possession").seed);
const bank = vector.json.witnesses.filter((w: { role: string }) => w.role !== "possession");
const paper = (change: object = {}, transaction: object = {}) => JSON.stringify({ network: vectors.network, transaction: { ...vector.json, witnesses: bank, ...transaction }, ...change });

it("signs a registration as the ledger's own program does", async () => {
  const made = await signPaper(paper(), network, await signerOf(seed));
  expect(hex(made.bytes)).toBe(vector.bytes);
  expect(made.wallet).toBe(vector.id.slice(0, 32));
  expect(decodeTransaction(made.bytes).kind.name).toBe("register");
});

it.each([
  ["draft-network", paper({ network: "00".repeat(32) })],
  ["draft-kind", paper({}, { kind: "transfer" })],
  ["draft-key", paper({}, { body: { ...vector.json.body, key: `ed25519:${"11".repeat(32)}` } })],
  ["draft-form", "[]"],
  ["draft-form", "{"],
  ["draft-form", paper({}, { body: null })],
  ["draft-form", paper({}, { body: { ...vector.json.body, tier: "much" } })],
  ["out-of-range", paper({}, { body: { ...vector.json.body, tier: 256 } })],
])("refuses with %s and signs nothing", async (code, text) => {
  await expect(signPaper(text, network, await signerOf(seed))).rejects.toThrow(code);
});

// A new key that a bank gives to a wallet whose key was lost.
const lost = "0a".repeat(16);
const rekey = (change: object = {}, transaction: object = {}) =>
  JSON.stringify({
    network: vectors.network,
    transaction: { kind: "rekey", valid_until: 1_800_000_000_000, body: { wallet: lost, version: 4, by: "intermediary", key: vector.json.body.key, ...change }, witnesses: [{ role: "intermediary", index: 0, signature: `01${"00".repeat(64)}` }], ...transaction },
  });

it("signs a bank's new key for a wallet, beside the bank's own signature", async () => {
  const made = await signPaper(rekey(), network, await signerOf(seed));
  expect([made.kind, made.wallet]).toEqual(["rekey", lost]);
  const tx = decodeTransaction(made.bytes);
  expect([tx.kind.name, item(tx, "version"), item(tx, "by"), item(tx, "recovery")]).toEqual(["rekey", 4n, 5n, null]);
  expect(tx.witnesses.map((w) => [w.role, w.index])).toEqual([
    [5, 0],
    [9, 0],
  ]);
});

it.each([
  ["draft-recovery", rekey({ recovery: `ed25519:${"11".repeat(32)}` })],
  ["draft-kind", rekey({ by: "recovery" })],
  ["draft-kind", rekey({}, { kind: "toString" })],
  ["draft-key", rekey({ key: `ed25519:${"11".repeat(32)}` })],
  ["wrong-length", rekey({ wallet: "0a" })],
])("refuses a new key with %s and signs nothing", async (code, text) => {
  await expect(signPaper(text, network, await signerOf(seed))).rejects.toThrow(code);
});
