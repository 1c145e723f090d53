// @vitest-environment node
// Several tabs of one device: one wallet, one key that comes next, and nobody's change is written over.

import "fake-indexeddb/auto";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { signerOf } from "../ledger/sign";

vi.mock("./vault", () => ({
  seal: async (seed: Uint8Array) => ({ box: [...seed].join() }),
  open: async (sealed: { box: string }) => Uint8Array.from(sealed.box.split(","), Number),
  LEAST_PASSPHRASE: 8,
}));
vi.mock("./keptkey", () => ({
  Locked: class extends Error {},
  keepKey: async (seed: Uint8Array) => ({ ...(await signerOf(seed.slice())), touch() {}, forget() {} }),
}));

const NETWORK = "ab".repeat(32);
const seedOf = (n: number) => new Uint8Array(32).fill(n);
let sent: string[] = [];

/** A page in a tab of its own, on the storage that all have. */
async function tab() {
  vi.resetModules();
  const state = await import("./state");
  await state.start();
  state.network.value = { network: NETWORK, name: "t", open: false, timeMillis: 0 };
  return { state, keys: await import("./keys"), applying: await import("./applying") };
}

beforeEach(async () => {
  sent = [];
  vi.stubGlobal("isSecureContext", true);
  vi.stubGlobal("navigator", { locks: { request: () => new Promise(() => {}) } });
  vi.stubGlobal("fetch", async (path: string, init?: RequestInit) => {
    sent.push(`${init?.method ?? "GET"} ${path}`);
    return path.includes("challenges") ? new Response(JSON.stringify({ challenge: "11".repeat(48) })) : new Response(JSON.stringify({ id: `${sent.length}` }));
  });
  await (await tab()).state.theStore().empty();
});
afterEach(() => vi.unstubAllGlobals());

describe("two tabs that make a wallet at once", () => {
  it("make one: the second shows and sends nothing of its key, says so and takes up the first's", async () => {
    const [one, two, three] = [await tab(), await tab(), await tab()];
    const made = await Promise.all([one.state.make(seedOf(1), "a passphrase", false), two.state.make(seedOf(2), "a passphrase", false)]);
    expect(made.filter(Boolean)).toHaveLength(1);
    const kept = (await three.state.theStore().wallet())!.publicKey;
    for (const [i, { state }] of [one, two].entries()) {
      expect(state.record.value!.publicKey).toBe(kept);
      expect([state.phase.value, state.madeElsewhere.value]).toEqual(made[i] ? ["unregistered", false] : ["locked", true]);
    }
    expect(sent).toEqual([]);
    const second = made[0] ? two : one;
    await second.state.unlock("a passphrase");
    expect([second.state.phase.value, second.state.madeElsewhere.value]).toEqual(["unregistered", false]);
  });

  it("apply to a bank once: the second takes up the first's application", async () => {
    const one = await tab();
    await one.state.make(seedOf(1), "a passphrase", false);
    const two = await tab();
    await two.state.unlock("a passphrase");
    await one.applying.applyTo("cc".repeat(16), "Айгерім");
    await two.applying.applyTo("cc".repeat(16), "Айгерім");
    expect(sent.filter((s) => s.startsWith("POST") && s.includes("applications") && !s.includes("challenges"))).toHaveLength(1);
    expect(two.state.record.value!.application).toEqual(one.state.record.value!.application);
  });
});

describe("two tabs of one wallet", () => {
  it("write nothing over that the other has written", async () => {
    const one = await tab();
    await one.state.make(seedOf(1), "a passphrase", false);
    const two = await tab();
    await one.state.change({ waits: { wallet: "01".repeat(16), due: 5 } });
    await two.state.change({ recoverySaved: true });
    expect(await one.state.theStore().wallet()).toMatchObject({ waits: { due: 5 }, recoverySaved: true });
  });

  it("make one key that comes next, and a tab whose key is no more is over", async () => {
    const one = await tab();
    await one.state.make(seedOf(1), "a passphrase", false);
    const two = await tab();
    await two.state.unlock("a passphrase");
    const next = await Promise.all([one.keys.nextKey("a passphrase"), two.keys.nextKey("a passphrase")]);
    expect([...next[0].seed]).toEqual([...next[1].seed]);
    await one.keys.promote("a passphrase");
    await expect(two.state.change({ recoverySaved: true })).rejects.toThrow("another tab");
    expect([two.state.fault.value, (await one.state.theStore().wallet())!.recoverySaved]).toEqual(["storage-gone", false]);
  });
});
