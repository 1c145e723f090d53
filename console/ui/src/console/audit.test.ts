// @vitest-environment node
// The audit trail as a file.

import { expect, it } from "vitest";
import { choose, speakFrom } from "../words";
import { type Line, table } from "./audit";

it("is in the language that is spoken, in words, with times that spreadsheets read", async () => {
  speakFrom({ en: () => import("../words/console.en.json"), kk: () => import("../words/console.kk.json"), ru: () => import("../words/console.ru.json") });
  const line: Line = { index: 3, timeMillis: Date.UTC(2026, 10, 28, 20, 0, 5), act: "invited", by: "", byName: "", name: "Bolat", what: "", whom: "a1", roles: ["auditor"], bank: "" };
  for (const l of ["kk", "ru"] as const) {
    await choose(l);
    const [head, row] = table([line], [line]);
    expect([...head!, ...row!].filter((cell) => /[a-z]{3}/.test(cell) && cell !== "Bolat")).toEqual([]);
    expect([row![0], row![1], row![6]]).toEqual(["3", "2026-11-29T01:00:05+05:00", "a1"]);
    expect(row!.every((cell) => cell !== "invited" && cell !== "auditor")).toBe(true);
  }
});
