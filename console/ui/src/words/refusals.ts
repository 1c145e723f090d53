// What a refusal means, in four texts: what happened, whether money moved, why, and what can be done. They are the program's own
// catalogue, /words, which the command line and the API speak from as well.

import { signal } from "@preact/signals";
import type { Language } from "../format";
import { type Key, known, language, t } from "./index";

interface Catalogue {
  readonly code: Readonly<Record<string, { readonly title: string; readonly means: string; readonly do: string } | undefined>>;
  readonly money: Readonly<Record<string, string | undefined>>;
}

const LOAD: Record<Language, () => Promise<{ default: unknown }>> = {
  en: () => import("../../../../words/en.json"),
  kk: () => import("../../../../words/kk.json"),
  ru: () => import("../../../../words/ru.json"),
};

const loaded = signal<ReadonlyMap<Language, Catalogue>>(new Map());
const moneys = signal<Readonly<Record<string, string | undefined>>>({});

/** Fetches the words of the language that is spoken: ahead of the first refusal, which may come without a connection. */
export async function loadRefusals(): Promise<void> {
  const of = language.value;
  if (loaded.value.has(of)) return;
  const [words, meanings] = await Promise.all([LOAD[of](), import("../../../../words/money.json")]);
  loaded.value = new Map(loaded.value).set(of, words.default as Catalogue);
  moneys.value = (meanings as { default: unknown }).default as Record<string, string>;
}

export interface Explained {
  readonly title: string;
  readonly money: string;
  readonly means?: string;
  readonly todo?: string;
}

/** A hint without what is typed at a command line, which nobody has here: a clause of its own goes, else the sentence, since a rest would say nothing. */
export function withoutCommands(text: string): string {
  const sentences = text.match(/[^.!?]*(?:'[^']*'[^.!?]*)*[.!?]+\s*/g) ?? [text];
  return sentences
    .map((s) =>
      s
        .replace(/\s*\([^()]*(?:'aqsha |--)[^()]*\)/g, "")
        .replace(/[:;,—]\s*[^:;,—]*'aqsha [^.!?]*(?=[.!?])/g, ""),
    )
    .filter((s) => !/--\w|aqsha /.test(s))
    .join("")
    .trim();
}

/** What happened and what can be done, for a line beside a field. */
export function inShort(code: string): string {
  const { title, todo } = explain(code);
  return todo === undefined ? title : `${title} ${todo}`;
}

/** The words for a code: this wallet's own where it has some, else the program's. */
export function explain(code: string): Explained {
  const money = t("refusal.nothing");
  const catalogue = loaded.value.get(language.value);
  const entry = catalogue && Object.hasOwn(catalogue.code, code) ? catalogue.code[code] : undefined;
  const ownWhy: Key | undefined = known(`why.${code}`) ? (`why.${code}` as Key) : undefined;
  const ownDo: Key | undefined = known(`do.${code}`) ? (`do.${code}` as Key) : undefined;
  const ownTitle: Key | undefined = known(code) ? code : undefined;
  if (!entry && ownTitle) return { title: t(ownTitle), money, ...(ownWhy && { means: t(ownWhy) }), todo: t(ownDo ?? "do.general") };
  if (!entry) return { title: t("refusal.general"), money, todo: t("do.general") };
  const todo = ownDo ? t(ownDo) : withoutCommands(entry.do);
  const moved = moneys.value[code] ?? "none";
  return { title: ownTitle ? t(ownTitle) : `${entry.title}.`, money: moved === "none" || moved === "untouched" ? money : (catalogue?.money[moved] ?? money), means: entry.means, todo: todo === "" ? t("do.general") : todo };
}
