// What the device keeps under the wallet's own key: what was seen last, contacts, settings. Read when the wallet is opened, and
// forgotten by the page when it is locked.

import { signal } from "@preact/signals";
import { amountOf } from "../json";
import type { Box } from "./box";
import type { Balance, HistoryLine } from "./client";
import { keep } from "./state";

export interface Seen {
  readonly balance: Balance;
  readonly lines: readonly HistoryLine[];
  readonly marked: ReadonlyMap<number, bigint>;
  readonly asOf: number;
}

export interface Contact {
  readonly name: string;
  readonly wallet: string;
}

export interface Settings {
  /** From this sum on, a payment to a wallet that was never paid is to be compared first. */
  readonly askAbove: bigint;
}

const DEFAULTS: Settings = { askAbove: 20_000_00n };
export const MOST_CONTACTS = 1_000;
export const MOST_NAME = 64;

export const seen = signal<Seen | undefined>(undefined);
export const contacts = signal<readonly Contact[]>([]);
export const settings = signal<Settings>(DEFAULTS);

type Json = Record<string, unknown>;

/** Amounts that are short come back as numbers. */
function lineOf(l: HistoryLine): HistoryLine {
  return { ...l, index: amountOf(l.index), net: amountOf(l.net) };
}

function seenOf(value: unknown): Seen | undefined {
  const s = value as (Omit<Seen, "marked"> & { marked: [number, unknown][] }) | undefined;
  if (!s) return undefined;
  const { balance: b } = s;
  return {
    balance: { ...b, tiyn: amountOf(b.tiyn), size: amountOf(b.size), version: amountOf(b.version), paidToday: amountOf(b.paidToday ?? 0) },
    lines: s.lines.map(lineOf),
    marked: new Map(s.marked.map(([purpose, sum]) => [purpose, amountOf(sum)])),
    asOf: s.asOf,
  };
}

export async function recall(box: Box): Promise<void> {
  seen.value = seenOf(await box.get("seen"));
  contacts.value = ((await box.get("contacts")) as Contact[] | undefined) ?? [];
  const kept = (await box.get("settings")) as Json | undefined;
  settings.value = kept ? { askAbove: amountOf(kept.askAbove) } : DEFAULTS;
}

export function forget(): void {
  seen.value = undefined;
  contacts.value = [];
  settings.value = DEFAULTS;
}

/** The name that the person gave to a wallet. */
export function nameOf(wallet: string): string | undefined {
  return contacts.value.find((c) => c.wallet === wallet)?.name;
}

/** Whether another wallet has this name: two of one name would be listed alike. */
export function namedAlike(wallet: string, name: string): boolean {
  const plain = (text: string) => text.normalize("NFKC").toLowerCase().replace(/\s+/g, " ").trim();
  return contacts.value.some((c) => c.wallet !== wallet && plain(c.name) === plain(name));
}

/** Adds or renames a contact; without a name it is taken away. */
export async function setContact(wallet: string, name: string): Promise<void> {
  const others = contacts.value.filter((c) => c.wallet !== wallet);
  await setContacts(name === "" ? others : [...others, { wallet, name }]);
}

export async function setContacts(list: readonly Contact[]): Promise<void> {
  const next = [...list].sort((a, b) => a.name.localeCompare(b.name)).slice(0, MOST_CONTACTS);
  await keep("contacts", next);
  contacts.value = next;
}

export async function setSettings(next: Settings): Promise<void> {
  await keep("settings", next);
  settings.value = next;
}
