// @vitest-environment node
// What a refusal says to this person: names, amounts and dates that he may know, and nothing where nothing is known.

import "fake-indexeddb/auto";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { choose } from "../words";
import type { Balance, Policy } from "./client";
import { factsOf } from "./facts";
import { limitsNow } from "./limits";
import { contacts } from "./private";
import { balance, clockOff, marked, policy } from "./state";

const SHOP = "02".repeat(16);
const NBSP = "\u00a0";
const today = Math.floor((Date.now() + 5 * 3_600_000) / 86_400_000);
const own: Balance = { tiyn: 174_000n, tier: 0, size: 1n, version: 1n, frozen: false, hasRecovery: false, key: "", recovery: "", day: today, paidToday: 2_500_00n, paymentsToday: 3 };
const limits: Policy = { tiers: [{ name: "limited", paymentMost: 12_975_00n, dayMost: 12_975_00n, balanceMost: 0n, paymentsPerDay: 20 }, { name: "unlimited", paymentMost: 0n, dayMost: 0n, balanceMost: 0n, paymentsPerDay: 0 }], rekeyDelayMillis: 1000, dayOffsetMillis: 5 * 3_600_000 };
const about = { amount: 74_000n, payee: SHOP };
const plain = (facts: string[]) => facts.map((f) => f.replaceAll(NBSP, " "));

beforeEach(async () => {
  await choose("en");
  balance.value = own;
  policy.value = limits;
  marked.value = new Map([[7, 100_000n]]);
  contacts.value = [];
  clockOff.value = 0;
});

afterEach(() => void vi.useRealTimers());

describe("the facts of a refusal", () => {
  it("name the payee, the sum, what is free, and what is marked", () => {
    contacts.value = [{ wallet: SHOP, name: "Bakery" }];
    expect(plain(factsOf("insufficient-funds", about))).toEqual(["Not paid: 740.00 ₸ to Bakery.", "You can spend 740.00 ₸ on anything; 740.00 ₸ were asked for.", "1,000.00 ₸ more are there only for: 7."]);
    contacts.value = [];
    expect(factsOf("unknown-wallet", about)).toContain("Nobody has the number 0202…0202.");
  });

  it("say the limits that stand, and what is left of the day", () => {
    expect(plain(factsOf("limit-day", about))).toContain("Of 12,975.00 ₸ a day, 10,475.00 ₸ are left today.");
    expect(plain(factsOf("limit-payment", {}))).toEqual(["This wallet may pay at most 12,975.00 ₸ at once."]);
    expect(factsOf("limit-payments-a-day", {})).toEqual(["This wallet may pay 20 times a day."]);
  });

  it("count a new day anew, and no limit where there is none", () => {
    balance.value = { ...own, day: today - 1 };
    expect(limitsNow()?.dayLeft).toBe(12_975_00n);
    balance.value = { ...own, paidToday: 20_000_00n };
    expect(limitsNow()?.dayLeft).toBe(0n);
    balance.value = { ...own, tier: 1 };
    expect(limitsNow()).toEqual({ name: "unlimited" });
    expect(factsOf("limit-day", {})).toEqual([]);
  });

  it("say when: of a new key that waits, of a request that is over", () => {
    const due = Date.UTC(2026, 10, 29, 7, 30);
    balance.value = { ...own, pending: { dueMillis: due, closes: false } };
    vi.setSystemTime(Date.UTC(2026, 10, 28)); // days near it have no year
    expect(plain(factsOf("rekey-pending", {}))).toEqual(["A new key waits until 29 November, 12:30."]);
    expect(plain(factsOf("request-over", { until: due }))).toEqual(["It was to be paid until 29 November, 12:30."]);
  });

  it("say how far the clock is off where that is a reason, and nothing of it where it is none", () => {
    expect(factsOf("expired", {})).toEqual([]);
    clockOff.value = -600_000;
    expect(factsOf("expired", {})).toEqual(["This device's clock is 10 minutes off."]);
    expect(factsOf("limit-balance", {})).toEqual([]);
  });

  it("are none where nothing is known, and for a code that nobody knows", () => {
    balance.value = undefined;
    policy.value = undefined;
    marked.value = new Map();
    for (const code of ["insufficient-funds", "limit-day", "limit-payment", "limit-payments-a-day", "rekey-pending", "frozen", "nosuch", "toString"]) expect([code, factsOf(code, {})]).toEqual([code, []]);
  });
});
