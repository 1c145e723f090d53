// Words in three languages, by key. A missing key is a fault that the types find. Of the languages the one that is spoken is
// loaded before anything is shown; the others when somebody chooses them.

import { signal } from "@preact/signals";
import type { Language } from "../format";
import { LANGUAGES } from "../format";
import type consoleEn from "./console.en.json";
import type en from "./en.json";

/** The wallet has a catalogue and the node's other pages have another, each with what it says alone; a page speaks from one. */
export type Key = keyof typeof en | keyof typeof consoleEn;
type Texts = Readonly<Partial<Record<Key, string>>>;
type Catalogue = Record<Language, () => Promise<{ default: Texts }>>;

let load: Catalogue = {
  en: () => import("./en.json"),
  kk: () => import("./kk.json"),
  ru: () => import("./ru.json"),
};

/** Speaks from another catalogue than the wallet's from now on; to be called before choose. */
export function speakFrom(catalogue: Catalogue): void {
  load = catalogue;
}

let texts: Texts | undefined;

export function preferred(): Language {
  const saved = globalThis.localStorage?.getItem("aqsha-language");
  const wanted = [saved, ...(globalThis.navigator?.languages ?? [])];
  for (const w of wanted) {
    const found = LANGUAGES.find((l) => w?.slice(0, 2) === l);
    if (found) return found;
  }
  return "kk";
}

export const language = signal<Language>("kk");

/** Speaks a language from now on. */
export async function choose(l: Language): Promise<void> {
  texts = (await load[l]()).default;
  language.value = l;
  if (!globalThis.document) return;
  document.documentElement.lang = l;
  localStorage.setItem("aqsha-language", l);
}

/** A text, with what stands in braces put in. */
export function t(key: Key, values: Record<string, string> = {}): string {
  void language.value; // whoever shows a text shows it anew in another language
  return (texts?.[key] ?? "").replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}

export function known(key: string): key is Key {
  return texts !== undefined && Object.hasOwn(texts, key);
}

/** A text for a number, which is {count} in it, in the form that the language has for such numbers. */
export function counted(key: CountedKey, count: number, values: Record<string, string> = {}): string {
  const form = new Intl.PluralRules(language.value).select(count);
  const wanted = `${key}.${form}`;
  return t(known(wanted) ? wanted : (`${key}.other` as Key), { ...values, count: String(count) });
}

/** The keys that have a text for each form of a number. */
export type CountedKey = Key extends infer K ? (K extends `${infer Base}.other` ? Base : never) : never;
