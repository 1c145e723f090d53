// @vitest-environment node
// What bad input gets: a code and a field, and nothing changed. A row for each kind.

import "fake-indexeddb/auto";
import { describe, expect, it } from "vitest";
import QRCode from "qrcode";
import { parseAmount } from "../format";
import { RuleError, unhex } from "../ledger/bytes";
import { signerOf } from "../ledger/sign";
import { decodeTransaction } from "../ledger/transaction";
import { Client } from "./client";
import { codeOf } from "./codeof";
import { type Payer, prepare } from "./pay";
import { cameraFault, codeIn } from "./picture";
import { checkRequest, parseRequest, saidCode } from "./request";
import { Full, Store } from "./store";

const NETWORK = "ab".repeat(32);
const TO = "02".repeat(16);
const request = (fields: string, network = NETWORK, to = TO) => `aqsha:pay?network=${network}&to=${to}${fields}`;

/** What a text is refused with, where it is read or where it is held against this network and time. */
function refusedWith(text: string): { code: string; field: string } | "taken" {
  try {
    checkRequest(parseRequest(text), unhex(NETWORK), 1_800_000_000_000);
  } catch (error) {
    if (error instanceof RuleError) return { code: error.code, field: error.field };
    throw error;
  }
  return "taken";
}

describe("a code that lacks a field", () => {
  it.each([
    ["request-no-network", `aqsha:pay?to=${"02".repeat(16)}&amount=5`],
    ["request-no-network", "aqsha:pay?amount=5"],
    ["request-no-payee", `aqsha:pay?network=${"ab".repeat(32)}&amount=5`],
    ["request-no-payee", `aqsha:pay?network=${"ab".repeat(32)}&to=`],
    ["request-no-payee", `aqsha:pay?network=${"ab".repeat(32)}&to=0202`],
    ["request-form", `aqsha:pay?network=${"ab".repeat(32)}&to=${"02".repeat(16)}&amount=x`],
  ])("is said by %s", (code, text) => {
    let said = "";
    try {
      parseRequest(text);
    } catch (error) {
      said = saidCode(error as RuleError);
    }
    expect(said).toBe(code);
  });
});

describe("a request", () => {
  it.each([
    ["a wrong network", request("", "cd".repeat(32)), "request-network", "network"],
    ["an expired one", request("&until=1799999999999"), "request-over", "until"],
    ["one that ends now", request("&until=1800000000000"), "request-over", "until"],
    ["a doubled field", request("&amount=1&amount=2"), "request-doubled", "amount"],
    ["an unknown critical field", request("&req-tip=1"), "request-newer", "req-tip"],
    ["an over-long reference", request(`&reference=${"x".repeat(65)}`), "request-long", "reference"],
    ["an over-long code", request(`&x=${"y".repeat(1024)}`), "request-long", "request"],
    ["a reference that turns around", request("&reference=bread%E2%80%AE0051"), "request-form", "reference"],
    ["a reference with what a terminal obeys", request("&reference=%1B%5B2J"), "request-form", "reference"],
    ["nothing", request("&amount=0"), "request-form", "amount"],
    ["less than nothing", request("&amount=-5"), "request-form", "amount"],
    ["2^63", request("&amount=9223372036854775808"), "request-form", "amount"],
    ["1e5", request("&amount=1e5"), "request-form", "amount"],
    ["decimals", request("&amount=1.005"), "request-form", "amount"],
    ["full-width digits", request("&amount=１２"), "request-form", "amount"],
    ["the same, percent-encoded", request("&amount=%EF%BC%91"), "request-form", "amount"],
    ["a broken percent", request("&reference=%E0%A4%A"), "request-form", "reference"],
    ["a short payee", request("", NETWORK, "02"), "wrong-length", "to"],
    ["a payee in capitals", request("", NETWORK, "AB".repeat(16)), "not-hexadecimal", "to"],
    ["a code of Bitcoin", "bitcoin:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4?amount=0.1", "request-foreign", "request"],
    ["a page's address", "https://tenge.example.kz/", "request-unknown", "request"],
    ["no text", "", "request-unknown", "request"],
  ])("with %s is refused, by field and rule", (_, text, code, field) => {
    expect(refusedWith(text)).toEqual({ code, field });
  });

  it("that is right is taken", () => {
    expect(refusedWith(request("&amount=9223372036854775807&until=1800000000001"))).toBe("taken");
  });
});

describe("an amount that is typed", () => {
  it.each([
    ["", "amount-empty"],
    ["0", "amount-zero"],
    ["0,00", "amount-zero"],
    ["-5", "amount-form"],
    ["1e5", "amount-form"],
    ["12,345", "amount-decimals"],
    ["１２", "amount-form"],
    ["0x10", "amount-form"],
    ["92233720368547758.08", "amount-large"],
    ["NaN", "amount-form"],
  ] as const)("%j is %s", (text, code) => {
    expect(parseAmount(text)).toBe(code);
  });
});

/** A picture of a code: four pixels a module, with a quiet margin. */
function pictureOf(text: string): { data: Uint8ClampedArray; width: number; height: number } {
  const { modules } = QRCode.create(text);
  const side = (modules.size + 8) * 4;
  const data = new Uint8ClampedArray(side * side * 4).fill(255);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const [mx, my] = [Math.floor(x / 4) - 4, Math.floor(y / 4) - 4];
      if (mx < 0 || my < 0 || mx >= modules.size || my >= modules.size || !modules.get(my, mx)) continue;
      data.set([0, 0, 0], (y * side + x) * 4);
    }
  }
  return { data, width: side, height: side };
}

describe("a picture", () => {
  it("that is a code is read, and one that is none is none", () => {
    expect(codeIn(pictureOf(request("&amount=5")))).toBe(request("&amount=5"));
    const white = { data: new Uint8ClampedArray(200 * 200 * 4).fill(255), width: 200, height: 200 };
    expect(codeIn(white)).toBeUndefined();
    const noise = { data: Uint8ClampedArray.from({ length: 200 * 200 * 4 }, (_, i) => (i * 2654435761) >>> 24), width: 200, height: 200 };
    expect(codeIn(noise)).toBeUndefined();
    const cut = pictureOf(request("&amount=5"));
    cut.data.fill(255, 0, cut.data.length / 2);
    expect(codeIn(cut)).toBeUndefined();
  });

  it.each([
    ["NotAllowedError", "camera.refused"],
    ["NotFoundError", "camera.absent"],
    ["NotReadableError", "camera.busy"],
    ["SecurityError", "camera.refused"],
  ])("without a camera says which it is: %s", (name, key) => {
    expect(cameraFault(new DOMException("no", name))).toBe(key);
  });
});

/** A node whose time is this, and which counts what it is sent. */
function nodeAt(timeMillis: number): { client: Client; sent: number[] } {
  const sent: number[] = [];
  const send = (async (path: string) => {
    if (path === "/v1/network") return new Response(JSON.stringify({ network: NETWORK, name: "test", open: false, time_millis: timeMillis }));
    if (path.endsWith("/selections")) return new Response(JSON.stringify({ tokens: [{ id: "07".repeat(32), amount: 5000 }], total: 5000, merge: false }));
    if (path.endsWith("/releases")) return new Response(null, { status: 204 });
    sent.push(1);
    return new Response("[]");
  }) as typeof fetch;
  return { client: new Client("", "https://tenge.example.kz", send), sent };
}

async function payerOf(client: Client, store: Store, now: number): Promise<Payer> {
  return { network: unhex(NETWORK), signer: await signerOf(new Uint8Array(32).fill(9)), client, store, now: () => now, pause: async () => {} };
}
const order = { wallet: "01".repeat(16), payee: TO, amount: 500n, memo: "" };

describe("a device", () => {
  it("whose clock is ten minutes off signs by the network's time", async () => {
    const network = 1_800_000_000_000;
    for (const off of [-600_000, 600_000]) {
      const { client } = nodeAt(network);
      const made = await prepare(await payerOf(client, await Store.open(`clock ${off}`), network + off), order);
      expect(decodeTransaction(unhex(made.bytes)).body[1]).toBe(BigInt(network) + 120_000n);
    }
  });

  it("that is full pays nothing, and says so", async () => {
    const { client, sent } = nodeAt(1_800_000_000_000);
    const store = await Store.open("full");
    const put = IDBObjectStore.prototype.put;
    IDBObjectStore.prototype.put = function (this: IDBObjectStore) {
      const request = put.call(this, { id: "x" });
      this.transaction.abort();
      Object.defineProperty(this.transaction, "error", { value: new DOMException("full", "QuotaExceededError") });
      return request;
    };
    let refused: unknown;
    try {
      await prepare(await payerOf(client, store, 0), order);
    } catch (error) {
      refused = error;
    } finally {
      IDBObjectStore.prototype.put = put;
    }
    expect(refused).toBeInstanceOf(Full);
    expect(codeOf(refused)).toBe("full");
    expect(sent).toHaveLength(0);
    expect(await store.payments()).toEqual([]);
  });

  it("that keeps nothing says so before a wallet is made", async () => {
    const open = indexedDB.open;
    indexedDB.open = () => {
      throw new DOMException("private window", "SecurityError");
    };
    try {
      await expect(Promise.resolve().then(() => Store.open("private"))).rejects.toThrow();
    } finally {
      indexedDB.open = open;
    }
  });

  it("with an older page open in another tab lets the newer one go on", async () => {
    const older = await new Promise<IDBDatabase>((done) => {
      const request = indexedDB.open("tabs", 1);
      request.onsuccess = () => {
        request.result.onversionchange = () => request.result.close();
        done(request.result);
      };
    });
    const newer = await Store.open("tabs");
    expect(await newer.payments()).toEqual([]);
    expect(() => older.transaction("payments")).toThrow();
  });
});
