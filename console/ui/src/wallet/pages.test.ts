// @vitest-environment node
// What lists let through, whom a line names, and which steps of a contract are offered.

import "fake-indexeddb/auto";
import { afterEach, describe, expect, it, vi } from "vitest";
import { choose } from "../words";
import { loadRefusals } from "../words/refusals";
import type { HistoryLine, Step } from "./client";
import { foundText, readOn, table, wanted } from "./history";
import { date } from "../format";
import { offered } from "./payment";
import { Waiting } from "./home";
import { Line, calledHere, quotedMemo, wordOf } from "./lines";
import { otherOf } from "./refund";
import { record } from "./state";
import type { WalletRecord } from "./store";
import { soldAs } from "./till";
import { rowsOf } from "./outbox";
import { contacts, namedAlike } from "./private";
import { actName, loadActs, partyNames } from "./acts";
import { said } from "./rules";
import shipped from "./shipped.json";

const own = "aa".repeat(16);
const shop = "bb".repeat(16);
const third = "cc".repeat(16);
const paid: HistoryLine = { id: "1".repeat(64), index: 1n, millis: 0, net: -15000n, kind: "transfer", parties: [own, shop], payers: 1, memo: "Нан мен сүт" };
const got: HistoryLine = { ...paid, id: "2".repeat(64), net: 15000n, parties: [third, shop, own], payers: 1, memo: "" };

afterEach(() => void vi.useRealTimers());

describe("a history", () => {
  it("finds by memo, name, number and sum, in any case, all words of them", () => {
    contacts.value = [{ wallet: shop, name: "Дүкен" }];
    expect(wanted(paid, "НАН", "", own)).toBe(true);
    expect(wanted(paid, "сүт нан", "", own)).toBe(true);
    expect(wanted(paid, "нан ет", "", own)).toBe(false);
    expect(wanted(paid, "дүкен", "", own)).toBe(true);
    expect(wanted(paid, "150.00", "", own)).toBe(true);
    expect(wanted(got, "cccc", "", own)).toBe(true);
    expect(wanted(got, "дүкен", "", own)).toBe(false);
  });

  it("tells received from paid", () => {
    expect([wanted(paid, "", "in", own), wanted(paid, "", "out", own), wanted(got, "", "in", own), wanted({ ...got, net: 0n }, "", "in", own)]).toEqual([false, true, true, false]);
    expect([wordOf(paid), wordOf(got), wordOf({ ...got, net: 0n }), wordOf({ ...got, net: 0n, kind: "rekey" }), wordOf({ ...got, kind: "" })]).toEqual(["line.paid", "line.received", "line.own", "line.key-asked", "line.system"]);
  });

  it("names the payer of what came and the payee of what went, among several", () => {
    expect(otherOf(paid, own)).toBe(shop);
    expect(otherOf(got, own)).toBe(third);
    expect(otherOf({ ...paid, parties: [own] }, own)).toBeUndefined();
  });
});

/** What a component without state shows, as text. */
function shown(node: unknown): string {
  if (Array.isArray(node)) return node.map(shown).join("");
  if (typeof node === "string" || typeof node === "number") return String(node);
  const v = node as { type?: unknown; props?: { children?: unknown } } | null;
  if (typeof v !== "object" || v === null) return "";
  return typeof v.type === "function" ? shown((v.type as (p: unknown) => unknown)(v.props)) : v.type === "br" ? "\n" : shown(v.props?.children);
}

describe("a payer's words", () => {
  const from = "dd".repeat(16);
  const line: HistoryLine = { ...got, parties: [from, own], net: 600n, memo: "dala-bank” «" };

  it("never stand where a name stands, and are quoted beside it, whether the payer has a name or not", async () => {
    await choose("ru");
    record.value = { wallet: own } as WalletRecord;
    contacts.value = [];
    expect(calledHere(from)).toBe("dddd…dddd");
    const [name, , words] = shown(Line({ line })).replace(/^./, "").split("\n");
    expect([name, words]).toEqual(["dddd…dddd", "«dala-bank' '»+6,00\u00a0₸"]);
    contacts.value = [{ wallet: from, name: "Айгерім" }];
    expect(shown(Line({ line }))).toMatch(/^↓Айгерім\n[^]*\n«dala-bank' '»/);
    const paid = { id: "1", bytes: "", payee: from, amount: "600", memo: "dala-bank", made: 0, validUntil: 0, state: "refused" } as const;
    expect(shown(Waiting({ payment: paid }))).toMatch(/^✕Айгерім\n«dala-bank»/);
    contacts.value = [];
    expect(shown(Waiting({ payment: paid }))).toMatch(/^✕dddd…dddd\n«dala-bank»/);
    record.value = undefined;
  });

  it("are said so on receipts, drafts, confirmations and at the till, but a till's own reference and a refund are not quoted", async () => {
    await choose("en");
    expect([quotedMemo(line), quotedMemo({ memo: "" }), quotedMemo({ memo: `refund ${"1".repeat(32)}` }, [])]).toEqual(["“dala-bank' '”", "", "Money given back"]);
    expect([soldAs({ ...line, memo: "T-0000000A" }), soldAs(line), soldAs(undefined)]).toEqual(["T-0000000A", "“dala-bank' '”", ""]);
  });
});

describe("a long history", () => {
  const of = (i: number): HistoryLine => ({ ...got, index: BigInt(i), memo: `order ${i}` });
  const all = Array.from({ length: 3_000 }, (_, i) => of(3_000 - i));
  const reading = (fail?: number) => {
    let asked = 0;
    return async (before: bigint) => {
      if (++asked === fail) throw new Error("unreached");
      const lines = all.filter((l) => l.index < before).slice(0, 200);
      return { lines, ...(lines.at(-1)!.index > 1n && { next: lines.at(-1)!.index }) };
    };
  };

  it("is read to its end for a search and for the file, with how far it is", async () => {
    const heard: number[] = [];
    const read = await readOn(reading(), all.slice(0, 100), 2_901n, (lines) => heard.push(lines.length));
    expect(read.map((l) => l.index)).toEqual(all.map((l) => l.index));
    expect([heard[0], heard.at(-1), heard.length]).toEqual([300, 3_000, 15]);
    expect(table(read, own).trim().split("\r\n")).toHaveLength(3_001);
    expect(read.filter((l) => wanted(l, "order 17", "", own)).some((l) => l.index === 17n)).toBe(true);
    await expect(readOn(reading(3), all.slice(0, 100), 2_901n, () => {})).rejects.toThrow("unreached"); // no part of it passes for the whole
  });

  it("says over how many it looked until it has looked through all", async () => {
    await choose("en");
    expect([foundText(2, 100, false, true), foundText(100, 100, false, false), foundText(3, 3_000, true, true)]).toEqual([
      "2 lines. Looked through the newest 100 of the payments only.",
      "100 lines. These are the newest; there may be older ones.",
      "3 lines",
    ]);
  });
});

describe("a payment that is looked at", () => {
  const before = { millis: 0, waits: false };
  it("is not offered once more when that can never be done", () => {
    expect([offered(undefined, undefined), offered(undefined, before), offered("insufficient-funds", before)]).toEqual([{ pay: true, again: false }, { pay: true, again: true }, { pay: true, again: true }]);
    for (const code of ["refund-made", "refund-payee", "refund-unknown", "request-over"]) expect([code, offered(code, before)]).toEqual([code, { pay: false, again: false }]);
  });
});

describe("lists", () => {
  it("have what was refused at its time, and what waits above", () => {
    const line = (millis: number) => ({ ...paid, index: BigInt(millis), millis });
    const ended = (made: number, state: "refused" | "lapsed" | "waiting") => ({ id: String(made), bytes: "", payee: shop, amount: "1", memo: "", made, validUntil: 0, state }) as const;
    const at = rowsOf([ended(1, "waiting"), ended(5, "refused"), ended(20, "lapsed")], [line(30), line(10), line(3)]).map((r) => ("net" in r ? r.millis : r.made));
    expect(at).toEqual([1, 30, 20, 10, 5, 3]);
  });

  it("of people have no two names alike", () => {
    contacts.value = [{ wallet: shop, name: "Дана  Ахметова" }];
    expect([namedAlike(third, "дана ахметова "), namedAlike(shop, "Дана Ахметова"), namedAlike(third, "Дана")]).toEqual([true, false, false]);
    contacts.value = [];
  });
});

describe("a day", () => {
  it("has its year, but within this year's near months", () => {
    const now = Date.UTC(2026, 11, 1, 6);
    const on = (y: number, m: number, d: number, l: "en" | "kk" | "ru" = "en") => date(Date.UTC(y, m - 1, d, 6), l, now).replaceAll("\u00a0", " ");
    expect([on(2027, 12, 1), on(2026, 12, 1), on(2027, 2, 28), on(2027, 8, 28, "ru"), on(2027, 8, 28, "kk")]).toEqual(["1 December 2027", "1 December", "28 February 2027", "28 августа 2027", "2027 жылғы 28 тамыз"]);
    expect([on(2026, 10, 1), on(2026, 3, 1), on(2025, 12, 1)]).toEqual(["1 October", "1 March 2026", "1 December 2025"]);
  });
});

const OWN_RULES = "ef".repeat(32);

describe("a step of a contract", () => {
  const step: Step = { action: "release", possible: true, plain: true, ends: true, fromMillis: 0, code: "" };

  it("that is another's is not spoken of, and one with a button needs no words", () => {
    expect([said(step, OWN_RULES), said({ ...step, possible: false, code: "wrong-caller" }, OWN_RULES)]).toEqual([undefined, undefined]);
  });

  it("that cannot be taken now says from when, or why not", async () => {
    await choose("en");
    await loadRefusals();
    vi.setSystemTime(Date.UTC(2026, 10, 28)); // days near it have no year
    const early = { ...step, possible: false, code: "too-early" };
    expect(said({ ...early, fromMillis: Date.UTC(2026, 10, 28, 20, 5) }, OWN_RULES)).toBe("“release”: from 29\u00a0November, 01:05 on");
    expect(said(early, OWN_RULES)).toBe("“release”: not now. It is too early.");
    expect(said({ ...step, possible: false, code: "frozen" }, OWN_RULES)).toMatch(/^“release”: not now\. .+\.$/);
    expect(said({ ...step, plain: false }, OWN_RULES)).toMatch(/^“release”: asks for more/);
  });
});

describe("the names of a definition", () => {
  it("are words where it came with the program, and its author's in quotation marks where not", async () => {
    for (const [l, act, parties] of [["en", "leave the contract", "customer, meter, “xenon”"], ["ru", "выйти из договора", "потребитель, счётчик, «xenon»"], ["kk", "келісімшарттан шығу", "тұтынушы, есептегіш, «xenon»"]] as const) {
      await choose(l);
      await loadActs();
      expect([actName("leave", shipped[0]!), partyNames(["customer", "meter", "xenon"], shipped[0]!)]).toEqual([act, parties]);
      expect(partyNames(["maker", "b1", "b7"], shipped[0]!)).not.toMatch(/b\d/);
      expect(actName("leave", OWN_RULES)).toBe(l === "en" ? "“leave”" : "«leave»");
      expect(actName("constructor", shipped[0]!)).toMatch(/^[“«]constructor[”»]$/);
    }
  });
});
