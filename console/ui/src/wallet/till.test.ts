// @vitest-environment node
// What a till counts, what waits for a connection, what the device keeps, what is heard.

import "fake-indexeddb/auto";
import { describe, expect, it } from "vitest";
import { csv, decimal } from "../csv";
import { dayIn, fullDate, stamp } from "../format";
import { plainAll } from "../json";
import { hex, unhex } from "../ledger/bytes";
import { signerOf } from "../ledger/sign";
import { decodeTransaction, item } from "../ledger/transaction";
import { Box } from "./box";
import { Client, type HistoryLine } from "./client";
import { readEvents } from "./events";
import { differenceInWords } from "./facts";
import { choose } from "../words";
import { type Payer, makeWaiting, wait } from "./pay";
import { numberIn } from "./request";
import { Store } from "./store";
import { givenText, othersText, table } from "./till";
import { dayOf, newReference, partOf, refundMemo, refunded, standing } from "./tillbook";

let index = 0n;
function line(net: bigint, memo: string, millis = 1_800_000_000_000): HistoryLine {
  index++;
  return { id: index.toString(16).padStart(32, "0").padEnd(64, "7"), index, millis, net, kind: "transfer", parties: ["aa".repeat(16), "bb".repeat(16)], payers: 1, memo };
}

describe("a till", () => {
  const asked = { reference: "T-12345678", amount: 1000n, made: 0 };

  it("tells paid, part, too much and twice apart, and takes no other reference for its own", () => {
    expect(standing(asked, [line(1000n, "T-12345679"), line(1000n, ""), line(-1000n, asked.reference)]).state).toBe("open");
    expect(standing(asked, [line(400n, asked.reference)])).toMatchObject({ state: "part", paid: 400n });
    expect(standing(asked, [line(400n, asked.reference), line(600n, asked.reference)])).toMatchObject({ state: "paid", twice: false });
    expect(standing(asked, [line(1500n, asked.reference)])).toMatchObject({ state: "over", twice: false, paid: 1500n });
    expect(standing(asked, [line(1000n, asked.reference), line(1000n, asked.reference)])).toMatchObject({ state: "over", twice: true });
  });

  it("counts a refund to the payment that it names, and to no other", () => {
    const first = line(1000n, asked.reference);
    const second = line(1000n, asked.reference);
    const back = line(-1000n, refundMemo(second));
    expect(refunded(second, [first, second, back])).toBe(1000n);
    expect(refunded(first, [first, second, back])).toBe(0n);
    expect(standing(asked, [first, second, back])).toMatchObject({ state: "paid", paid: 1000n });
    expect(standing(asked, [first, line(-1000n, refundMemo(first))])).toMatchObject({ state: "back", given: 1000n });
    expect(standing(asked, [first, line(-300n, refundMemo(first))])).toMatchObject({ state: "less", paid: 700n });
    expect(standing(asked, [first, line(-2000n, refundMemo(first))])).toMatchObject({ state: "back", paid: 0n }); // never more than came
    expect(standing(asked, [line(400n, asked.reference), line(-1000n, refundMemo(second))])).toMatchObject({ state: "part", paid: 400n });
    expect(new TextEncoder().encode(refundMemo(first)).length).toBeLessThanOrEqual(64);
  });

  it("says what stays after each refund of several payments, and not what once came", () => {
    const came = [line(400n, asked.reference), line(700n, asked.reference), line(1000n, asked.reference)] as const;
    expect(standing(asked, came)).toMatchObject({ state: "over", twice: true, paid: 2100n });
    const first = line(-1000n, refundMemo(came[2]));
    expect(standing(asked, [...came, first])).toMatchObject({ state: "over", twice: false, paid: 1100n, given: 1000n });
    expect(standing(asked, [...came, first, line(-100n, refundMemo(came[1]))])).toMatchObject({ state: "paid", paid: 1000n });
    expect(standing(asked, [...came, first, line(-300n, refundMemo(came[1]))])).toMatchObject({ state: "less", paid: 800n, given: 1300n });
  });

  it("says what else came that day, in a line and in the file, and counts it in no sum of the till's", async () => {
    await choose("en");
    const [sale, gift] = [line(380_100n, "T-0000000C", 0), line(2_600_000n, "T-1", 0)];
    const day = dayOf([sale, gift, line(9n, "", -86_400_000), line(-5n, "bread", 0)], dayIn(0), dayIn);
    expect(day).toMatchObject({ received: 380_100n, otherwise: 2_600_000n, others: [gift] });
    expect(othersText(day)).toBe("Not in this sum: 1 payment without the till's code, 26,000.00\u00a0₸.");
    const rows = table(day.sales, day).trim().split("\r\n");
    expect([rows.length, rows[2]]).toEqual([3, ",without the code of the till,,26000.00,,"]);
    expect(table(day.sales, { ...day, others: [] }).trim().split("\r\n")).toHaveLength(2);
  });

  it("says what was given back and what stays", async () => {
    await choose("en");
    const came = line(220_000n, asked.reference);
    const s = standing({ ...asked, amount: 200_000n }, [came, line(-90_000n, refundMemo(came))]);
    expect([s.state, givenText(s)]).toEqual(["less", "Given back: 900.00\u00a0₸. What stays: 1,300.00\u00a0₸."]);
  });

  it("gives back a part up to what is left of its payment", () => {
    expect(["7", "7,00", "0.01", "22", "22.01", "9223372036854775808", "0", "-1", "1e1", "1.001", ""].map((typed) => partOf(typed, 2_200n))).toEqual([
      700n, 700n, 1n, 2_200n, "too-much", "amount-large", "amount-zero", "amount-form", "amount-form", "amount-decimals", "amount-empty",
    ]);
  });

  it("adds up the day that it is in the country, sales less refunds", () => {
    const evening = Date.UTC(2026, 10, 28, 20, 0); // 01:00 on the 29th there
    const sale = line(500n, "T-0000000A", evening);
    const day = dayOf([sale, line(700n, "T-0000000B", evening - 86_400_000), line(300n, "a gift", evening), line(-200n, refundMemo(sale), evening)], "2026-11-29", dayIn);
    expect(day).toMatchObject({ received: 500n, given: 200n });
    expect(day.sales).toHaveLength(1);
  });

  it("makes references that are not repeated and fit a code", () => {
    const made = new Set(Array.from({ length: 2000 }, newReference));
    expect(made.size).toBe(2000);
    for (const r of made) expect(r).toMatch(/^T-[0-9A-HJKMNP-TV-Z]{8}$/);
  });
});

describe("a table", () => {
  it("is read back by a spreadsheet as texts and numbers, never as a formula", () => {
    expect(csv([["=1+1", "-5.00", 'a "b"', "x,y", "@sum", "-cmd"]], "en")).toBe("\ufeff\"'=1+1\",-5.00,\"a \"\"b\"\"\",\"x,y\",\"'@sum\",\"'-cmd\"\r\n");
    for (const l of ["kk", "ru"] as const) expect(csv([["=1;1", decimal(-500n, l), "x;y", "-1,5cmd", decimal(123456789n, l)]], l)).toBe("\ufeff\"'=1;1\";-5,00;\"x;y\";\"'-1,5cmd\";1234567,89\r\n");
    expect([decimal(-5n), decimal(123456n), decimal((1n << 63n) - 1n)]).toEqual(["-0.05", "1234.56", "92233720368547758.07"]);
  });
});

const NETWORK = "ab".repeat(32);
const WALLET = "01".repeat(16);
const SHOP = "02".repeat(16);

/** A node whose answers a test makes, and whose clock it sets. */
async function payerWith(answer: (path: string, init?: RequestInit) => unknown, name: string): Promise<Payer> {
  const send = (async (path: string, init?: RequestInit) => {
    const a = answer(path, init);
    if (a === "lost") throw new TypeError("network");
    return a instanceof Response ? a : new Response(JSON.stringify(a));
  }) as typeof fetch;
  return { network: unhex(NETWORK), signer: await signerOf(new Uint8Array(32).fill(9)), client: new Client("", "https://tenge.example.kz", send), store: await Store.open(name), now: () => 1, pause: async () => {} };
}

const order = { wallet: WALLET, payee: SHOP, amount: 500n, memo: "нан" };

describe("a payment that waits", () => {
  it("has no signature, and is signed in one step with leaving the list of those that wait", async () => {
    const sent: Uint8Array[] = [];
    const payer = await payerWith((path, init) => {
      if (path === "/v1/network") return { network: NETWORK, name: "t", open: false, time_millis: 1_800_000_000_000 };
      if (path.endsWith("/selections")) return { tokens: [{ id: "07".repeat(32), amount: 500 }], total: 500, merge: false };
      sent.push(init?.body as Uint8Array);
      return [{ receipt: { id: "00", index: 7, time_millis: 1 } }];
    }, "waits");
    const waiting = await wait(payer, order);
    expect(waiting).toMatchObject({ bytes: "", state: "waiting" });
    const done = await makeWaiting(payer, WALLET, waiting);
    expect(done.state).toBe("done");
    expect((await payer.store.payments()).map((p) => p.state)).toEqual(["done"]);
    expect(item(decodeTransaction(sent[0]!), "outputs")).toEqual([[1n, 500n]]);
  });

  it("waits on while nobody answers, is refused with its reason, and is not made after its time", async () => {
    let now: unknown = "lost";
    const payer = await payerWith((path) => {
      if (path === "/v1/network") return now;
      return new Response(JSON.stringify({ code: "insufficient-funds", status: 422, detail: "" }), { status: 422 });
    }, "waits on");
    const until = await wait(payer, { ...order, until: 1_800_000_000_001 });
    await expect(makeWaiting(payer, WALLET, until)).rejects.toThrow();
    expect((await payer.store.payment(until.id))?.state).toBe("waiting");
    now = { network: NETWORK, name: "t", open: false, time_millis: 1_800_000_000_001 };
    expect(await makeWaiting(payer, WALLET, until)).toMatchObject({ state: "lapsed", code: "request-over" });
    expect(await makeWaiting(payer, WALLET, await wait(payer, order))).toMatchObject({ state: "refused", code: "insufficient-funds" });
  });
});

describe("what people write and read", () => {
  it("is a number in capitals and groups, a year, a zone, days", async () => {
    await choose("en");
    expect(numberIn(" 0A0A 0a0a-0A0A0A0A 0A0A0A0A0A0A0A0A ")).toBe("0a".repeat(16));
    expect([numberIn("0a".repeat(15)), numberIn(`${"0a".repeat(16)}0`), numberIn("zz".repeat(16))]).toEqual([undefined, undefined, undefined]);
    const evening = Date.UTC(2026, 10, 28, 20, 0, 5);
    expect(stamp(evening)).toBe("2026-11-29T01:00:05+05:00");
    expect(new Date(stamp(evening)).getTime()).toBe(evening);
    for (const l of ["kk", "ru", "en"] as const) expect(fullDate(evening, l)).toMatch(/2026/);
    expect(differenceInWords(576_000 * 60_000)).toMatch(/^400 /);
    expect(differenceInWords(-5 * 60_000)).toMatch(/^5 /);
  });
});

describe("a text of somebody else's", () => {
  it("turns nothing around where it is shown, however deep it lies", async () => {
    const memo = btoa(String.fromCharCode(...new TextEncoder().encode("bread\u202e0051")));
    const line = { id: "5a".repeat(32), index: 1, time_millis: 1, net: 5, transaction: { kind: "transfer", body: { parties: [SHOP, WALLET], payers: 1, memo: { scheme: 1, bytes: memo } } } };
    const payer = await payerWith((path) => (path.includes("/history") ? { lines: [line] } : [{ id: SHOP, name: "Halyk\u2066\u200b\u061c", suspended: false }]), "turned");
    expect((await payer.client.history(WALLET, 1)).lines[0]!.memo).toBe("bread\ufffd0051");
    expect((await payer.client.banks())[0]!.name).toBe("Halyk\ufffd\ufffd\ufffd");
    expect(plainAll({ a: [{ b: "Айгерім 👩\u200d🌾", c: 9223372036854775807n, d: null }] })).toEqual({ a: [{ b: "Айгерім 👩\u200d🌾", c: 9223372036854775807n, d: null }] });
  });
});

describe("the device's box", () => {
  it("opens with its own secret under its own name, and not when a bit is another", async () => {
    const store = await Store.open("box");
    const box = await Box.of(new Uint8Array(32).fill(1), store);
    const value = { amount: (1n << 63n) - 1n, name: "Айгерім", list: ["\0a"] };
    await box.put("contacts", value);
    expect(await box.get("contacts")).toEqual(value);
    expect(await (await Box.of(new Uint8Array(32).fill(2), store)).get("contacts")).toBeUndefined();
    const record = (await store.sealed("contacts"))!;
    expect(record.box).not.toContain(hex(new TextEncoder().encode("Айгерім")));
    await store.saveSealed({ ...record, name: "till" });
    expect(await box.get("till")).toBeUndefined();
    await store.saveSealed({ ...record, box: `${record.box.slice(0, -2)}${record.box.endsWith("00") ? "01" : "00"}` });
    expect(await box.get("contacts")).toBeUndefined();
  });
});

describe("events", () => {
  it("are heard however the bytes are cut", async () => {
    const bytes = new TextEncoder().encode(': aqsha\n\nid: 1.2.3\nevent: entry\ndata: {"net":9223372036854775807,"memo":"нан"}\n\n: alive\n\nid: 2.2.3\nevent: block\ndata: {}\n\n');
    for (let size = 1; size < bytes.length; size += 3) {
      const heard: unknown[] = [];
      const body = new ReadableStream<Uint8Array>({
        start(c) {
          for (let at = 0; at < bytes.length; at += size) c.enqueue(bytes.slice(at, at + size));
          c.close();
        },
      });
      await readEvents(body, (id, event, data) => heard.push([id, event, data]));
      expect(heard).toEqual([
        ["1.2.3", "entry", { net: 9223372036854775807n, memo: "нан" }],
        ["2.2.3", "block", {}],
      ]);
    }
  });
});
