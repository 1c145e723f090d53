// @vitest-environment node
// What is paid once: refunds, and requests that were answered.

import "fake-indexeddb/auto";
import { describe, expect, it } from "vitest";
import { hex, unhex } from "../ledger/bytes";
import { signerOf } from "../ledger/sign";
import { decodeTransaction, item, outputId, transactionId } from "../ledger/transaction";
import { choose, t } from "../words";
import { Client } from "./client";
import { codeOf } from "./codeof";
import { memoOf, wordOf } from "./lines";
import { type Order, type Payer, makeWaiting, prepare, pursue, settle, wait } from "./pay";
import { overRefunded, paidBefore, refundMemo } from "./refund";
import { Store } from "./store";

const NETWORK = "ab".repeat(32);
const OWN = "01".repeat(16);
const CUSTOMER = "02".repeat(16);
const OTHER = "03".repeat(16);
const MILLIS = 1_800_000_000_000;

interface Entry {
  readonly id: string;
  readonly net: number;
  readonly memo: string;
  readonly from: string;
  readonly to: string;
  readonly mark?: readonly [from: number, becomes: number];
}

/** A node with a history in pages of two, the latest first, whose answers to payments a test makes. */
async function payerOf(name: string, entries: () => readonly Entry[], submit: () => unknown = () => [{ receipt: { id: "00", index: 9, time_millis: 1 } }]): Promise<Payer & { sent: number; asked: number }> {
  const payer = { sent: 0, asked: 0 } as Payer & { sent: number; asked: number };
  const send = (async (path: string) => {
    let a: unknown;
    if (path === "/v1/network") a = { network: NETWORK, name: "t", open: false, time_millis: MILLIS };
    else if (path.startsWith("/v1/purposes/")) a = { becomes: path.startsWith("/v1/purposes/7/") ? 7 : 0 };
    else if (path.endsWith("/selections")) a = { tokens: [{ id: "07".repeat(32), amount: 500_000 }], total: 500_000, merge: false };
    else if (path.includes("/history?")) {
      payer.asked++;
      const before = Number(/before=(\d+)/.exec(path)?.[1] ?? entries().length);
      const lines = entries().slice(0, before).slice(-2).reverse();
      const first = before - lines.length;
      a = {
        lines: lines.map((e, i) => ({ id: e.id, index: before - 1 - i, time_millis: MILLIS, net: e.net, transaction: { kind: e.mark ? "marked-transfer" : "transfer", body: { parties: [e.from, e.to], ...(e.mark ? { outputs: [{ party: 0, amount: 1, from: e.mark[0], becomes: e.mark[0] }, { party: 1, amount: e.net, from: e.mark[0], ...(e.mark[1] && { becomes: e.mark[1] }) }] } : { payers: 1 }), memo: { scheme: 1, bytes: btoa(e.memo) } } } })),
        ...(first > 0 && { next: first }),
      };
    } else if (path.endsWith("/releases")) return new Response(null, { status: 204 });
    else {
      payer.sent++;
      a = submit();
    }
    if (a === "lost") throw new TypeError("network");
    return a instanceof Response ? a : new Response(JSON.stringify(a));
  }) as typeof fetch;
  return Object.assign(payer, { network: unhex(NETWORK), signer: await signerOf(new Uint8Array(32).fill(9)), client: new Client("", "https://tenge.example.kz", send), store: await Store.open(name), now: () => MILLIS, pause: async () => {} });
}

const SALE: Entry = { id: "5a".repeat(32), net: 2500, memo: "T-12345678", from: CUSTOMER, to: OWN };
const refund: Order = { wallet: OWN, payee: CUSTOMER, amount: 2500n, memo: refundMemo(SALE) };
const sold = (n: number): Entry => ({ ...SALE, id: `${n}`.repeat(64), memo: "" });
const back = (amount: number, id = "bb".repeat(32)): Entry => ({ id, net: -amount, memo: refundMemo(SALE), from: OWN, to: CUSTOMER });

describe("a refund", () => {
  it("is made once by two tabs that both reviewed it, though the ledger's list is behind", async () => {
    const payer = await payerOf("two tabs", () => [SALE]);
    expect((await settle(payer, await prepare(payer, refund))).state).toBe("done");
    await expect(prepare(payer, refund)).rejects.toMatchObject({ code: "refund-made" });
    expect(payer.sent).toBe(1);
    expect(await payer.store.payments()).toHaveLength(1);
  });

  it("of marked money does not make it free unasked, and goes back marked where the purpose lets it", async () => {
    const bought: Entry = { ...SALE, mark: [3, 0] };
    const payer = await payerOf("marked", () => [bought]);
    expect((await payer.client.history(OWN, 1)).lines[0]!.came).toEqual({ from: 3, becomes: 0 });
    expect((await payer.client.history(CUSTOMER, 1)).lines[0]!.came).toBeUndefined();
    await expect(prepare(payer, refund)).rejects.toMatchObject({ code: "refund-marked" });
    await expect(prepare(payer, { ...refund, purpose: 3 })).rejects.toMatchObject({ code: "refund-marked" }); // its purpose would set it free
    expect(await payer.store.payments()).toHaveLength(0);
    const waits = await wait(payer, { ...refund, freed: true });
    expect((await makeWaiting(payer, OWN, waits)).state).toBe("done"); // as its payer said, also when it waited for a connection
    const kept = await payerOf("kept mark", () => [{ ...SALE, mark: [7, 7] }]);
    await expect(prepare(kept, refund)).rejects.toMatchObject({ code: "refund-marked" });
    for (const amount of [900n, 1600n]) expect(await prepare(kept, { ...refund, amount, purpose: 7 })).toMatchObject({ purpose: 7, state: "prepared" }); // in parts
    await expect(prepare(kept, { ...refund, amount: 1n, purpose: 7 })).rejects.toMatchObject({ code: "refund-made" });
  });

  it("is not made when another device made it, even between choosing the money and signing", async () => {
    const entries = [SALE, sold(1), sold(2), sold(3)];
    const first = await payerOf("another device", () => entries);
    await expect(prepare(first, { ...refund, amount: 2501n })).rejects.toMatchObject({ code: "refund-made" });
    let asked = () => 0;
    const late = await payerOf("meanwhile", () => (asked() > 2 ? [...entries, back(2500)] : entries)); // two pages are the first look
    asked = () => late.asked;
    await expect(prepare(late, refund)).rejects.toMatchObject({ code: "refund-made" });
    expect(late.asked).toBeGreaterThan(2);
    expect(await late.store.payments()).toEqual([]);
  });

  it("of the rest is made, and not counted twice when both journal and ledger have it", async () => {
    const entries = [SALE];
    const payer = await payerOf("in parts", () => entries);
    const made = await settle(payer, await prepare(payer, { ...refund, amount: 1000n }));
    entries.push(back(1000, made.id));
    expect((await settle(payer, await prepare(payer, { ...refund, amount: 1500n }))).state).toBe("done");
    await expect(prepare(payer, { ...refund, amount: 1n })).rejects.toMatchObject({ code: "refund-made" });
  });

  it("in parts that several devices and reloads make never adds up to more than came", async () => {
    const entries = [SALE];
    const sums = [700n, 700n, 500n, 900n, 600n, 1n, 600n]; // of 2,500: the fourth and the last but one are too much
    const verdicts: string[] = [];
    for (const [i, amount] of sums.entries()) {
      const device = await payerOf(i % 2 === 0 ? "parts, till" : `parts, device ${i}`, () => entries); // the till's store is opened anew each time
      try {
        const made = await settle(device, await prepare(device, { ...refund, amount, memo: refundMemo(SALE) }));
        entries.push(back(Number(amount), made.id));
        verdicts.push(made.state);
      } catch (error) {
        verdicts.push(codeOf(error));
      }
      device.store.close();
    }
    expect(verdicts).toEqual(["done", "done", "done", "refund-made", "done", "refund-made", "refund-made"]);
    expect(entries.slice(1).reduce((sum, e) => sum - e.net, 0)).toBe(SALE.net);
  });

  it("of the same sum as one before is made by who says that it is another part", async () => {
    const entries = [SALE];
    const payer = await payerOf("the same part", () => entries);
    const part: Order = { ...refund, amount: 1000n, once: true };
    const made = await settle(payer, await prepare(payer, part));
    entries.push(back(1000, made.id));
    await expect(prepare(payer, part)).rejects.toMatchObject({ code: "paid-before" });
    expect((await settle(payer, await prepare(payer, { ...part, once: false }))).state).toBe("done");
  });

  it("goes to who paid, and only for what came", async () => {
    const payer = await payerOf("who", () => [SALE]);
    await expect(prepare(payer, { ...refund, payee: OTHER })).rejects.toMatchObject({ code: "refund-payee" });
    await expect(prepare(payer, { ...refund, memo: `refund ${"77".repeat(16)}` })).rejects.toMatchObject({ code: "refund-unknown" });
    expect((await settle(payer, await prepare(payer, { ...refund, memo: "refund of last week" }))).state).toBe("done");
  });

  it("that waited is refused with its reason when it was made meanwhile", async () => {
    const payer = await payerOf("waited", () => [SALE, back(2500)]);
    expect(await makeWaiting(payer, OWN, await wait(payer, refund))).toMatchObject({ state: "refused", code: "refund-made" });
    expect(payer.sent).toBe(0);
  });
});

/** A ledger of one wallet's tokens, which executes what spends tokens that are there, and devices that pay from it. Which tokens a
 * payment gets is by chance, as it is where a shop has many. */
class Till {
  readonly lines: { id: string; index: number; net: number; memo: string; body: unknown }[] = [];
  readonly live = new Map<string, number>();

  async receive(id: string, amount: number, memo: string): Promise<void> {
    this.live.set(hex(await outputId(unhex(id, 32), 0)), amount);
    this.enter(id, amount, memo, { parties: [CUSTOMER, OWN], payers: 1, inputs: [], outputs: [{ party: 1, amount }], memo: { scheme: 1, bytes: btoa(memo) } });
  }

  private enter(id: string, net: number, memo: string, body: unknown): void {
    this.lines.push({ id, index: this.lines.length, net, memo, body });
  }

  async execute(bytes: Uint8Array): Promise<unknown> {
    const tx = decodeTransaction(bytes);
    const inputs = (item(tx, "inputs") as Uint8Array[]).map(hex);
    if (inputs.some((i) => !this.live.has(i))) return [{ problem: { code: "token-not-live", status: 422, detail: "" } }];
    for (const i of inputs) this.live.delete(i);
    const id = hex(await transactionId(tx.body));
    const parties = (item(tx, "parties") as Uint8Array[]).map(hex);
    const outputs = (item(tx, "outputs") as [bigint, bigint][]).map(([party, amount]) => ({ party: Number(party), amount: Number(amount) }));
    let net = 0;
    for (const [place, o] of outputs.entries()) {
      if (parties[o.party] === OWN) this.live.set(hex(await outputId(unhex(id, 32), place)), o.amount);
      else net -= o.amount;
    }
    const memo = new TextDecoder().decode((item(tx, "memo") as unknown[])[1] as Uint8Array);
    this.enter(id, net, memo, { parties, payers: 1, inputs, outputs, memo: { scheme: 1, bytes: btoa(memo) } });
    return [{ receipt: { id, index: this.lines.length, time_millis: 1 } }];
  }

  async device(name: string): Promise<Payer> {
    const payer = await payerOf(name, () => []);
    const send = (async (path: string, init?: RequestInit) => {
      let a: unknown;
      if (path === "/v1/network") a = { network: NETWORK, name: "t", open: false, time_millis: MILLIS };
      else if (path.startsWith("/v1/tokens/")) a = { live: this.live.has(path.slice("/v1/tokens/".length)) };
      else if (path.endsWith("/selections")) {
        const { amount } = JSON.parse(String(init?.body)) as { amount: number };
        const tokens: { id: string; amount: number }[] = [];
        let total = 0;
        for (const [id, has] of [...this.live].sort(() => Math.random() - 0.5)) if (total < amount) (tokens.push({ id, amount: has }), (total += has));
        a = { tokens, total, merge: false };
      } else if (path.includes("/history?")) a = { lines: [...this.lines].reverse().map((l) => ({ ...l, time_millis: MILLIS, transaction: { kind: "transfer", body: l.body } })) };
      else if (path.endsWith("/releases")) return new Response(null, { status: 204 });
      else a = await this.execute(init?.body as Uint8Array);
      return new Response(JSON.stringify(a));
    }) as typeof fetch;
    return { ...payer, client: new Client("", "https://tenge.example.kz", send) };
  }

  givenBack(): number {
    return this.lines.reduce((sum, l) => (l.memo === refundMemo(SALE) ? sum - l.net : sum), 0);
  }
}

describe("two devices that give back in the same instant", () => {
  const pay = (d: Payer, o: Order) => prepare(d, o).then((made) => ({ o, made }));

  it("give back once, whichever money each was given for it, and the other says that it was made", async () => {
    for (let round = 0; round < 20; round++) {
      const till = new Till();
      for (let i = 1; i < 6; i++) await till.receive(`${i}`.repeat(64), 3000, "earlier");
      await till.receive(SALE.id, 2500, SALE.memo);
      for (let i = 6; i < 9; i++) await till.receive(`${i}`.repeat(64), 3000, "later");
      const devices = [await till.device(`round ${round}, one`), await till.device(`round ${round}, two`)];
      const prepared = await Promise.all(devices.map((d) => pay(d, { ...refund, amount: 1500n }))); // each alone would be in order
      const verdicts = await Promise.all(devices.map((d, i) => pursue(d, prepared[i]!.o, prepared[i]!.made)));
      expect(verdicts.map((v) => v.code ?? v.state).sort()).toEqual(["done", "refund-made"]);
      expect(till.givenBack()).toBe(1500);
      for (const d of devices) expect(await d.store.payments()).toHaveLength(1); // what was made anew stands in its place
    }
  });

  it("give back both parts that fit, the later of other money", async () => {
    const till = new Till();
    await till.receive(SALE.id, 2500, SALE.memo);
    for (let i = 1; i < 9; i++) await till.receive(`${i}`.repeat(64), 3000, "later");
    const devices = [await till.device("fits, one"), await till.device("fits, two")];
    const prepared = await Promise.all(devices.map((d) => pay(d, { ...refund, amount: 1250n })));
    expect((await Promise.all(devices.map((d, i) => pursue(d, prepared[i]!.o, prepared[i]!.made)))).map((v) => v.state)).toEqual(["done", "done"]);
    expect(till.givenBack()).toBe(2500);
    expect([...till.live.values()].reduce((a, b) => a + b)).toBe(8 * 3000); // what was spent beside came back as change
  });

  it("spend the same also when what came was spent on since, and when one of them waited", async () => {
    const till = new Till();
    await till.receive(SALE.id, 2500, SALE.memo);
    const third = await till.device("spent on, third");
    await settle(third, await prepare(third, { ...refund, payee: OTHER, amount: 2400n, memo: "flour" }));
    for (let i = 1; i < 9; i++) await till.receive(`${i}`.repeat(64), 3000, "later");
    const [one, two] = [await till.device("spent on, one"), await till.device("spent on, two")];
    const { o, made } = await pay(one, refund);
    const waiting = await wait(two, refund);
    const [first, second] = [await makeWaiting(two, OWN, waiting), await pursue(one, o, made)];
    expect([first.state, first.waited, second.code]).toEqual(["done", waiting.id, "refund-made"]);
    expect(till.givenBack()).toBe(2500);
  });
});

const request: Order = { wallet: OWN, payee: OTHER, amount: 150_050n, memo: "invoice 7", once: true };
const paid: Entry = { id: "cc".repeat(32), net: -150_050, memo: "invoice 7", from: OWN, to: OTHER };

describe("a request", () => {
  it("is paid twice only by who says so", async () => {
    const payer = await payerOf("twice", () => []);
    expect(await paidBefore(payer, request)).toBeUndefined();
    await settle(payer, await prepare(payer, request));
    expect(await paidBefore(payer, request)).toEqual({ millis: MILLIS, waits: false });
    await expect(prepare(payer, request)).rejects.toMatchObject({ code: "paid-before" });
    expect((await settle(payer, await prepare(payer, { ...request, once: false }))).state).toBe("done");
    expect(payer.sent).toBe(2);
  });

  it("that another phone of this wallet paid is known, however long ago within the pages that are read", async () => {
    const payer = await payerOf("another phone", () => [paid, sold(1), sold(2), sold(3), sold(4)]);
    await expect(prepare(payer, request)).rejects.toMatchObject({ code: "paid-before" });
    expect(payer.asked).toBe(3);
  });

  it("of another sum, words, payee or time is another", async () => {
    const payer = await payerOf("another", () => [paid]);
    for (const other of [{ amount: 150_051n }, { memo: "invoice 8" }, { payee: CUSTOMER }]) expect(await paidBefore(payer, { ...request, ...other })).toBeUndefined();
    const timed: Order = { ...request, memo: "", until: MILLIS + 1000 };
    await settle(payer, await prepare(payer, timed));
    expect(await paidBefore(payer, timed)).toBeDefined();
    expect(await paidBefore(payer, { ...timed, until: MILLIS + 2000 })).toBeUndefined();
  });

  it("that was refused may be paid again", async () => {
    const payer = await payerOf("refused", () => [], () => [{ problem: { code: "frozen", status: 422, detail: "" } }]);
    expect((await settle(payer, await prepare(payer, request))).state).toBe("refused");
    expect((await settle(payer, await prepare(payer, request))).state).toBe("refused");
  });

  it("that waits for a connection waits once, and is paid once", async () => {
    const payer = await payerOf("waits once", () => []);
    const one = await wait(payer, request);
    expect(await wait(payer, request)).toEqual(one);
    const again = await wait(payer, { ...request, once: false });
    expect(again.id).not.toBe(one.id);
    expect((await makeWaiting(payer, OWN, one)).state).toBe("done");
    expect((await makeWaiting(payer, OWN, one)).code).toBe("paid-before");
    expect(payer.sent).toBe(1);
  });
});

describe("a device whose storage is deleted while the wallet is open", () => {
  it("signs nothing, sends nothing and says so", async () => {
    const payer = await payerOf("deleted", () => []);
    let said = 0;
    payer.store.gone = () => said++;
    await new Promise((done) => (indexedDB.deleteDatabase("deleted").onsuccess = done));
    expect(said).toBeGreaterThan(0);
    const refused = await prepare(payer, { ...request, once: false }).catch((error: unknown) => error);
    expect(codeOf(refused)).toBe("storage-gone");
    expect(payer.sent).toBe(0);
  });
});

describe("a line of the history", () => {
  const line = { id: "5a".repeat(32), index: 1n, millis: MILLIS, net: 2500n, kind: "transfer", parties: [CUSTOMER, OWN], payers: 1, memo: "T-12345678" };

  it("says what a refund gave back by its day and sum, in each language, and never its number", async () => {
    for (const l of ["kk", "ru", "en"] as const) {
      await choose(l);
      const said = memoOf({ memo: refundMemo(line) }, [line]);
      expect(said).toMatch(/25[.,]00/);
      expect(said + memoOf({ memo: refundMemo(line) }, [])).not.toMatch(/5a5a|refund /);
      expect(memoOf({ memo: "refund of last week" }, [line])).toBe("refund of last week");
    }
  });

  it("tells opening, level and new key apart", () => {
    const words = ["register", "update", "rekey", "cancel-rekey", "vouch"].map((kind) => t(wordOf({ ...line, net: 0n, kind })));
    expect(new Set(words).size).toBe(5);
  });
});

describe("two devices that gave back in the same instant", () => {
  const line = (id: string, net: bigint, memo: string) => ({ id, index: 1n, millis: MILLIS, net, kind: "transfer", parties: net > 0n ? [CUSTOMER, OWN] : [OWN, CUSTOMER], payers: 1, memo });
  const payment = line("aa".repeat(32), 5_000n, "T-1");
  const back = (id: string, sum: bigint) => line(id.repeat(32), -sum, refundMemo(payment));

  it("are found in the history: what was given back is more than what came", () => {
    expect(overRefunded([back("b1", 5_000n), back("b2", 5_000n), payment])).toEqual([{ payment, over: 5_000n }]);
    expect(overRefunded([back("b1", 3_000n), back("b2", 2_001n), payment])).toEqual([{ payment, over: 1n }]);
  });

  it("are not seen where nothing was given back twice, nor where the payment is not among the lines", () => {
    expect(overRefunded([back("b1", 3_000n), back("b2", 2_000n), payment])).toEqual([]);
    expect(overRefunded([payment, line("cc".repeat(32), -9_000n, "refund of something")])).toEqual([]);
    expect(overRefunded([back("b1", 5_000n), back("b2", 5_000n)])).toEqual([]);
  });
});
