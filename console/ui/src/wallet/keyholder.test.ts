// @vitest-environment node
// The key in its worker: what it signs, and when it is forgotten.

import { afterEach, describe, expect, it, vi } from "vitest";
import { ed25519 } from "@noble/curves/ed25519.js";
import { hex } from "../ledger/bytes";
import { type Answer, FORGET_AFTER, KeyHolder } from "./keyholder";

const DIGEST = new Uint8Array(32).fill(5);
const seedOf = () => new Uint8Array(32).fill(9);

/** A holder under a clock of the test's own. */
function holder(Holder = KeyHolder) {
  const answers: Answer[] = [];
  let now = 1_000;
  let due: { at: number; work: () => void } | undefined;
  const clock = {
    now: () => now,
    later: (millis: number, work: () => void) => {
      due = { at: now + millis, work };
      return () => (due = undefined);
    },
  };
  const pass = (millis: number, timers = true) => {
    now += millis;
    if (timers && due && due.at <= now) due.work();
  };
  return { held: new Holder(clock, (a) => answers.push(a)), answers, pass };
}

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

describe("the key in a worker", () => {
  it("signs, keeps no seed, and gives nothing but the public key and signatures", async () => {
    const { held, answers } = holder();
    const seed = seedOf();
    await held.take({ n: 1, open: seed });
    expect(hex(seed)).toBe("00".repeat(32));
    await held.take({ n: 2, sign: DIGEST });
    const [opened, signed] = answers as { n: number; bytes: Uint8Array }[];
    expect([opened!.n, hex(opened!.bytes)]).toEqual([1, `01${hex(ed25519.getPublicKey(seedOf()))}`]);
    expect([signed!.n, ed25519.verify(signed!.bytes, DIGEST, opened!.bytes.slice(1))]).toEqual([2, true]);
    expect(JSON.stringify(Object.values(held))).not.toContain("9,9,9");
  });

  it.each([true, false])("is forgotten after five minutes without a touch, and a touch is not enough then (timers run: %s)", async (timers) => {
    const { held, answers, pass } = holder();
    await held.take({ n: 1, open: seedOf() });
    pass(FORGET_AFTER - 1, timers);
    await held.take({ touch: true });
    pass(FORGET_AFTER - 1, timers);
    await held.take({ n: 2, sign: DIGEST });
    expect(answers).toHaveLength(2);
    pass(1, timers); // a signature is no touch: a page that nobody is at signs on by itself
    await held.take({ touch: true });
    await held.take({ n: 3, sign: DIGEST });
    expect(answers.slice(2)).toEqual([{ forgotten: true }, { n: 3 }]);
  });

  it("is a library's where the browser's own Ed25519 does not keep its word", async () => {
    const subtle = new Proxy(crypto.subtle, {
      get: (of, name) => (name === "importKey" ? () => Promise.reject(new Error("no Ed25519")) : Reflect.get(of, name, of)),
    });
    vi.stubGlobal("crypto", { subtle, getRandomValues: crypto.getRandomValues.bind(crypto) });
    vi.resetModules();
    const { held, answers } = holder((await import("./keyholder")).KeyHolder);
    await held.take({ n: 1, open: seedOf() });
    await held.take({ n: 2, sign: DIGEST });
    const signed = answers[1] as { bytes: Uint8Array };
    expect(ed25519.verify(signed.bytes, DIGEST, ed25519.getPublicKey(seedOf()))).toBe(true);
  });
});
