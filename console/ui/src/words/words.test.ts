// @vitest-environment node
// What people read: whole in each language, none forgotten, none left in English, none that nobody says.

import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Language } from "../format";
import { choose, counted, t } from "./index";
import { CARDS, TERMS } from "../wallet/learnlink";
import { explain, loadRefusals, withoutCommands } from "./refusals";

const here = new URL("./", import.meta.url);
const read = (name: string) => JSON.parse(readFileSync(new URL(name, here), "utf8")) as Record<string, string>;
const catalogueOf = (prefix: string): Record<Language, Record<string, string>> => ({ en: read(`${prefix}en.json`), kk: read(`${prefix}kk.json`), ru: read(`${prefix}ru.json`) });
const files = catalogueOf("");
const catalogue = (l: Language) => JSON.parse(readFileSync(new URL(`../../../../words/${l}.json`, here), "utf8")) as { code: Record<string, { do: string }> };

/** All sources of the page. */
function sources(folder = new URL("../", here)): string {
  let all = "";
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) all += sources(new URL(`${entry.name}/`, folder));
    else if (/\.tsx?$/.test(entry.name) && !/\.(test|d)\.ts$/.test(entry.name)) all += readFileSync(new URL(entry.name, folder), "utf8");
  }
  return all;
}

/** Latin words that people of every language write so. */
const LATIN = /\{\w+\}|HTTPS|Aqsha/g;
/** Keys whose texts are the same in Kazakh and Russian, which share the word. */
const SHARED = ["rules.quoted", "term-name.limit", "app", "nav.till", "till.title", "minutes.many", "apply.bank"];

/** What says the texts of each catalogue. */
const SPEAKERS: Record<string, () => string> = {
  "": () => sources(new URL("../wallet/", here)) + sources(new URL("../words/", here)) + readFileSync(new URL("../format.ts", here), "utf8") + readFileSync(new URL("../csv.ts", here), "utf8") + sources(new URL("../ledger/", here)),
  "console.": () => sources(new URL("../console/", here)) + readFileSync(new URL("../wallet/parts.tsx", here), "utf8") + readFileSync(new URL("../wallet/served.tsx", here), "utf8") + readFileSync(new URL("refusals.ts", here), "utf8"),
};

describe.each(["", "console."])("texts of %jen.json", (prefix) => {
  const files = catalogueOf(prefix);

  it("are there in each language, with the same values in them", () => {
    const places = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([p]) => p).sort();
    for (const l of ["kk", "ru"] as const) {
      expect(Object.keys(files[l]).sort()).toEqual(Object.keys(files.en).sort());
      for (const [key, text] of Object.entries(files[l])) expect([key, places(text)]).toEqual([key, places(files.en[key]!)]);
    }
  });

  it("are none that was left in English, or in the other language", () => {
    for (const [key, text] of Object.entries(files.en)) {
      for (const l of ["kk", "ru"] as const) {
        if (key !== "app") expect([key, files[l][key]]).not.toEqual([key, text]);
        expect([key, /[a-z]{3}/i.test(files[l][key]!.replace(LATIN, ""))]).toEqual([key, false]);
      }
      if (!SHARED.includes(key)) expect([key, files.kk[key]]).not.toEqual([key, files.ru[key]]);
    }
  });

  it("are all said by somebody", () => {
    const all = SPEAKERS[prefix]!();
    const prefixes = [...all.matchAll(/[`"]([a-z-]+\.)\$\{/g)].map(([, p]) => p!);
    const unused = Object.keys(files.en).filter((key) => {
      const base = key.replace(/\.(one|few|many|other)$/, "");
      return !all.includes(`"${key}"`) && !all.includes(`"${base}"`) && !prefixes.some((p) => key.startsWith(p));
    });
    expect(unused).toEqual([]);
  });

  it("have sentences that are short", () => {
    for (const l of ["en", "kk", "ru"] as const) {
      for (const [key, text] of Object.entries(files[l])) {
        for (const sentence of text.split(/[.!?:]\s/)) expect([l, key, sentence.split(/\s+/).length <= 16 || sentence]).toEqual([l, key, true]);
      }
    }
  });

  it("are there for whatever is said by name", () => {
    const all = prefix === "" ? sources(new URL("../wallet/", here)) : sources(new URL("../console/", here));
    const said = [...all.matchAll(/\bt\("([a-z0-9.-]+)"|\b(?:label|text|problem)="([a-z0-9.-]+)"/g)].map(([, a, b]) => (a ?? b)!);
    expect(said.length).toBeGreaterThan(30);
    expect(said.filter((key) => files.en[key] === undefined)).toEqual([]);
  });
});

describe("texts", () => {
  it("count as each language does", async () => {
    await choose("ru");
    expect([1, 3, 5, 11, 21, 1000].map((n) => counted("till.sales", n))).toEqual(["1 платёж", "3 платежа", "5 платежей", "11 платежей", "21 платёж", "1000 платежей"]);
    await choose("en");
    expect([0, 1, 2].map((n) => counted("days", n))).toEqual(["0 days", "1 day", "2 days"]);
  });
});

describe("Learn", () => {
  const cards = (l: Language) => JSON.parse(readFileSync(new URL(`learn.${l}.json`, here), "utf8")) as Record<string, string[]>;

  it.each(["en", "kk", "ru"] as const)("has twelve cards under 90 words, of short sentences, in %s", (l) => {
    expect(Object.keys(cards(l))).toEqual([...CARDS]);
    expect(CARDS).toHaveLength(12);
    for (const [card, texts] of Object.entries(cards(l))) {
      expect([card, texts.join(" ").split(/\s+/).length < 90]).toEqual([card, true]);
      expect([card, files[l][`learn.${card}`] !== undefined]).toEqual([card, true]);
      expect([card, texts.length]).toEqual([card, cards("en")[card]!.length]);
      for (const text of texts) {
        for (const sentence of text.split(/[.!?:]\s/)) expect([card, sentence.split(/\s+/).length <= 16 || sentence]).toEqual([card, true]);
        if (l !== "en") expect([card, /[a-z]{3}/i.test(text.replace(LATIN, ""))]).toEqual([card, false]);
      }
    }
  });

  it("is linked from where each question arises, and each term is explained somewhere", () => {
    const all = sources();
    for (const card of CARDS) expect([card, all.includes(`card="${card}"`) || all.includes(`: "${card}"`)]).toEqual([card, true]);
    for (const term of TERMS) expect([term, all.includes(`term="${term}"`)]).toEqual([term, true]);
  });
});

describe("what a native reader should check", () => {
  it("is listed in one file, with nothing in it that is not said", () => {
    const list = readFileSync(new URL("to-check.md", here), "utf8");
    for (const l of ["kk", "ru"] as const) {
      for (const text of [...Object.values(files[l]), ...Object.values(catalogueOf("console.")[l]), ...Object.values(catalogueOf("acts.")[l]), ...Object.values(JSON.parse(readFileSync(new URL(`learn.${l}.json`, here), "utf8")) as Record<string, string[]>).flat()]) {
        expect([text, list.includes(`| ${text.replaceAll("|", "\\|")} |`)]).toEqual([text, true]);
      }
    }
  });
});

describe("a refusal", () => {
  it.each(["en", "kk", "ru"] as const)("has four texts for every code in %s, and none names a command", async (l) => {
    await choose(l);
    await loadRefusals();
    const wrong: string[] = [];
    for (const code of Object.keys(catalogue(l).code)) {
      const words = explain(code);
      for (const text of [words.title, words.money, words.means ?? "", words.todo ?? ""]) if (text.length <= 3) wrong.push(`${code}: a text is missing`);
      const all = `${words.title} ${words.means} ${words.todo}`;
      if (/aqsha |--[a-z]/.test(all)) wrong.push(`${code} names a command: ${all}`);
      if (l !== "en" && / [a-z]{4,} [a-z]{4,} /.test(words.title)) wrong.push(`${code} is in English: ${words.title}`);
    }
    expect(wrong).toEqual([]);
  });

  it.each(["en", "kk", "ru"] as const)("of the page's own has four texts too, in %s", async (l) => {
    await choose(l);
    const all = sources();
    const own = [...new Set([...all.matchAll(/RuleError\("((?:request|draft)-[a-z-]+)"/g)].map(([, code]) => code!)), "request-foreign", "request-unknown", "unreached", "not-found", "full"];
    expect(own.length).toBeGreaterThan(10);
    for (const code of own) {
      const { title, money, means, todo } = explain(code);
      for (const text of [title, money, means ?? "", todo ?? ""]) expect([code, text.length > 3]).toEqual([code, true]);
      expect([code, title]).not.toEqual([code, t("refusal.general")]);
    }
  });

  it("keeps of a hint what is no command", () => {
    expect(withoutCommands("Pay a smaller amount, or wait until money has come in: 'aqsha balance' shows what is there.")).toBe("Pay a smaller amount, or wait until money has come in.");
    expect(withoutCommands("Look at the condition ('aqsha contract explain') and come back when it holds.")).toBe("Look at the condition and come back when it holds.");
    expect(withoutCommands("Use a newer copy. Only if it is lost for good: --accept-loss.")).toBe("Use a newer copy.");
    expect(withoutCommands("Name a file that 'aqsha farm plan' has written. Then try again.")).toBe("Then try again.");
    expect(withoutCommands("Ask the payee for the wallet's id again.")).toBe("Ask the payee for the wallet's id again.");
  });

  it("of a code that nobody knows has general words", async () => {
    await choose("en");
    expect(explain("nosuch-code").title).toBe(t("refusal.general"));
    expect(explain("toString").title).toBe(t("refusal.general"));
  });
});

describe("names of acts and parties", () => {
  it("are the same in all languages, and Kazakh and Russian in their own letters", () => {
    const [en, kk, ru] = ["en", "kk", "ru"].map((l) => JSON.parse(readFileSync(new URL(`acts.${l}.json`, here), "utf8")) as Record<string, string>);
    expect([Object.keys(kk!).sort(), Object.keys(ru!).sort()]).toEqual([Object.keys(en!).sort(), Object.keys(en!).sort()]);
    for (const text of [...Object.values(kk!), ...Object.values(ru!)]) expect(text).toMatch(/^[\u0400-\u04ff -]+$/);
    for (const text of Object.values(en!)) expect(text).toMatch(/^[a-z' -]+$/);
  });
});
