// @vitest-environment node
// What lies with the bank: its form, computed here a second time by Node's own cryptography, and whom it opens to.

import "fake-indexeddb/auto";
import { createDecipheriv, hkdfSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { concat, unhex, utf8 } from "../ledger/bytes";
import { Box } from "./box";
import { type Content, STEP, fromBase64, opened, sealed, toBase64 } from "./backup";
import { Store } from "./store";

const NETWORK = "ab".repeat(32);
const WALLET = "01".repeat(16);
const SEED = new Uint8Array(32).fill(7);
const MOST_TIYN = (1n << 63n) - 1n;

const content: Content = {
  contacts: [{ name: "Дүкен", wallet: "02".repeat(16) }],
  settings: { askAbove: MOST_TIYN },
  asked: [{ reference: "T-7", amount: 500n, made: 3 }],
  payments: [{ id: `waiting-${"0".repeat(32)}`, bytes: "", payee: "02".repeat(16), amount: "500", memo: "нан", made: 1, validUntil: 0, state: "waiting" }],
};

async function keyOf(seed: Uint8Array, network = NETWORK, wallet = WALLET): Promise<CryptoKey> {
  const box = await Box.of(seed, await Store.open("backup"));
  return box.derived(concat(unhex(network), unhex(wallet)), "aqsha wallet backup v1");
}

describe("a backup", () => {
  it("is what the formats say, by a second computation", async () => {
    const box = await sealed(await keyOf(SEED), NETWORK, WALLET, 3, content);
    const salt = concat(unhex(NETWORK), unhex(WALLET));
    const key = new Uint8Array(hkdfSync("sha256", SEED, salt, "aqsha wallet backup v1", 32));
    const cipher = createDecipheriv("aes-256-gcm", key, box.slice(0, 12));
    cipher.setAAD(concat(utf8("aqsha wallet backup v1\0"), salt, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 3)));
    cipher.setAuthTag(box.slice(-16));
    const text = Buffer.concat([cipher.update(box.slice(12, -16)), cipher.final()]).toString();
    expect(text).toContain('"askAbove":9223372036854775807');
    expect(text).toContain('"name":"Дүкен"');
  });

  it("comes back whole, and opens to no other key, network, wallet or version, nor changed", async () => {
    const key = await keyOf(SEED);
    const box = fromBase64(toBase64(await sealed(key, NETWORK, WALLET, 3, content)));
    expect(await opened(key, NETWORK, WALLET, 3, box)).toEqual(content);
    expect(await opened(await keyOf(new Uint8Array(32).fill(8)), NETWORK, WALLET, 3, box)).toBeUndefined();
    expect(await opened(await keyOf(SEED, "cd".repeat(32)), NETWORK, WALLET, 3, box)).toBeUndefined();
    expect(await opened(await keyOf(SEED, NETWORK, "03".repeat(16)), NETWORK, WALLET, 3, box)).toBeUndefined();
    expect(await opened(key, "cd".repeat(32), WALLET, 3, box)).toBeUndefined();
    expect(await opened(key, NETWORK, "03".repeat(16), 3, box)).toBeUndefined();
    expect(await opened(key, NETWORK, WALLET, 4, box)).toBeUndefined();
    for (const at of [0, 11, 12, box.length >> 1, box.length - 1]) {
      const other = box.slice();
      other[at]! ^= 1;
      expect([at, await opened(key, NETWORK, WALLET, 3, other)]).toEqual([at, undefined]);
    }
  });

  it("has sizes in steps, whatever little is in it", async () => {
    const key = await keyOf(SEED);
    const sizes = new Set<number>();
    for (let n = 0; n < 40; n++) sizes.add((await sealed(key, NETWORK, WALLET, 1, { ...content, contacts: Array.from({ length: n }, (_, i) => ({ name: "x".repeat(i), wallet: "02".repeat(16) })) })).length);
    expect([...sizes].map((s) => s % STEP)).toEqual([...sizes].map(() => 0));
    expect(sizes.size).toBeLessThan(3);
  });

  it("gives way in what a till asked for, and says when that is not enough", async () => {
    const key = await keyOf(SEED);
    const asked = Array.from({ length: 500 }, (_, i) => ({ reference: "T-".padEnd(400, "x"), amount: 1n, made: 500 - i }));
    const box = await sealed(key, NETWORK, WALLET, 1, { ...content, asked });
    const back = await opened(key, NETWORK, WALLET, 1, box);
    expect(back!.asked.length).toBe(250);
    expect(back!.asked[0]!.made).toBe(500);
    expect(back!.contacts).toEqual(content.contacts);
    const many = Array.from({ length: 1_000 }, () => ({ name: "Ә".repeat(64), wallet: "02".repeat(16) }));
    await expect(sealed(key, NETWORK, WALLET, 1, { ...content, contacts: many })).rejects.toThrow("backup-large");
  });

  it("of what it is not has nothing in it", async () => {
    const key = await keyOf(SEED);
    const odd = { contacts: [{ name: 3, wallet: "02".repeat(16) }, { name: "x", wallet: "../../x" }, null], settings: { askAbove: 5n }, asked: [7], payments: [{ ...content.payments[0]!, state: "done" }, { ...content.payments[0]!, payee: "<b>" }] } as unknown as Content;
    const box = await sealed(key, NETWORK, WALLET, 1, odd);
    expect(await opened(key, NETWORK, WALLET, 1, box)).toEqual({ contacts: [], settings: { askAbove: 5n }, asked: [], payments: [] });
  });
});
