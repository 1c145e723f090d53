// Words in three languages, by key. A missing key is a fault that the types find.

import { signal } from "@preact/signals";
import type { Language } from "../format";
import { LANGUAGES } from "../format";
import en from "./en.json";
import kk from "./kk.json";
import ru from "./ru.json";

export type Key = keyof typeof en;

const CATALOGUES: Record<Language, Record<Key, string>> = { en, kk, ru };

function preferred(): Language {
  const saved = globalThis.localStorage?.getItem("aqsha-language");
  const wanted = [saved, ...(globalThis.navigator?.languages ?? [])];
  for (const w of wanted) {
    const found = LANGUAGES.find((l) => w?.slice(0, 2) === l);
    if (found) return found;
  }
  return "kk";
}

export const language = signal<Language>(preferred());

export function choose(l: Language): void {
  language.value = l;
  document.documentElement.lang = l;
  localStorage.setItem("aqsha-language", l);
}

/** A text, with what stands in braces put in. */
export function t(key: Key, values: Record<string, string> = {}): string {
  return CATALOGUES[language.value][key].replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}

export function known(key: string): key is Key {
  return Object.hasOwn(en, key);
}

/** The words for a code, or general ones. */
export function wordsOf(code: string): string {
  const key = `refusal.${code}`;
  if (known(key)) return t(key);
  return known(code) ? t(code) : t("refusal.general");
}
