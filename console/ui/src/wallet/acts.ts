// What the acts and parties of a definition are called. Those that come with the program have words here; anybody else's stay as their
// author wrote them, in quotation marks, and are never translated: a name promises nothing of what it does.

import { signal } from "@preact/signals";
import type { Language } from "../format";
import { language, t } from "../words";
import shipped from "./shipped.json";

const LOAD: Record<Language, () => Promise<{ default: Readonly<Record<string, string>> }>> = {
  en: () => import("../words/acts.en.json"),
  kk: () => import("../words/acts.kk.json"),
  ru: () => import("../words/acts.ru.json"),
};

const texts = signal<{ readonly of: Language; readonly names: Readonly<Record<string, string>> } | undefined>(undefined);

/** Fetches the names of the language that is spoken. Until they are here names stand as they are written. */
export async function loadActs(): Promise<void> {
  const of = language.value;
  if (texts.value?.of !== of) texts.value = { of, names: (await LOAD[of]()).default };
}

/** Whether a definition, by its id, came with the program, as it is or as it was. */
export const isShipped = (definition: string) => (shipped as readonly string[]).includes(definition);

function named(kind: "act" | "party", name: string, definition: string): string {
  const names = texts.value?.of === language.value ? texts.value.names : undefined;
  const key = `${kind}.${name.replace(/[1-7]$/, "")}`; // of a crowdfunding's many backers each has a number
  const said = isShipped(definition) && names && Object.hasOwn(names, key) ? names[key] : undefined;
  return said ?? t("rules.quoted", { name });
}

export const actName = (action: string, definition: string) => named("act", action, definition);

/** The parties, one after another; those that are many and alike once. */
export function partyNames(parties: readonly string[], definition: string): string {
  return [...new Set(parties.map((p) => named("party", p, definition)))].join(", ");
}
