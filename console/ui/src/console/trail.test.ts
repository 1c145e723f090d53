// @vitest-environment node
import { describe, expect, it } from "vitest";
import { type Bytes, hex, sha256, utf8 } from "../ledger/bytes";
import { choose } from "../words";
import { changeInWords } from "./audit";
import { isLast } from "./staff";
import { type Account, onReturn } from "./state";
import { extended } from "./trail";

// A tree and its proofs by the definitions of RFC 6962, sections 2.1 and 2.1.2, which know no loop of the verifier's.
const leaf = (n: number): Promise<Bytes> => sha256(Uint8Array.of(0), utf8(`line ${n}`));
const node = async (left: Promise<Bytes>, right: Promise<Bytes>): Promise<Bytes> => sha256(Uint8Array.of(1), await left, await right);
const split = (n: number): number => 2 ** Math.ceil(Math.log2(n) - 1);

function root(from: number, to: number): Promise<Bytes> {
  const n = to - from;
  return n === 1 ? leaf(from) : node(root(from, from + split(n)), root(from + split(n), to));
}

async function proof(m: number, from: number, to: number, whole = true): Promise<string[]> {
  const n = to - from;
  if (m === n) return whole ? [] : [hex(await root(from, to))];
  const k = split(n);
  if (m <= k) return [...(await proof(m, from, from + k, whole)), hex(await root(from + k, to))];
  return [...(await proof(m - k, from + k, to, false)), hex(await root(from, from + k))];
}

describe("a trail", () => {
  it("extends each one that it came from", async () => {
    for (let size = 1; size <= 20; size++) {
      for (let old = 1; old <= size; old++) {
        expect([old, size, await extended(old, hex(await root(0, old)), size, hex(await root(0, size)), await proof(old, 0, size))]).toEqual([old, size, true]);
      }
    }
  });

  it("extends no other, and none by a proof that is cut, longer or changed", async () => {
    for (const [old, size] of [
      [1, 2],
      [3, 7],
      [4, 7],
      [8, 13],
      [13, 13],
    ] as const) {
      const [was, is, path] = [hex(await root(0, old)), hex(await root(0, size)), await proof(old, 0, size)];
      const other = hex(await root(100, 100 + old));
      expect(await extended(old, other, size, is, path)).toBe(false);
      if (old !== size) expect(await extended(old, was, size, hex(await root(1, 1 + size)), path)).toBe(false);
      expect(await extended(old, was, size, is, [...path, other])).toBe(false);
      if (path.length > 0) expect(await extended(old, was, size, is, path.slice(1))).toBe(false);
      if (path.length > 0) expect(await extended(old, was, size, is, [other, ...path.slice(1)])).toBe(false);
    }
    expect(await extended(7, hex(await root(0, 7)), 6, hex(await root(0, 6)), [])).toBe(false); // it became shorter
  });
});

describe("a line of the trail", () => {
  it("says which roles an account had before, and has now", async () => {
    await choose("en");
    const line = { timeMillis: 1, by: "b1", byName: "Sara", name: "Olzhas", what: "", whom: "a1", bank: "" };
    const joined = { ...line, index: 1, act: "joined", roles: ["auditor"] };
    const other = { ...line, index: 2, act: "joined", whom: "a2", roles: ["authority"] };
    const changed = { ...line, index: 3, act: "roles-changed", roles: ["administrator"] };
    const all = [changed, other, joined];
    const of = (l: typeof joined) => changeInWords(l, all);
    expect(of(changed)).toBe(`${of(joined)} → ${changeInWords(changed, [])}`);
    expect(of({ ...line, index: 4, act: "acted", what: "POST /v1/drafts", roles: [] })).toBe("POST /v1/drafts");
  });
});

describe("the staff's page", () => {
  const person = (id: string, roles: string[], more: Partial<Account> = {}): Account => ({ id, name: id, roles, bank: "", passkeys: [], endedMillis: 0, demo: false, part: "", ...more });

  it("knows the last administrator, beside ended ones and the demo's", () => {
    const p = person("p", ["administrator"]);
    expect(isLast(p, [p, person("q", ["auditor"]), person("r", ["administrator"], { endedMillis: 1 }), person("s", ["administrator"], { demo: true })])).toBe(true);
    expect(isLast(p, [p, person("q", ["administrator", "authority"])])).toBe(false);
    expect(isLast(person("q", ["auditor"]), [p])).toBe(false);
  });

  it("looks again when somebody comes back to it, until it is left", () => {
    const tab = new EventTarget();
    let looks = 0;
    const gone = onReturn(() => looks++, tab);
    tab.dispatchEvent(new Event("focus"));
    gone();
    tab.dispatchEvent(new Event("focus"));
    expect(looks).toBe(1);
  });
});
