// @vitest-environment node
// What each line of a history is said to be: money that went into a contract or a purse is not paid to anybody yet.

import "fake-indexeddb/auto";
import { afterEach, describe, expect, it } from "vitest";
import { choose, t } from "../words";
import { Client, type HistoryLine } from "./client";
import { wordOf } from "./kinds";
import { Line } from "./lines";
import { contacts } from "./private";
import { balance, record } from "./state";

const OWN = "01".repeat(16);
const SHOP = "02".repeat(16);
const CONTRACT = "0c".repeat(16);
const KEY = `ed25519:${"aa".repeat(32)}`;
const NEW = `ed25519:${"bb".repeat(32)}`;

type Json = Record<string, unknown>;

/** Lines as a node writes them, the latest first, as the client reads them. */
async function linesOf(...lines: Json[]): Promise<readonly HistoryLine[]> {
  const written = lines.map((l, i) => ({ id: String(i).padStart(64, "0"), index: 100 - i, time_millis: 1, net: 0, ...l }));
  return (await new Client("", "https://tenge.example.kz", async () => new Response(JSON.stringify({ lines: written }))).history(OWN, 30)).lines;
}

const transaction = (kind: string, body: Json = {}) => ({ transaction: { kind, body } });
const create = { net: -100_000, ...transaction("create", { creator: OWN, parties: [OWN, SHOP] }), effects: { made: [{ wallet: CONTRACT, amount: 100_000 }, { wallet: OWN, amount: 5 }] } };
const act = (net: number, made: Json[]) => ({ net, ...transaction("act", { contract: CONTRACT, caller: OWN }), effects: { made } });

function wordsOf(node: unknown): string {
  if (Array.isArray(node)) return node.map(wordsOf).join("");
  if (typeof node === "string" || typeof node === "number") return String(node);
  return node !== null && typeof node === "object" && "props" in node ? wordsOf((node.props as { children?: unknown }).children) : "";
}

afterEach(() => {
  balance.value = record.value = undefined;
  contacts.value = [];
});

describe("money that goes into a contract", () => {
  it("is not said to be paid, nor does the line begin with the other side's name", async () => {
    await choose("en");
    record.value = { network: "", publicKey: "", sealed: {} as never, wallet: OWN, recoverySaved: true };
    contacts.value = [{ wallet: SHOP, name: "shop" }];
    const [line] = await linesOf(create);
    expect(line).toMatchObject({ contract: CONTRACT, kind: "create" });
    const said = wordsOf(Line({ line: line! }));
    expect(said).toContain("Set aside for a contractwith shop, ");
    expect(said).not.toContain(t("line.paid"));
  });

  it("and what comes out of it, and whom it pays, are said as such", async () => {
    const [back, paid, end] = await linesOf(
      act(40_000, [{ wallet: OWN, amount: 40_000 }]),
      act(-500, [{ wallet: SHOP, amount: 500 }, { wallet: CONTRACT, amount: 7 }]),
      { net: 300, system: { kind: 4, wallet: CONTRACT, effects: { made: [{ wallet: OWN, amount: 300 }, { wallet: SHOP, amount: 2 }] } } },
    );
    expect([back, paid, end].map((l) => wordOf(l!, []))).toEqual(["line.from-contract", "line.into-contract", "line.contract-ended"]);
    expect([back!.paidOut, paid!.paidOut, end!.paidOut]).toEqual([undefined, [{ wallet: SHOP, amount: 500n }], [{ wallet: SHOP, amount: 2n }]]);
    expect([back, paid, end].map((l) => l!.contract)).toEqual([CONTRACT, CONTRACT, CONTRACT]);
  });
});

describe("every kind that moves money", () => {
  it("says paid and received of payments alone, and of what is not known which way it went", async () => {
    const kinds = ["transfer", "marked-transfer", "create", "act", "issue", "redeem", "seize", "release", "bond-purses", "open-purse", "fund-purse", "settle-purses", "convict-purse", "close-purse", "kind-to-come", "constructor"];
    const said = (await Promise.all([-5, 5].map((net) => linesOf(...kinds.map((kind) => ({ net, ...transaction(kind) })))))).map((lines) => lines.map((l) => wordOf(l, [])));
    expect(said[0]!.map((w) => w === "line.paid")).toEqual(kinds.map((_, i) => i < 2));
    expect(said[1]!.map((w) => w === "line.received")).toEqual(kinds.map((_, i) => i < 2));
    expect([said[0]!.at(-1), said[1]!.at(-2)]).toEqual(["line.out", "line.in"]);
  });
});

describe("a key that was asked for", () => {
  const rekey = (by: string, key: string, recovery?: string) => transaction("rekey", { by, key, ...(recovery !== undefined && { recovery }) });
  const words = (lines: readonly HistoryLine[]) => lines.map((l) => wordOf(l, lines));

  it("is another thing than a second key, which leaves the first, and than a new key that waits", async () => {
    expect(words(await linesOf(rekey("wallet", KEY, NEW)))).toEqual(["line.second"]);
    expect(words(await linesOf(rekey("wallet", NEW)))).toEqual(["line.key"]);
    expect(words(await linesOf(rekey("recovery", NEW)))).toEqual(["line.key"]);
    expect(words(await linesOf(rekey("intermediary", NEW)))).toEqual(["line.key-asked"]);
    expect(words(await linesOf(rekey("wallet", NEW, "r"), rekey("wallet", KEY)))).toEqual(["line.key", "line.key"]); // both at once, as a program may
  });

  it("waited where the ledger says what became of it, and waits while the wallet says so", async () => {
    expect(words(await linesOf({ system: { kind: 1, wallet: OWN } }, rekey("wallet", NEW)))).toEqual(["line.key-came", "line.key-asked"]);
    expect(words(await linesOf({ system: { kind: 3, wallet: OWN } }, rekey("wallet", KEY, NEW)))).toEqual(["line.key-lapsed", "line.second-asked"]);
    expect(words(await linesOf(transaction("cancel"), rekey("wallet", NEW)))).toEqual(["line.key-cancelled", "line.key-asked"]);
    expect(words(await linesOf(rekey("recovery", NEW), rekey("wallet", KEY)))).toEqual(["line.key", "line.key-asked"]); // it may have waited
    balance.value = { pending: { dueMillis: 1, closes: false } } as never;
    expect(words(await linesOf(rekey("wallet", NEW)))).toEqual(["line.key-asked"]);
  });
});
