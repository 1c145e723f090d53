// What the wallet's pages show. Whoever changes it goes through here.

import { computed, signal } from "@preact/signals";
import { type Bytes, hex, unhex } from "../ledger/bytes";
import { type Signer, signerOf } from "../ledger/sign";
import { type Balance, Client, type HistoryLine, type Network, Refusal, Unreached } from "./client";
import { signRegistration } from "./draft";
import { type Order, type Payer, prepare, settle } from "./pay";
import { type PaymentRecord, Store, type WalletRecord } from "./store";
import { open, seal } from "./vault";

export const network = signal<Network | undefined>(undefined);
export const record = signal<WalletRecord | undefined>(undefined);
export const signer = signal<Signer | undefined>(undefined);
export const balance = signal<Balance | undefined>(undefined);
export const history = signal<readonly HistoryLine[] | undefined>(undefined);
export const payments = signal<readonly PaymentRecord[]>([]);
export const asOf = signal<number | undefined>(undefined);
export const connected = signal(true);
export const fault = signal<"no-crypto" | "storage" | undefined>(undefined);
export const started = signal(false);

/** Which of its lives the wallet is in. */
export const phase = computed<"none" | "locked" | "unregistered" | "open">(() => {
  if (!record.value) return "none";
  if (!signer.value) return "locked";
  return record.value.wallet === undefined ? "unregistered" : "open";
});

/** Unlocked it stays so long without a touch. */
const LOCK_AFTER = 5 * 60_000;
const HISTORY = 30;

const client = new Client();
let store: Store | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;

function theStore(): Store {
  if (!store) throw new Error("the storage is not open");
  return store;
}

export async function start(): Promise<void> {
  if (!globalThis.isSecureContext || !globalThis.crypto?.subtle) {
    fault.value = "no-crypto";
    started.value = true;
    return;
  }
  try {
    store = await Store.open();
    record.value = await store.wallet();
    payments.value = await store.payments();
    void navigator.storage?.persist?.();
  } catch {
    fault.value = "storage";
  }
  started.value = true;
  await meet();
}

/** Asks the node which network it is. */
export async function meet(): Promise<void> {
  try {
    network.value = await client.network();
    connected.value = true;
  } catch (error) {
    if (!(error instanceof Unreached)) throw error;
    connected.value = false;
  }
}

export function touch(): void {
  clearTimeout(timer);
  if (signer.value) timer = setTimeout(lock, LOCK_AFTER);
}

export function lock(): void {
  signer.value = undefined;
  balance.value = history.value = undefined;
}

/** Makes the wallet of a seed on this device. */
export async function make(seed: Bytes, passphrase: string, recoverySaved: boolean): Promise<void> {
  const of = network.value?.network;
  if (of === undefined) throw new Unreached("the network is not known");
  const made = await signerOf(seed);
  const next: WalletRecord = { network: of, publicKey: hex(made.publicKey), sealed: await seal(seed, passphrase, unhex(of), made.publicKey), recoverySaved };
  await theStore().saveWallet(next);
  record.value = next;
  signer.value = made;
  touch();
}

/** The seed, when the passphrase is right. */
export async function seedWith(passphrase: string): Promise<Bytes | undefined> {
  const r = record.value;
  return r && open(r.sealed, passphrase, unhex(r.network), unhex(r.publicKey));
}

export async function unlock(passphrase: string): Promise<boolean> {
  const seed = await seedWith(passphrase);
  if (!seed) return false;
  signer.value = await signerOf(seed);
  seed.fill(0);
  touch();
  void resume();
  return true;
}

async function change(part: Partial<WalletRecord>): Promise<void> {
  if (!record.value) return;
  const next = { ...record.value, ...part };
  await theStore().saveWallet(next);
  record.value = next;
}

export const recoverySaved = () => change({ recoverySaved: true });

/** Takes the number that the bank gave: the node lets this key in for it, or it is not this wallet's. */
export async function take(wallet: string): Promise<boolean> {
  const key = signer.value;
  const r = record.value;
  if (!key || !r) return false;
  try {
    await client.signIn(unhex(r.network), wallet, key);
  } catch (error) {
    if (error instanceof Refusal) return false;
    throw error;
  }
  await change({ wallet });
  await refresh();
  return true;
}

/** Signs the bank's paper and hands it in: the wallet is open when the ledger has it. */
export async function register(paper: string): Promise<void> {
  const key = signer.value;
  const r = record.value;
  if (!key || !r) throw new Error("the wallet is not open");
  const made = await signRegistration(paper, unhex(r.network), key);
  await client.submit(made.bytes);
  await take(made.wallet);
}

async function signedIn<T>(work: (wallet: string) => Promise<T>): Promise<T> {
  const wallet = record.value?.wallet;
  const key = signer.value;
  if (wallet === undefined || !key || !record.value) throw new Error("the wallet is not open");
  try {
    return await work(wallet);
  } catch (error) {
    if (!(error instanceof Refusal) || (error.status !== 401 && error.status !== 403)) throw error;
    await client.signIn(unhex(record.value.network), wallet, key);
    return work(wallet);
  }
}

/** Reads balance and history again. What cannot be read is left as it was, and said to be old. */
export async function refresh(): Promise<void> {
  if (phase.value !== "open") return;
  try {
    const [b, h] = await signedIn(async (wallet) => [await client.balance(wallet), await client.history(wallet, HISTORY)] as const);
    balance.value = b;
    history.value = h;
    asOf.value = Date.now();
    connected.value = true;
  } catch (error) {
    if (error instanceof Refusal && error.status === 401) return; // the session ended meanwhile: the next look opens another
    if (!(error instanceof Unreached)) throw error;
    connected.value = false;
  }
}

function payer(): Payer {
  const key = signer.value;
  const r = record.value;
  if (!key || !r) throw new Error("the wallet is not open");
  return { network: unhex(r.network), signer: key, client, store: theStore(), now: Date.now, pause: (millis) => new Promise((done) => setTimeout(done, millis)) };
}

let paying: Promise<PaymentRecord> | undefined;

async function payNow(order: Omit<Order, "wallet">): Promise<PaymentRecord> {
  let verdict: PaymentRecord | undefined;
  await navigator.locks.request("aqsha-pay", async () => {
    const made = await signedIn((wallet) => prepare(payer(), { wallet, ...order }));
    payments.value = await theStore().payments();
    verdict = await settle(payer(), made);
    payments.value = await theStore().payments();
  });
  await refresh();
  return verdict!;
}

/** Pays. A second call before the first has its verdict is the first one. */
export function pay(order: Omit<Order, "wallet">): Promise<PaymentRecord> {
  paying ??= payNow(order).finally(() => {
    paying = undefined;
  });
  return paying;
}

/** Sends on what has no verdict yet, from before a reload. */
export async function resume(): Promise<void> {
  await navigator.locks.request("aqsha-pay", async () => {
    for (const p of await theStore().payments()) if (p.state === "prepared") await settle(payer(), p);
    payments.value = await theStore().payments();
  });
  await refresh();
}
