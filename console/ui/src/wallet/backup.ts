// What the phone keeps of the person, laid down with the bank: sealed under a key that the wallet's secret gives, which the recovery
// code brings back on another phone. The bank sees how large it is, in steps, and when it changes. Form: docs/FORMATS.md.

import { effect } from "@preact/signals";
import { amountOf, parse, stringify } from "../json";
import { type Bytes, RuleError, concat, hex, sha256, unhex, utf8 } from "../ledger/bytes";
import { Gone, type PaymentRecord, Full } from "./store";
import { Refusal, Unreached } from "./client";
import { addAsked, asked } from "./desk";
import { ELSEWHERE } from "./outbox";
import { type Contact, MOST_CONTACTS, MOST_NAME, type Settings, contacts, setContacts, setSettings, settings } from "./private";
import { cameBack, change, client, derived, keep, kept, payments, phase, record, signedIn, theStore } from "./state";
import type { Asked } from "./tillbook";

const INFO = "aqsha wallet backup v1";
const FORMAT = 1;
/** Sizes are steps of so many bytes: how many contacts somebody has is nobody's business. */
export const STEP = 4_096;
const MOST = 128 * 1_024; // of a sealed box
const OVERHEAD = 12 + 16; // initialisation vector and tag

export interface Content {
  readonly contacts: readonly Contact[];
  readonly settings: Settings;
  readonly asked: readonly Asked[];
  readonly payments: readonly PaymentRecord[]; // that wait or have no verdict
}

function salt(network: string, wallet: string): Bytes {
  return concat(unhex(network, 32), unhex(wallet, 16));
}

function bound(network: string, wallet: string, version: number): Bytes {
  const number = new Uint8Array(8);
  new DataView(number.buffer).setBigUint64(0, BigInt(version));
  return concat(utf8(`${INFO}\0`), salt(network, wallet), number);
}

/** The content as text that fills whole steps. What a till asked for gives way first, the oldest of it. */
function textOf(c: Content): Bytes {
  for (let kept = c.asked; ; kept = kept.slice(0, kept.length >> 1)) {
    const text = utf8(stringify({ format: FORMAT, ...c, asked: kept }));
    const size = Math.ceil((text.length + OVERHEAD) / STEP) * STEP - OVERHEAD;
    if (size + OVERHEAD <= MOST) return concat(text, new Uint8Array(size - text.length).fill(0x20));
    if (kept.length === 0) throw new RuleError("backup-large", "backup", `${text.length} bytes`);
  }
}

/** Seals it as the version that it is to be. */
export async function sealed(key: CryptoKey, network: string, wallet: string, version: number, c: Content): Promise<Bytes> {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const box = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: bound(network, wallet, version) }, key, textOf(c));
  return concat(iv, new Uint8Array(box));
}

/** What is in a box; undefined when another key sealed it, or for another wallet or version, or it was changed. */
export async function opened(key: CryptoKey, network: string, wallet: string, version: number, box: Uint8Array): Promise<Content | undefined> {
  let text: ArrayBuffer;
  try {
    text = await crypto.subtle.decrypt({ name: "AES-GCM", iv: box.slice(0, 12), additionalData: bound(network, wallet, version) }, key, box.slice(12));
  } catch {
    return undefined;
  }
  return contentOf(parse(new TextDecoder().decode(text)));
}

const WALLET = /^[0-9a-f]{32}$/;

function listOf<T>(value: unknown, most: number, good: (one: T) => boolean): T[] {
  return Array.isArray(value) ? (value as T[]).filter((one) => typeof one === "object" && one !== null && good(one)).slice(0, most) : [];
}

/** What a program of this or an earlier version wrote; of a later one what is known of it. */
function contentOf(value: unknown): Content | undefined {
  const v = value as { format?: unknown; contacts?: unknown; settings?: { askAbove?: unknown }; asked?: unknown; payments?: unknown };
  if (v?.format !== FORMAT) return undefined;
  return {
    contacts: listOf<Contact>(v.contacts, MOST_CONTACTS, (c) => WALLET.test(c.wallet) && typeof c.name === "string" && [...c.name].length <= MOST_NAME).map(({ name, wallet }) => ({ name, wallet })),
    settings: { askAbove: amountOf(v.settings?.askAbove) },
    asked: listOf<Asked>(v.asked, 500, (a) => typeof a.reference === "string").map((a) => ({ reference: a.reference, amount: amountOf(a.amount), made: Number(a.made) })),
    payments: listOf<PaymentRecord>(v.payments, 100, (p) => (p.state === "waiting" || p.state === "prepared") && /^(waiting-)?[0-9a-f]{32,64}$/.test(p.id) && WALLET.test(p.payee) && /^[0-9]{1,19}$/.test(p.amount) && /^[0-9a-f]*$/.test(p.bytes)),
  };
}

export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (const b of bytes) text += String.fromCharCode(b);
  return btoa(text);
}

export function fromBase64(text: string): Bytes {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}

/** What this device has now. */
function own(): Content {
  return { contacts: contacts.value, settings: settings.value, asked: asked.value, payments: payments.value.filter((p) => p.state === "waiting" || p.state === "prepared") };
}

async function keyNow(): Promise<{ key: CryptoKey; network: string; wallet: string } | undefined> {
  const r = record.value;
  if (!r || r.wallet === undefined) return undefined;
  const key = await derived(salt(r.network, r.wallet), INFO);
  return key && { key, network: r.network, wallet: r.wallet };
}

/** Takes what another phone laid down to what is here. A name that both have is the other's: it was laid down later. */
async function take(c: Content): Promise<void> {
  const theirs = new Map(c.contacts.map((one) => [one.wallet, one.name]));
  await setContacts([...c.contacts, ...contacts.value.filter((one) => !theirs.has(one.wallet))]);
  await setSettings(c.settings);
  await addAsked(c.asked);
}

/** A payment that was signed is sent on from here too: the same bytes pay once. One that waits unsigned may be paid by the phone on
 * which it waits, so that it is shown here and not made. */
async function takePayments(c: Content): Promise<void> {
  for (const p of c.payments) {
    if ((await theStore().payment(p.id)) !== undefined) continue;
    await theStore().savePayment(p.state === "prepared" ? p : { ...p, state: "lapsed", code: ELSEWHERE });
  }
  payments.value = await theStore().payments();
}

/** Lays down what changed, under the lock of all tabs. Where another phone was first, its content is taken in before. */
export async function lay(anew = false): Promise<void> {
  await navigator.locks.request("aqsha-backup", async () => {
    const r = await theStore().wallet(); // another tab may have laid it down meanwhile
    if (!r?.backup || phase.value !== "open" || (!anew && (await kept("laid")) === (await hashOf(own())))) return;
    await putAfter(r.backup.version);
  });
}

async function hashOf(c: Content): Promise<string> {
  return hex(await sha256(utf8(stringify(c))));
}

async function putAfter(after: number): Promise<void> {
  const k = await keyNow();
  if (!k) return;
  for (let attempt = 0; ; attempt++) {
    const there = await signedIn((wallet) => client.backup(wallet, after));
    const theirs = there.version !== after && (await contentIn(k, there));
    if (theirs) await take(theirs); // what an older key sealed nobody opens any more
    after = there.version;
    const now = own();
    const box = toBase64(await sealed(k.key, k.network, k.wallet, after + 1, now));
    try {
      await change({ backup: await signedIn((wallet) => client.putBackup(wallet, after, box)) });
      await keep("laid", await hashOf(now));
      return;
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== "stale-version" || attempt > 2) throw error; // another was faster
    }
  }
}

type Own = NonNullable<Awaited<ReturnType<typeof keyNow>>>;

/** What is in the box that lies there; undefined for none. */
async function contentIn(k: Own, there: { readonly version: number; readonly sealed: string }): Promise<Content | undefined> {
  return there.sealed === "" ? undefined : opened(k.key, k.network, k.wallet, there.version, fromBase64(there.sealed));
}

/** Switches it on: what is here is laid down. */
export async function switchOn(): Promise<void> {
  await navigator.locks.request("aqsha-backup", () => putAfter(record.value?.backup?.version ?? 0));
  follow();
}

/** Switches it off: the bank forgets it. */
export async function switchOff(): Promise<void> {
  await navigator.locks.request("aqsha-backup", async () => {
    await signedIn((wallet) => client.deleteBackup(wallet));
    await change({ backup: undefined });
  });
}

/** Looks for what lies with the bank on a phone that came back from its code, and takes it. */
export async function bringBack(): Promise<boolean> {
  const k = await keyNow();
  if (!k) return false;
  const there = await signedIn((wallet) => client.backup(wallet, 0));
  const content = await contentIn(k, there);
  if (!content) return false;
  await take(content);
  await takePayments(content);
  await change({ backup: { version: there.version, millis: Date.now() } });
  cameBack.value = true;
  follow();
  return true;
}

/** So long after a change it is laid down: several come together, and most payments have their verdict by then. */
const PAUSE = 5_000;
let following: (() => void) | undefined;

/** Lays down what changes, while the wallet is open and the backup is on. What fails is tried with the next change, or when the
 * wallet is opened again. */
export function follow(): void {
  following?.();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const end = effect(() => {
    void [contacts.value, settings.value, asked.value, payments.value];
    clearTimeout(timer);
    if (phase.value !== "open" || record.value?.backup === undefined) return;
    timer = setTimeout(() => {
      lay().catch((error: unknown) => {
        if (!(error instanceof Refusal || error instanceof Unreached || error instanceof Gone || error instanceof Full || error instanceof RuleError)) throw error;
      });
    }, PAUSE);
  });
  following = () => {
    clearTimeout(timer);
    end();
  };
}
