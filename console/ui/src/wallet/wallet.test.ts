// @vitest-environment node
// What the wallet relies on: the journal before sending, one payment for many taps, codes, amounts, the vault.

import "fake-indexeddb/auto";
import { describe, expect, it, vi } from "vitest";
import { date, ends, money, parseAmount, time } from "../format";
import { amountOf, parse, stringify } from "../json";
import { hex, unhex } from "../ledger/bytes";
import { signerOf } from "../ledger/sign";
import { decodeTransaction, item } from "../ledger/transaction";
import { Client, Refusal } from "./client";
import { codeOf } from "./codeof";
import { type Payer, prepare, settle, wait } from "./pay";
import { groupsOf, recoveryCode, seedOf } from "./recovery";
import { formatRequest, parseRequest, checkRequest } from "./request";
import { Full, Store } from "./store";
import { LEAST_WORK, MOST_WORK, workFor } from "./stretch";
import { open, seal } from "./vault";

const NETWORK = "ab".repeat(32);
const WALLET = "01".repeat(16);
const SHOP = "02".repeat(16);

/** A node that answers what a test says. */
function nodeThat(submit: (bytes: Uint8Array, attempt: number) => Response | "lost", tokens = [{ id: "07".repeat(32), amount: 500000 }], total: unknown = 500000, merge = false): { client: Client; sent: Uint8Array[]; freed: unknown[] } {
  const sent: Uint8Array[] = [];
  const freed: unknown[] = [];
  const json = (v: unknown) => new Response(JSON.stringify(v));
  const send = (async (path: string, init?: RequestInit) => {
    if (path === "/v1/network") return json({ network: NETWORK, name: "test", open: false, time_millis: 1_800_000_000_000 });
    if (path.endsWith("/selections")) return json({ tokens, total, merge });
    if (path.startsWith("/v1/purposes/3/check?")) return path.includes(SHOP) ? json({ purpose: 3, becomes: 0 }) : new Response(JSON.stringify({ code: "purpose-forbids", status: 422 }), { status: 422 });
    if (path.endsWith("/releases")) {
      freed.push(...(JSON.parse(String(init?.body)) as { tokens: unknown[] }).tokens);
      return new Response(null, { status: 204 });
    }
    sent.push(init?.body as Uint8Array);
    const answer = submit(init?.body as Uint8Array, sent.length);
    if (answer === "lost") throw new TypeError("network");
    return answer;
  }) as typeof fetch;
  return { client: new Client("", "https://tenge.example.kz", send), sent, freed };
}

async function payerAt(client: Client, name: string): Promise<Payer> {
  return { network: unhex(NETWORK), signer: await signerOf(new Uint8Array(32).fill(9)), client, store: await Store.open(name), now: () => 1, pause: async () => {} };
}

const receipt = () => new Response(JSON.stringify([{ receipt: { id: "00", index: 7, height: 3, time_millis: 1 } }]));
const problem = (code: string, status: number) => new Response(JSON.stringify([{ problem: { code, status, detail: "no" } }]));
const order = { wallet: WALLET, payee: SHOP, amount: 120050n, memo: "нан" };

describe("a payment", () => {
  it("is written down before it is sent, and pays what was shown", async () => {
    const { client, sent } = nodeThat(receipt);
    const payer = await payerAt(client, "a");
    const made = await prepare(payer, order);
    expect(sent).toHaveLength(0);
    expect(await payer.store.payment(made.id)).toEqual(made);
    const tx = decodeTransaction(unhex(made.bytes));
    expect(item(tx, "outputs")).toEqual([[1n, 120050n], [0n, 379950n]]);
    expect(await settle(payer, made)).toMatchObject({ state: "done", index: 7 });
  });

  it("of marked money signs what it becomes, and keeps the mark of what is left; where it may not go nothing is signed", async () => {
    const { client } = nodeThat(receipt);
    const payer = await payerAt(client, "marked");
    const made = await prepare(payer, { ...order, purpose: 3 });
    const tx = decodeTransaction(unhex(made.bytes));
    expect([tx.kind.name, item(tx, "outputs"), made.purpose]).toEqual(["marked-transfer", [[1n, 120050n, 3n, 0n], [0n, 379950n, 3n, 3n]], 3]);
    await expect(prepare(payer, { ...order, payee: "03".repeat(16), purpose: 3 })).rejects.toThrow("purpose-forbids");
    expect(await payer.store.payments()).toHaveLength(1);
  });

  it("of a request is not signed from its time on, though it was looked at before, nor kept to be made later", async () => {
    let now = 1_800_000_000_000;
    const { client, sent } = nodeThat(receipt);
    client.network = async () => ({ network: NETWORK, name: "test", open: false, timeMillis: now });
    const payer = { ...(await payerAt(client, "over")), now: () => now };
    const until = now + 17_000;
    await expect(prepare(payer, { ...order, until: now })).rejects.toMatchObject({ code: "request-over" });
    const made = await prepare(payer, { ...order, until });
    expect(made.validUntil).toBe(until - 1); // the ledger takes it at its last moment, and no later
    expect((await prepare(payer, { ...order, memo: "later", until: until + 300_000 })).validUntil).toBe(now + 120_000);
    const select = client.select.bind(client);
    client.select = async (...a) => ((now = until), select(...a)); // time goes by while the money is chosen
    await expect(prepare(payer, { ...order, until })).rejects.toMatchObject({ code: "request-over" });
    await expect(wait(payer, { ...order, until })).rejects.toMatchObject({ code: "request-over" });
    expect([sent.length, (await payer.store.payments()).length]).toEqual([0, 2]);
  });

  it("of a request that comes too late to the ledger is over as the request is", async () => {
    const { client } = nodeThat(() => problem("expired", 422));
    const payer = await payerAt(client, "late");
    expect(await settle(payer, await prepare(payer, { ...order, until: 1_800_000_000_050 }))).toMatchObject({ state: "lapsed", code: "request-over" });
    expect(await settle(payer, await prepare(payer, { ...order, until: 1_800_009_000_000 }))).toMatchObject({ state: "lapsed", code: "expired" });
  });

  it("is sent again, the same bytes, until there is an answer", async () => {
    const { client, sent } = nodeThat((_, attempt) => (attempt < 4 ? (attempt === 2 ? problem("overloaded", 429) : "lost") : receipt()));
    const payer = await payerAt(client, "b");
    const made = await prepare(payer, order);
    expect((await settle(payer, made)).state).toBe("done");
    expect(sent).toHaveLength(4);
    expect(new Set(sent.map(hex)).size).toBe(1);
  });

  it("goes on after a reload with what was written down", async () => {
    const first = nodeThat(() => "lost");
    const before = await payerAt({ ...first.client, select: first.client.select.bind(first.client), network: first.client.network.bind(first.client) } as unknown as Client, "c");
    const made = await prepare(before, order);
    before.store.close();
    const second = nodeThat(receipt);
    const after = await payerAt(second.client, "c");
    const [left] = await after.store.payments();
    expect(left).toEqual(made);
    expect((await settle(after, left!)).state).toBe("done");
    expect(hex(second.sent[0]!)).toBe(made.bytes);
  });

  it.each([["insufficient-funds", 422, "refused"], ["expired", 422, "lapsed"]] as const)("that is refused by %s is not sent again", async (code, status, state) => {
    const { client, sent, freed } = nodeThat(() => problem(code, status));
    const payer = await payerAt(client, `d-${code}`);
    expect(await settle(payer, await prepare(payer, order))).toMatchObject({ state, code });
    expect(sent).toHaveLength(1);
    expect(freed).toEqual(["07".repeat(32)]);
  });

  it("that is not made frees what was chosen for it, one that is made does not, and a lost release changes nothing", async () => {
    const { client, freed } = nodeThat(receipt);
    const payer = await payerAt(client, "freed");
    expect((await settle(payer, await prepare(payer, order))).state).toBe("done");
    expect(freed).toEqual([]);
    const full = payer.store.savePayment.bind(payer.store);
    payer.store.savePayment = async () => Promise.reject(new Full("the device has no room"));
    await expect(prepare(payer, order)).rejects.toBeInstanceOf(Full);
    expect(freed).toEqual(["07".repeat(32)]);
    client.release = async () => Promise.reject(new Error("lost"));
    await expect(prepare(payer, order)).rejects.toBeInstanceOf(Full);
    payer.store.savePayment = full;
    expect((await settle(payer, await prepare(payer, order))).state).toBe("done");
  });

  it("is not sent where the device has no room, whether it says so at once or at the end, and the reason is said", async () => {
    const { client, sent } = nodeThat(receipt);
    const payer = await payerAt(client, "quota");
    const put = vi.spyOn(IDBObjectStore.prototype, "put").mockImplementation(() => {
      throw new DOMException("no room", "QuotaExceededError");
    });
    try {
      const refused: unknown = await prepare(payer, order).catch((error: unknown) => error);
      expect([refused instanceof Full, codeOf(refused), sent.length]).toEqual([true, "full", 0]);
    } finally {
      put.mockRestore();
    }
    expect((await settle(payer, await prepare(payer, order))).state).toBe("done");
  });

  it("of more than the tokens have is not signed", async () => {
    const { client } = nodeThat(receipt);
    await expect(prepare(await payerAt(client, "e"), { ...order, amount: 500001n })).rejects.toThrow("out-of-range");
  });

  it("reads amounts beyond 2^53 without loss", async () => {
    const most = (1n << 63n) - 1n;
    expect(amountOf((parse(`{"total": ${most}}`) as { total: unknown }).total)).toBe(most);
    expect(parse('{"a": "9007199254740993", "b": -9007199254740993, "c": [1.5, "\\"1234567890123456789"]}')).toEqual({ a: "9007199254740993", b: -9007199254740993n, c: [1.5, '"1234567890123456789'] });
  });
});

describe("a purpose", () => {
  it("that made room for another has no name, least of all the next one's", async () => {
    const all = [{ number: 2, name: "books" }, { number: 5, name: "meals" }];
    const send = (async (path: string) => {
      const after = Number(new URL(path, "https://x").searchParams.get("after"));
      return new Response(JSON.stringify(all.filter((p) => p.number > after).slice(0, 1)));
    }) as typeof fetch;
    const client = new Client("", "https://tenge.example.kz", send);
    expect(await client.purpose(2)).toEqual({ name: "books", about: "" });
    expect(await client.purpose(4)).toBeUndefined();
    expect(await client.purpose(6)).toBeUndefined();
  });
});

describe("requests", () => {
  const full = { network: NETWORK, to: SHOP, amount: 150050n, reference: "чек 17 & 5%", until: 1_900_000_000_000 };

  it("come back as they were written, from codes and links", () => {
    expect(parseRequest(formatRequest(full))).toEqual(full);
    expect(parseRequest(formatRequest(full, "https://tenge.example.kz/wallet/"))).toEqual(full);
    expect(parseRequest(`aqsha:pay?network=${NETWORK}&to=${SHOP}&later=1`)).toEqual({ network: NETWORK, to: SHOP });
  });

  it.each([
    ["request-foreign", "bitcoin:bc1qxyz?amount=1"],
    ["request-unknown", "https://example.com/"],
    ["request-doubled", `aqsha:pay?network=${NETWORK}&to=${SHOP}&to=${SHOP}`],
    ["request-newer", `aqsha:pay?network=${NETWORK}&to=${SHOP}&req-split=2`],
    ["request-form", `aqsha:pay?network=${NETWORK}&to=${SHOP}&amount=0`],
    ["request-form", `aqsha:pay?network=${NETWORK}&to=${SHOP}&amount=-5`],
    ["request-form", `aqsha:pay?network=${NETWORK}&to=${SHOP}&amount=1e5`],
    ["request-form", `aqsha:pay?network=${NETWORK}&to=${SHOP}&amount=9223372036854775808`],
    ["request-form", `aqsha:pay?network=${NETWORK}&to=${SHOP}&reference=%E0`],
    ["request-long", `aqsha:pay?network=${NETWORK}&to=${SHOP}&reference=${"x".repeat(65)}`],
    ["wrong-length", `aqsha:pay?network=${NETWORK}&to=0202`],
  ])("refuse with %s", (code, text) => {
    expect(() => parseRequest(text)).toThrow(code);
  });

  it("are for this network and in time", () => {
    expect(() => checkRequest(full, unhex("cd".repeat(32)), 0)).toThrow("request-network");
    expect(() => checkRequest(full, unhex(NETWORK), full.until)).toThrow("request-over");
    checkRequest(full, unhex(NETWORK), full.until - 1);
  });
});

describe("what people type and read", () => {
  it.each([["1 500,50", 150050n], ["1500.5", 150050n], ["0,01", 1n], ["12 ₸", 1200n], ["", "amount-empty"], ["1e5", "amount-form"], ["-3", "amount-form"], ["１２", "amount-form"], ["1,234", "amount-decimals"], ["0", "amount-zero"], ["92233720368547758,08", "amount-large"]])("%s", (text, want) => {
    expect(parseAmount(text)).toBe(want);
  });

  it("writes days with the language's own months, at the network's clock", () => {
    const evening = Date.UTC(2026, 10, 28, 20, 5); // 01:05 on the 29th there
    expect([date(evening, "kk", evening), date(evening, "ru", evening), date(evening, "en", evening), time(evening, "kk")]).toEqual(["29\u00a0қараша", "29\u00a0ноября", "29\u00a0November", "01:05"]);
    expect(time(Date.UTC(2026, 0, 1, 19, 0), "en")).toBe("00:00");
  });

  it("writes money as the language does", () => {
    expect(money(123456750n, "ru")).toBe("1\u00a0234\u00a0567,50\u00a0₸");
    expect(money(-5n, "kk")).toBe("−0,05\u00a0₸");
    expect(money((1n << 63n) - 1n, "en")).toBe("92,233,720,368,547,758.07\u00a0₸");
    expect(ends("0123456789abcdef")).toBe("0123…cdef");
  });
});

describe("JSON", () => {
  it("keeps every integer and every text, both ways", () => {
    const values = [{ a: 9223372036854775807n, b: "x", c: ["\0" + "12", "\0", "\0\0" + "5", '"\0' + "1234567890123456789"], d: -9223372036854775808n, e: 1.5, f: null }];
    for (const v of values) expect(parse(stringify(v))).toEqual(v);
    expect(stringify({ amount: 9223372036854775807n })).toBe('{"amount":9223372036854775807}');
    expect(parse('{"name":"\\u0000abc"}')).toEqual({ name: "\0abc" }); // a name that was meant to break the page
    expect(parse('["\\u00001234567890123456789",1234567890123456789]')).toEqual(["\0" + "1234567890123456789", 1234567890123456789n]);
  });
});

describe("the device", () => {
  it("opens its seed with the passphrase alone, as it was written", async () => {
    const seed = crypto.getRandomValues(new Uint8Array(32));
    const { publicKey } = await signerOf(seed);
    const sealed = await seal(seed, "бес қарға үйде", unhex(NETWORK), publicKey);
    expect(hex((await open(sealed, "бес қарға үйде", unhex(NETWORK), publicKey))!)).toBe(hex(seed));
    expect(await open(sealed, "бес қарға", unhex(NETWORK), publicKey)).toBeUndefined();
    expect(await open(sealed, "бес қарға үйде", unhex("cd".repeat(32)), publicKey)).toBeUndefined();
    expect(await open({ ...sealed, memory: 8 }, "бес қарға үйде", unhex(NETWORK), publicKey)).toBeUndefined();
  });

  it("comes back from its recovery code, and from no other", async () => {
    const seed = crypto.getRandomValues(new Uint8Array(32));
    const code = await recoveryCode(seed);
    expect(groupsOf(code)).toHaveLength(14);
    expect(hex((await seedOf(code))!)).toBe(hex(seed));
    expect(hex((await seedOf(code.toLowerCase().replace(/ /g, "-").replace(/0/g, "o").replace(/1/g, "l")))!)).toBe(hex(seed));
    let wrong = 0;
    for (let at = 0; at < code.length; at++) {
      if (code[at] === " ") continue;
      const other = code.slice(0, at) + (code[at] === "7" ? "8" : "7") + code.slice(at + 1);
      if (await seedOf(other)) wrong++;
    }
    expect(wrong).toBe(0);
    expect(await seedOf("7777")).toBeUndefined();
  });
});

it("a refusal keeps its code", () => {
  expect(new Refusal(422, "limit-day", "x").code).toBe("limit-day");
});

describe("stretching", () => {
  it("takes a device about a second, never less than the least work, never more than what is opened again", () => {
    expect(workFor(3_000)).toEqual(LEAST_WORK);
    expect(workFor(400)).toEqual({ ...LEAST_WORK, passes: 5 });
    expect(workFor(0).passes).toBe(MOST_WORK.passes);
    for (let millis = 1; millis < 5_000; millis += 7) {
      const { passes, memory } = workFor(millis);
      expect(passes >= LEAST_WORK.passes && passes <= MOST_WORK.passes && memory === LEAST_WORK.memory).toBe(true);
      if (passes > LEAST_WORK.passes) expect((passes * millis) / LEAST_WORK.passes).toBeLessThanOrEqual(1_000);
    }
  });
});
