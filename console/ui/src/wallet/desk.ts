// A till's view of its wallet: the owner's, whose key reads it and can give money back; or a cashier's, whose delegation reads it
// and can do nothing else.

import { computed, signal } from "@preact/signals";
import { dayIn } from "../format";
import { hex, sha256, unhex, utf8 } from "../ledger/bytes";
import { amountOf } from "../json";
import { Box } from "./box";
import { type HistoryLine, Refusal, Unreached } from "./client";
import { listen } from "./events";
import { EVENTS_APART, client, connected, keep, network, nodeNow, phase, record, signedIn, theStore } from "./state";
import type { Delegation } from "./store";
import type { Asked } from "./tillbook";
import { inTurn, paced } from "./turns";

/** The delegation of this device; it is a till of somebody else's wallet and nothing else. */
export const delegation = signal<Delegation | undefined>(undefined);
/** The delegation was ended, or its time is over. */
export const over = signal(false);
export const asked = signal<readonly Asked[]>([]);
export const lines = signal<readonly HistoryLine[] | undefined>(undefined);
export const deskWallet = computed(() => delegation.value?.wallet ?? record.value?.wallet ?? "");
export const deskNetwork = computed(() => delegation.value?.network ?? record.value?.network ?? "");

const PAGE = 200;
const MOST_PAGES = 25;
const MOST_ASKED = 500;

let box: Box | undefined;

async function put(list: readonly Asked[]): Promise<void> {
  if (delegation.value) await box?.put("till", list);
  else await keep("till", list);
}

function askedOf(value: unknown): Asked[] {
  return ((value as Asked[] | undefined) ?? []).map((a) => ({ ...a, amount: amountOf(a.amount) }));
}

/** Reads what the device is, at the start. */
export async function startDesk(): Promise<void> {
  const d = await theStore().delegation();
  if (d) await beCashier(d);
}

async function beCashier(d: Delegation): Promise<void> {
  box = await Box.of(utf8(d.token), theStore());
  client.useToken(d.token);
  asked.value = askedOf(await box.get("till"));
  delegation.value = d;
  over.value = false;
}

/** Takes the link that the owner showed. */
export async function takeDelegation(query: string): Promise<boolean> {
  const fields = new URLSearchParams(query);
  const d: Delegation = { network: fields.get("network") ?? "", wallet: fields.get("wallet") ?? "", token: fields.get("token") ?? "", until: Number(fields.get("until")) };
  if (!/^[0-9a-f]{64}$/.test(d.network) || !/^[0-9a-f]{32}$/.test(d.wallet) || !/^[\w.-]{16,512}$/.test(d.token) || !(d.until > 0)) return false;
  if (network.value && network.value.network !== d.network) return false;
  await theStore().saveDelegation(d);
  await beCashier(d);
  return true;
}

export function delegationLink(origin: string, d: Delegation): string {
  return `${origin}/wallet/#till?${new URLSearchParams({ network: d.network, wallet: d.wallet, until: String(d.until), token: d.token })}`;
}

/** The cashier's work is over: the device forgets the wallet. */
export async function endDelegation(): Promise<void> {
  await theStore().saveDelegation(undefined);
  client.useToken("");
  delegation.value = box = undefined;
  asked.value = [];
  lines.value = undefined;
}

/** The owner's list, once the wallet is open. */
export async function recallAsked(owner: Box): Promise<void> {
  asked.value = askedOf(await owner.get("till"));
}

/** Takes what another phone of the wallet asked for to this one's. */
export async function addAsked(more: readonly Asked[]): Promise<void> {
  const known = new Set(asked.value.map((a) => a.reference));
  asked.value = [...asked.value, ...more.filter((a) => !known.has(a.reference))].sort((a, b) => b.made - a.made).slice(0, MOST_ASKED);
  await put(asked.value);
}

export async function ask(a: Asked): Promise<void> {
  asked.value = [a, ...asked.value].slice(0, MOST_ASKED);
  await put(asked.value);
}

function read<T>(work: (wallet: string) => Promise<T>): Promise<T> {
  return delegation.value ? work(delegation.value.wallet) : signedIn(work);
}

/** Reads what the wallet was paid, back to the day's beginning. */
export const look = inTurn(readLines);

async function readLines(): Promise<void> {
  if (over.value || (!delegation.value && phase.value !== "open")) return;
  try {
    const today = dayIn(nodeNow());
    const all: HistoryLine[] = [];
    let before: bigint | undefined;
    for (let pages = 0; pages < MOST_PAGES; pages++) {
      const page = await read((wallet) => client.history(wallet, PAGE, before));
      all.push(...page.lines);
      const last = page.lines.at(-1);
      if (page.next === undefined || !last || dayIn(last.millis) < today) break;
      before = page.next;
    }
    lines.value = all;
    connected.value = true;
  } catch (error) {
    if (error instanceof Unreached) connected.value = false;
    else if (error instanceof Refusal && error.status === 401) over.value = delegation.value !== undefined;
    else throw error;
  }
}

/** Hears payments as they become durable, while the till is shown. */
export function attendDesk(): () => void {
  const end = new AbortController();
  const { token, wallet } = delegation.value ?? { token: "", wallet: deskWallet.value };
  void sha256(utf8(token)).then((mark) => {
    if (end.signal.aborted) return;
    listen(
      `aqsha-till-${wallet}-${hex(mark.slice(0, 4))}`,
      {
        open: (last, until, heard) => read(() => client.events("wallet", last, until, heard)),
        heard: paced(() => void look(), EVENTS_APART),
        pause: (millis) => new Promise((done) => setTimeout(done, millis)),
      },
      end.signal,
    );
  });
  return () => end.abort();
}

export function networkBytes(): Uint8Array {
  return unhex(deskNetwork.value, 32);
}
