// @vitest-environment node
// The vectors of requests for a payment (docs/FORMATS.md): what is read, its one way to be written, and what is refused.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { RuleError } from "../ledger/bytes";
import { formatRequest, parseRequest, refusedBy } from "./request";

interface Case {
  about: string;
  text: string;
  network?: string;
  to?: string;
  amount?: string;
  reference?: string;
  until?: number;
  canonical?: string;
  code?: string;
  field?: string;
}

const { cases } = JSON.parse(readFileSync(new URL("../../../../testdata/vectors/request.json", import.meta.url), "utf8")) as { cases: Case[] };

describe("a request for a payment", () => {
  it.each(cases.map((c) => [c.about, c] as const))("%s", (_, c) => {
    if (c.code !== undefined) {
      let refused: unknown;
      try {
        parseRequest(c.text);
      } catch (error) {
        refused = error;
      }
      expect(refused).toBeInstanceOf(RuleError);
      expect(refused).toMatchObject({ code: c.code, field: c.field });
      return;
    }
    const { network, to, amount, reference, until } = c;
    const request = parseRequest(c.text);
    expect(request).toEqual({ network, to, ...(amount !== undefined && { amount: BigInt(amount) }), ...(reference !== undefined && { reference }), ...(until !== undefined && { until }) });
    expect(formatRequest(request)).toBe(c.canonical ?? c.text);
    expect(parseRequest(formatRequest(request, "https://tenge.example.kz/wallet/"))).toEqual(request);
  });
});

describe("what a payer's wallet would refuse is refused to who asks", () => {
  const asked = { network: "ab".repeat(32), to: "cd".repeat(16) };
  it.each([
    ["what turns characters around", { reference: "rent \u202e42" }, "request-form", "reference"],
    ["what hides itself", { reference: "rent\u200b" }, "request-form", "reference"],
    ["half a character", { reference: "rent \ud83d" }, "request-form", "reference"],
    ["more than 64 bytes", { reference: "\u20b8".repeat(32) }, "request-long", "reference"],
    ["more money than there can be", { amount: 1n << 63n }, "request-form", "amount"],
    ["nothing", { amount: 0n }, "request-form", "amount"],
  ] as const)("%s", (_, field, code, name) => {
    expect(refusedBy({ ...asked, ...field })).toMatchObject({ code, field: name });
  });
  it("and nothing else", () => {
    expect(refusedBy(asked)).toBeUndefined();
    expect(refusedBy({ ...asked, amount: 1n, reference: "\u0436\u0430\u043b\u0434\u0430\u0443 & 100 % \ud83c\udf4e" })).toBeUndefined();
  });
});
