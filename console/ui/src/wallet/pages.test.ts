// @vitest-environment node
// What lists let through, whom a line names, and which steps of a contract are offered.

import "fake-indexeddb/auto";
import { describe, expect, it } from "vitest";
import type { ContractLine, Definition, HistoryLine } from "./client";
import { wanted } from "./history";
import { otherOf, wordOf } from "./lines";
import { contacts } from "./private";
import { actionsOf } from "./rules";

const own = "aa".repeat(16);
const shop = "bb".repeat(16);
const third = "cc".repeat(16);
const paid: HistoryLine = { id: "1".repeat(64), index: 1n, millis: 0, net: -15000n, kind: "transfer", parties: [own, shop], payers: 1, memo: "Нан мен сүт" };
const got: HistoryLine = { ...paid, id: "2".repeat(64), net: 15000n, parties: [third, shop, own], payers: 1, memo: "" };

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
    expect([wordOf(paid), wordOf(got), wordOf({ ...got, net: 0n }), wordOf({ ...got, net: 0n, kind: "rekey" }), wordOf({ ...got, kind: "" })]).toEqual(["line.paid", "line.received", "line.own", "line.change", "line.system"]);
  });

  it("names the payer of what came and the payee of what went, among several", () => {
    expect(otherOf(paid, own)).toBe(shop);
    expect(otherOf(got, own)).toBe(third);
    expect(otherOf({ ...paid, parties: [own] }, own)).toBeUndefined();
  });
});

describe("a contract", () => {
  const contract: ContractLine = { id: "dd".repeat(16), definition: "", name: "escrow", parties: [own, shop, third], held: 1n, assets: 1, version: 1n, endsMillis: 0 };
  const definition: Definition = {
    about: "",
    parties: ["buyer", "seller", "arbiter"],
    actions: [
      { name: "release", by: ["buyer", "arbiter"], plain: true, ends: true },
      { name: "refund", by: ["seller"], plain: true, ends: true },
      { name: "divide", by: ["buyer"], plain: false, ends: true },
      { name: "remind", by: [], plain: true, ends: false },
    ],
  };

  it("offers a party what is its own to do and takes nothing", () => {
    expect(actionsOf(contract, definition, own).map((a) => a.name)).toEqual(["release", "remind"]);
    expect(actionsOf(contract, definition, shop).map((a) => a.name)).toEqual(["refund", "remind"]);
    expect(actionsOf(contract, definition, third).map((a) => a.name)).toEqual(["release", "remind"]);
  });
});
