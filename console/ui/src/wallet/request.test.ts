// @vitest-environment node
// The vectors of requests for a payment (docs/FORMATS.md): what is read, its one way to be written, and what is refused.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { RuleError } from "../ledger/bytes";
import { formatRequest, parseRequest } from "./request";

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
