// @vitest-environment node
import { describe, expect, it } from "vitest";
import { dayOf, momentsIn } from "./moments";

const plain = (text: string) => text.replaceAll("\u00a0", " ");

describe("what a node writes as numbers", () => {
  it("is a day in each language, with its year", () => {
    expect((["en", "kk", "ru"] as const).map((l) => plain(dayOf("2026-11-02", l)))).toEqual(["2 November 2026", "2026 жылғы 2 қараша", "2 ноября 2026"]);
    for (const not of ["2026-13-40", "", "2026-11", "yesterday"]) expect(dayOf(not, "en")).toBe(not);
  });

  it("is a time where one stands in a sentence, at the network's clock, and midnight the day alone", () => {
    const said = "It may be spent from 2026-01-01 00:00 (UTC+05) until 2031-03-05 09:30 (UTC+05).";
    expect(plain(momentsIn(said, "en"))).toBe("It may be spent from 1 January 2026 until 5 March 2031, 09:30.");
    expect(plain(momentsIn("до 2031-03-05 09:30 (UTC+05)", "ru"))).toBe("до 5 марта 2031, 09:30");
    expect(momentsIn("2031-03-05 09:30", "en")).toBe("2031-03-05 09:30");
    expect(momentsIn("2031-99-99 09:30 (UTC+05)", "en")).toBe("2031-99-99 09:30 (UTC+05)");
  });
});
