// @vitest-environment node
// The wallet as its pages drive it: a payment that waits is made whatever page is open, and is shown as what it has become.

import "fake-indexeddb/auto";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { signerOf } from "../ledger/sign";
import type { KeptKey } from "./keptkey";
import { ELSEWHERE, listed, nowOf, paidElsewhere, spokenFor } from "./outbox";

const NETWORK = "ab".repeat(32);
const OWN = "01".repeat(16);
const SHOP = "02".repeat(16);
const ID = "5a".repeat(32);

/** What the node does now. */
type Node = { up: boolean; lose: number; sent: number; lines: unknown[]; keyed: boolean; balance: number; selecting?: () => void };

function answerOf(node: Node, path: string): unknown {
  if (!node.up) throw new TypeError("network");
  if (path === "/v1/network") return { network: NETWORK, name: "t", open: false, time_millis: 1_800_000_000_000 };
  if (path.endsWith("/selections")) node.selecting?.();
  if (path.endsWith("/selections")) return { tokens: [{ id: "07".repeat(32), amount: 500_000 }], total: 500_000, merge: false };
  if (path.endsWith("/releases")) return new Response(null, { status: 204 });
  if (path.includes("/challenges")) return { challenge: "11".repeat(48) };
  if (path === "/v1/sessions/wallets") return { wallets: [] };
  if (path === "/v1/sessions") return node.keyed ? { token: "t" } : new Response(JSON.stringify({ code: "sign-in-refused", status: 401 }), { status: 401 });
  if (!node.keyed) return new Response(JSON.stringify({ code: "unauthorized", status: 401 }), { status: 401 });
  if (path.includes("/history")) return { lines: node.lines };
  if (path.includes("/drafts")) return { drafts: [] };
  if (path === "/v1/transactions") {
    node.sent++;
    if (node.lose-- > 0) throw new TypeError("the answer was lost");
    return [{ receipt: { id: ID, index: 9, time_millis: 1 } }];
  }
  if (path.includes("/events")) return new Response(null, { status: 503 });
  if (path === `/v1/wallets/${OWN}`) return { balance: node.balance, tier: 1, size: 1, version: 1, key: "" };
  return [];
}

/** The words of what a component shows, and of the components in it that are plain elements. */
function wordsOf(node: unknown): string {
  if (Array.isArray(node)) return node.map(wordsOf).join("");
  if (typeof node === "string" || typeof node === "number") return String(node);
  return node !== null && typeof node === "object" && "props" in node ? wordsOf((node.props as { children?: unknown }).children) : "";
}

/** A wallet that is open, on a page that does nothing by itself, whose timers a test lets run. */
async function walletOn(node: Node) {
  vi.resetModules();
  vi.stubGlobal("isSecureContext", true);
  vi.stubGlobal("addEventListener", () => {});
  vi.stubGlobal("removeEventListener", () => {});
  let turn: Promise<unknown> = Promise.resolve();
  const request = (name: string, ...rest: unknown[]) => {
    if (name !== "aqsha-pay") return new Promise(() => {});
    const work = rest.at(-1) as () => Promise<unknown>;
    return (turn = turn.then(work, work));
  };
  vi.stubGlobal("navigator", { locks: { request } });
  vi.stubGlobal("fetch", async (path: string) => {
    const a = answerOf(node, path);
    return a instanceof Response ? a : new Response(JSON.stringify(a));
  });
  const ticks: (() => void)[] = [];
  vi.stubGlobal("setInterval", (work: () => void) => ticks.push(work));
  vi.stubGlobal("clearInterval", () => {});
  const state = await import("./state");
  await state.start();
  await state.theStore().empty();
  const signer = await signerOf(new Uint8Array(32).fill(9));
  state.record.value = { network: NETWORK, publicKey: "", sealed: {} as never, wallet: OWN, recoverySaved: true };
  state.signer.value = { ...signer, touch() {}, forget() {} } as unknown as KeptKey;
  state.attend();
  return { state, tick: () => ticks.forEach((work) => work()) };
}

const order = { payee: SHOP, amount: 5_500n, memo: "нан" };
let node: Node;

beforeEach(() => {
  node = { up: false, lose: 0, sent: 0, lines: [], keyed: true, balance: 500_000 };
});
afterEach(() => vi.unstubAllGlobals());

describe("a payment that waits", () => {
  it("is made when the node answers again, though nobody leaves its page, which shows what became of it", async () => {
    const { state, tick } = await walletOn(node);
    const shown = await state.pay(order);
    expect(shown.state).toBe("waiting");
    tick();
    await state.resume();
    expect(nowOf(shown, state.payments.value)).toMatchObject({ state: "waiting" });
    node.up = true;
    await vi.waitFor(() => (tick(), expect(nowOf(shown, state.payments.value)).toMatchObject({ state: "done", index: 9 })));
    expect([node.sent, state.payments.value.length]).toEqual([1, 1]);
  });

  it("waits unsigned when the page has said that there is no connection, though the node answers when it is pressed", async () => {
    const { state, tick } = await walletOn(node);
    node.up = true;
    state.connected.value = false;
    const shown = await state.pay(order);
    expect(shown).toMatchObject({ state: "waiting", bytes: "" });
    await vi.waitFor(() => (tick(), expect(nowOf(shown, state.payments.value)).toMatchObject({ state: "done" })));
    expect(node.sent).toBe(1);
  });

  it("is no money that remains, until the history has it", async () => {
    const { state } = await walletOn(node);
    const shown = await state.pay(order);
    const line = { id: shown.id, index: 9n, millis: 1, net: -5_500n, kind: "transfer", parties: [OWN, SHOP], payers: 1, memo: "" };
    expect([spokenFor(state.payments.value, [], undefined), spokenFor(state.payments.value, [], 3), spokenFor(state.payments.value, [line], undefined)]).toEqual([5_500n, 0n, 0n]);
    expect(spokenFor([{ ...shown, state: "done" }, { ...shown, state: "refused" }, { ...shown, state: "prepared" }], [], undefined)).toBe(5_500n);
  });

  it("was taken back when the journal has it no more", async () => {
    const { state } = await walletOn(node);
    const shown = await state.pay(order);
    await state.cancelWaiting(shown.id);
    expect(nowOf(shown, state.payments.value)).toBeUndefined();
  });
});

describe("a payment that waits on a phone whose wallet got another key", () => {
  it("is said to be payable from here no more, in the list and on its own page", async () => {
    const { state, tick } = await walletOn(node);
    const { choose, t } = await import("../words");
    const { Waiting } = await import("./home");
    const { State } = await import("./payment");
    await choose("en");
    const shown = await state.pay(order);
    Object.assign(node, { up: true, keyed: false });
    await vi.waitFor(() => (tick(), expect(state.moved.value).toBe(true)));
    for (const said of [wordsOf(Waiting({ payment: shown })), wordsOf(State({ payment: shown }))]) {
      expect(said).toContain(t("line.moved"));
      for (const untrue of [t("line.waiting"), t("line.take-back"), t("pay.waits-about"), t("pay.waits-soon")]) expect(said).not.toContain(untrue);
    }
    expect(node.sent).toBe(0);
  });
});

describe("a payment whose answer was lost", () => {
  it("is said to be without an answer, cannot be taken back, and is listed once", async () => {
    const { state, tick } = await walletOn(node);
    const { choose, t } = await import("../words");
    const { Waiting } = await import("./home");
    await choose("en");
    const shown = await state.pay(order);
    expect(wordsOf(Waiting({ payment: shown }))).toContain(t("line.take-back"));
    Object.assign(node, { up: true, lose: Infinity });
    await vi.waitFor(() => (tick(), expect(node.sent).toBeGreaterThan(0)));
    const [sent] = listed(state.payments.value, [], Date.now());
    expect(sent).toMatchObject({ state: "prepared", waited: shown.id });
    expect(wordsOf(Waiting({ payment: sent! }))).toContain(t("pay.unanswered"));
    expect(wordsOf(Waiting({ payment: sent! }))).not.toContain(t("line.take-back"));
    const line = { id: sent!.id, index: 9n, millis: 1, net: -5_500n, kind: "transfer", parties: [OWN, SHOP], payers: 1, memo: "нан" };
    expect(listed(state.payments.value, [line], Date.now())).toEqual([]);
    expect(nowOf(shown, state.payments.value, [line])).toMatchObject({ state: "done" });
    const other = { ...shown, id: "waiting-2" };
    await state.theStore().savePayment(other);
    await state.cancelWaiting(other.id); // at once, though the first is asked for again
    expect(nowOf(other, state.payments.value)).toBeUndefined();
    node.lose = 0;
    await vi.waitFor(() => expect(nowOf(shown, state.payments.value)).toMatchObject({ state: "done" }), 20_000);
    expect(state.payments.value).toHaveLength(1);
  });

  it("is not sent when it was taken back while it was signed", async () => {
    const { state } = await walletOn(node);
    const shown = await state.pay(order);
    node.up = true;
    node.selecting = () => void state.cancelWaiting(shown.id);
    await state.resume();
    expect([node.sent, state.payments.value]).toEqual([0, []]);
  });
});

describe("a payment that waited on another phone", () => {
  const record = { id: "waiting-1", bytes: "", payee: SHOP, amount: "5500", memo: "нан", made: 10, validUntil: 0, state: "lapsed", code: ELSEWHERE } as const;
  const line = { id: ID, index: 9n, millis: 11, net: -5_500n, kind: "transfer", parties: [OWN, SHOP], payers: 1, memo: "нан" };

  it("is not said to be unpaid", async () => {
    await walletOn(node);
    const { choose, t } = await import("../words");
    const { Waiting } = await import("./home");
    const { explain } = await import("../words/refusals");
    for (const l of ["kk", "ru", "en"] as const) {
      await choose(l);
      const said = wordsOf(Waiting({ payment: record }));
      for (const untrue of [t("line.lapsed"), explain(ELSEWHERE).money, t("refusal.nothing")]) expect(said).not.toContain(untrue);
      expect(said).toContain(t("line.elsewhere"));
      expect(said).toContain(t("fact.elsewhere"));
    }
    expect(wordsOf(Waiting({ payment: record }))).not.toMatch(/not paid|nothing was paid/i);
  });

  it("is the history's line of that payment, and of no other", () => {
    expect(paidElsewhere([record], [line], OWN)).toEqual([record]);
    const twin = { ...record, id: "waiting-2" };
    expect(paidElsewhere([record, twin], [line], OWN)).toEqual([record]);
    for (const other of [{ net: -5_501n }, { memo: "сүт" }, { millis: 9 }, { parties: [OWN, "03".repeat(16)] }, { net: 5_500n }]) expect(paidElsewhere([record], [{ ...line, ...other }], OWN)).toEqual([]);
    expect(paidElsewhere([record, { ...record, id: ID, code: "x" }], [line], OWN)).toEqual([]); // paid from here
  });

  it("is listed no more when the history has it", async () => {
    const { state } = await walletOn(node);
    await state.theStore().savePayment(record);
    state.payments.value = [record];
    node.up = true;
    await state.refresh();
    expect(listed(state.payments.value, [], 10)).toHaveLength(1);
    node.lines = [{ id: ID, index: 9, time_millis: 11, net: -5500, transaction: { kind: "transfer", body: { parties: [OWN, SHOP], payers: 1, memo: { scheme: 1, bytes: Buffer.from("нан").toString("base64") } } } }];
    await state.refresh();
    expect([state.payments.value, await state.theStore().payments()]).toEqual([[], []]);
  });
});
