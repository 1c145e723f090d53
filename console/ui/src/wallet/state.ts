// What the wallet's pages show. Whoever changes it goes through here.

import { computed, signal } from "@preact/signals";
import { type Bytes, concat, hex, unhex } from "../ledger/bytes";
import type { Signer } from "../ledger/sign";
import { Box, type Kept } from "./box";
import { type Balance, Client, type HistoryLine, type Network, type Policy, Refusal, Unreached } from "./client";
import { recallAsked } from "./desk";
import { listen } from "./events";
import { openWithPasskey, sealWithPasskey } from "./passkey";
import { paidElsewhere, unsettled } from "./outbox";
import { type Order, type Payer, makeWaiting, prepare, pursue, settle, wait } from "./pay";
import { type KeptKey, Locked, keepKey } from "./keptkey";
import { type Before, paidBefore, waitsAlready } from "./refund";
import { inTurn, paced } from "./turns";
import { type Seen, forget, recall, seen } from "./private";
import { Full, Gone, type PaymentRecord, Store, type WalletRecord } from "./store";
import { open, seal } from "./vault";
import type { Value } from "../ledger/cbor";
import { ROLE, type Witness, digest, encodeTransaction, signatureOf, transactionId } from "../ledger/transaction";

export const network = signal<Network | undefined>(undefined);
export const record = signal<WalletRecord | undefined>(undefined);
/** Signs with the key, which a worker has while the wallet is open. */
export const signer = signal<KeptKey | undefined>(undefined);
export const balance = signal<Balance | undefined>(undefined);
/** How many payments of several, of which this wallet is one, wait for signatures. */
export const toSign = signal(0);
export const marked = signal<ReadonlyMap<number, bigint>>(new Map());
/** The limits that stand, once they were asked for. */
export const policy = signal<Policy | undefined>(undefined);
const purposes = signal<ReadonlyMap<number, { readonly name: string; readonly about: string }>>(new Map());
export const history = signal<readonly HistoryLine[] | undefined>(undefined);
export const payments = signal<readonly PaymentRecord[]>([]);
export const asOf = signal<number | undefined>(undefined);
export const connected = signal(true);
export const fault = signal<"no-crypto" | "storage" | "storage-gone" | undefined>(undefined);
export const started = signal(false);
/** How far this device's clock is from the network's, in milliseconds, as far as it was asked. */
export const clockOff = signal(0);
/** The time by the network's clock, as far as it is known here. */
export const nodeNow = () => Date.now() + clockOff.value;
/** Another key has taken this one's place: this device neither pays nor reads the wallet any more. */
export const moved = signal(false);
/** What lay with the bank came back to this device. */
export const cameBack = signal(false);
/** A payment was sent, and nobody has answered yet. */
export const unanswered = signal(false);

/** Which of its lives the wallet is in. */
export const phase = computed<"none" | "locked" | "unregistered" | "open">(() => {
  if (!record.value) return "none";
  if (!signer.value) return "locked";
  return record.value.wallet === undefined ? "unregistered" : "open";
});

const HISTORY = 30;

export const client = new Client();
let store: Store | undefined;
let box: Box | undefined;
let listening: AbortController | undefined;

export function theStore(): Store {
  if (!store) throw new Error("the storage is not open");
  return store;
}

export async function start(): Promise<void> {
  if (!globalThis.isSecureContext || !globalThis.crypto?.subtle) {
    fault.value = "no-crypto";
    return;
  }
  try {
    store = await Store.open();
    store.gone = () => {
      lock();
      fault.value = "storage-gone";
    };
    record.value = await store.wallet();
    payments.value = await store.payments();
    void navigator.storage?.persist?.();
  } catch {
    fault.value = "storage";
  }
}

/** Asks the node which network it is. */
export async function meet(): Promise<void> {
  try {
    network.value = await client.network();
    clockOff.value = network.value.timeMillis - Date.now();
    connected.value = true;
  } catch (error) {
    if (!(error instanceof Unreached)) throw error;
    connected.value = false;
  }
}

export function touch(): void {
  signer.value?.touch();
}

export function lock(): void {
  listening?.abort();
  signer.value?.forget();
  signer.value = box = undefined;
  balance.value = history.value = asOf.value = undefined;
  marked.value = new Map();
  cameBack.value = false;
  forget();
}

export async function kept(name: Kept): Promise<unknown> {
  return box?.get(name);
}

export async function keep(name: Kept, value: unknown): Promise<void> {
  await box?.put(name, value);
}

/** A key of the wallet's secret for what lies elsewhere; undefined while it is locked. */
export async function derived(salt: Bytes, info: string): Promise<CryptoKey | undefined> {
  return box?.derived(salt, info);
}

/** What is done with a seed that is right: a worker gets it, and what the device keeps of the person is read. The seed is empty
 * afterwards. */
async function opened(seed: Bytes, own?: KeptKey): Promise<void> {
  box = await Box.of(seed, theStore());
  await recall(box);
  await recallAsked(box);
  const last = seen.value;
  if (last && balance.value === undefined) {
    balance.value = last.balance;
    history.value = last.lines;
    marked.value = last.marked;
    asOf.value = last.asOf;
  }
  const key = own ?? (await keepKey(seed, lock));
  signer.value?.forget();
  signer.value = key;
  madeElsewhere.value = moved.value = false;
}

/** Another tab made a wallet while one was being made here, whose key nobody has seen and which is forgotten. */
export const madeElsewhere = signal(false);

/** Makes the wallet of a seed on this device. Nothing is shown or sent of its key before the device keeps it. False, and the wallet
 * that the device has is taken up, when another tab was faster. */
export async function make(seed: Bytes, passphrase: string, recoverySaved: boolean): Promise<boolean> {
  const of = network.value?.network;
  if (of === undefined) throw new Unreached("the network is not known");
  const key = await keepKey(concat(seed), lock);
  const next: WalletRecord = { network: of, publicKey: hex(key.publicKey), sealed: await seal(seed, passphrase, unhex(of), key.publicKey), recoverySaved, ...(recoverySaved && { restored: true }) };
  const held = await theStore().createWallet(next);
  if (held.publicKey !== next.publicKey) {
    key.forget();
    seed.fill(0);
    madeElsewhere.value = true;
    record.value = held;
    return false;
  }
  record.value = held;
  await opened(seed, key);
  seed.fill(0);
  return true;
}

/** The seed, when the passphrase is right. */
export async function seedWith(passphrase: string): Promise<Bytes | undefined> {
  const r = record.value;
  return r && open(r.sealed, passphrase, unhex(r.network), unhex(r.publicKey));
}

/** Goes on with another key of the same wallet: what is kept here goes over to it. */
export async function reopen(seed: Bytes): Promise<void> {
  const kept = await Promise.all((["contacts", "settings", "till", "seen"] as const).map(async (name) => [name, await box?.get(name)] as const));
  box = await Box.of(seed, theStore());
  for (const [name, value] of kept) if (value !== undefined) await box.put(name, value);
  client.useToken("");
  await opened(concat(seed)); // its owner writes it down
  attend();
  if (record.value?.backup) void (await import("./backup")).lay(true).catch(() => {}); // it is laid down with the next change else; only the old key opens what lies there
  await refresh();
}

async function openWith(seed: Bytes | undefined): Promise<boolean> {
  if (!seed) return false;
  await opened(seed);
  attend();
  if (record.value?.backup) void import("./backup").then((b) => b.follow(), () => {}); // without a connection it is laid down later
  void resume();
  return true;
}

/** Opens the wallet with the device's own lock, where that was set. */
export async function unlockByDevice(): Promise<boolean> {
  const r = record.value;
  return r?.passkey !== undefined && openWith(await openWithPasskey(r.passkey, unhex(r.network), unhex(r.publicKey)));
}

/** Lets the device's lock open the wallet, or no more. */
export async function setDeviceLock(passphrase: string | undefined): Promise<boolean> {
  const rest = record.value!;
  let part: WalletRecord["passkey"];
  if (passphrase !== undefined) {
    const seed = await seedWith(passphrase);
    if (!seed) return false;
    const passkey = await sealWithPasskey(seed, unhex(rest.network), unhex(rest.publicKey), `Aqsha ${(rest.wallet ?? "").slice(0, 8)}`);
    seed.fill(0);
    if (!passkey) return false;
    part = passkey;
  }
  await change({ passkey: part });
  return true;
}

export async function unlock(passphrase: string): Promise<boolean> {
  if (!(await openWith(await seedWith(passphrase)))) return false;
  if (record.value?.next) void takeNext(passphrase);
  return true;
}

/** Takes the new key when the ledger has it: the old one opens no session any more. */
async function takeNext(passphrase: string): Promise<void> {
  const r = record.value;
  if (!r || r.wallet === undefined || !signer.value) return;
  try {
    await client.signIn(unhex(r.network), r.wallet, signer.value);
  } catch (error) {
    if (error instanceof Refusal && error.code === "sign-in-refused") await (await import("./keys")).promote(passphrase);
  }
}

/** Changes the record of the wallet; what is undefined is taken away. */
export async function change(part: { readonly [K in keyof WalletRecord]?: WalletRecord[K] | undefined }): Promise<void> {
  if (!record.value) return;
  await changeFrom((held) => ({ ...held, ...part }));
}

/** Changes what the device has now, which another tab may have changed since this one looked. Where the wallet there is under another
 * key than this tab's, this tab's is over. Undefined leaves it. */
export async function changeFrom(work: (held: WalletRecord) => { readonly [K in keyof WalletRecord]?: WalletRecord[K] | undefined } | undefined): Promise<void> {
  const own = record.value!;
  let other = false;
  const now = await theStore().changeWallet((there) => {
    const held = there ?? own;
    other = held.publicKey !== own.publicKey;
    const next = other ? undefined : work(held);
    return next && (Object.fromEntries(Object.entries(next).filter(([, v]) => v !== undefined)) as unknown as WalletRecord);
  });
  if (other) {
    theStore().gone();
    throw new Gone("another tab has put another key in this one's place");
  }
  record.value = now ?? own;
}

export const recoverySaved = () => change({ recoverySaved: true });

/** Opens a session of a wallet: false if this key is neither its key nor its recovery key. */
export async function enter(wallet: string): Promise<boolean> {
  const key = signer.value;
  const r = record.value;
  if (!key || !r) return false;
  try {
    await client.signIn(unhex(r.network), wallet, key);
  } catch (error) {
    if (error instanceof Refusal) return false;
    throw error;
  }
  return true;
}

/** Takes the number that the bank gave: the node lets this key in for it, or it is not this wallet's. */
export async function take(wallet: string): Promise<boolean> {
  if (!(await enter(wallet))) return false;
  await change({ wallet });
  attend();
  await refresh();
  return true;
}

/** Reads with a session of the wallet's key, which is opened where there is none. */
export async function signedIn<T>(work: (wallet: string) => Promise<T>): Promise<T> {
  const wallet = record.value?.wallet;
  const key = signer.value;
  if (wallet === undefined || !key || !record.value) throw new Error("the wallet is not open");
  if (moved.value) throw new Refusal(401, MOVED, "");
  if (!client.admitted) await signInOr(unhex(record.value.network), wallet, key); // not to be refused first
  try {
    return await work(wallet);
  } catch (error) {
    if (!(error instanceof Refusal) || (error.status !== 401 && error.status !== 403)) throw error;
    await signInOr(unhex(record.value.network), wallet, key);
    return work(wallet);
  }
}

const MOVED = "wallet-moved";

/** Opens a session. Where that is refused it is asked whether the key opens the wallet at all: if not, it is not tried again. */
async function signInOr(network: Bytes, wallet: string, key: Signer): Promise<void> {
  try {
    await client.signIn(network, wallet, key);
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== "sign-in-refused") throw error;
    const own = await client.keyed(network, key).catch(() => undefined);
    if (!own || own.some((w) => w.wallet === wallet && !w.recovery)) throw error;
    if (signer.value === key) {
      moved.value = true;
      listening?.abort();
    }
    throw new Refusal(401, MOVED, "");
  }
}

/** What a purpose is called and for, when it was asked for; see learnPurpose. */
/** Banks by their wallets' numbers, as the node names them. */
const banks = signal<ReadonlyMap<string, string>>(new Map());
export const bankOf = (wallet: string) => banks.value.get(wallet);

/** So long a page that is about to pay waits for the node before it says that it does not answer. */
const PATIENCE = 4_000;

/** Asks whether the node answers. */
export async function reach(): Promise<void> {
  const heard = (n: Network) => ((clockOff.value = n.timeMillis - Date.now()), true);
  const answers = client.network().then(heard, (error: unknown) => !(error instanceof Unreached));
  connected.value = await Promise.race([answers, new Promise<boolean>((done) => setTimeout(() => done(false), PATIENCE))]);
}

export const purposeOf = (purpose: number) => purposes.value.get(purpose);

export function purposeName(purpose: number): string {
  return purposeOf(purpose)?.name ?? String(purpose);
}

/** Asks what a purpose is, once. Without a connection it keeps its number. */
export async function learnPurpose(purpose: number): Promise<void> {
  if (purposes.value.has(purpose)) return;
  const told = await client.purpose(purpose).catch(() => undefined);
  if (told) purposes.value = new Map(purposes.value).set(purpose, told);
}

/** Reads balance and history again. What cannot be read is left as it was, and said to be old. */
export const refresh = inTurn(readAgain);

async function readAgain(): Promise<void> {
  if (phase.value !== "open" || moved.value) return;
  try {
    const [b, h, m] = await signedIn(async (wallet) => [await client.balance(wallet), await client.history(wallet, HISTORY), await client.marked(wallet)] as const);
    if (phase.value !== "open") return; // it was locked meanwhile
    balance.value = b;
    history.value = h.lines;
    marked.value = m;
    asOf.value = Date.now();
    for (const purpose of m.keys()) void learnPurpose(purpose);
    void signedIn((wallet) => client.drafts(wallet)).then((d) => (toSign.value = d.filter((one) => one.state === "waiting").length), () => {});
    if (banks.value.size === 0) void client.banks().then((list) => (banks.value = new Map(list.map((one) => [one.id, one.name]))), () => {});
    if (!policy.value) void client.policy().then((p) => (policy.value = p), () => {}); // it says no limits until then
    const back = !connected.value;
    connected.value = true;
    const now: Seen = { balance: b, lines: h.lines, marked: m, asOf: asOf.value };
    await keep("seen", { ...now, marked: [...m] });
    const joined = paidElsewhere(payments.value, h.lines, record.value?.wallet ?? "");
    for (const p of joined) await theStore().removePayment(p.id);
    if (joined.length > 0) await readJournal();
    if (back || payments.value.some(unsettled)) void resume();
  } catch (error) {
    if (error instanceof Refusal && error.status === 401) return; // the session ended meanwhile: the next look opens another
    if (error instanceof Gone) return; // it is said on the whole page
    if (error instanceof Full) return; // what was read is shown, and not kept: a payment says that there is no room
    if (!(error instanceof Unreached)) throw error;
    connected.value = false;
  }
}

/** So often it is tried to pay what waits, whatever page is open and whether or not the browser says that there is a connection. */
const TRIED_EVERY = 5_000;

/** Events come together, as many as there are payments: so far apart they are looked at, in milliseconds. */
export const EVENTS_APART = 1_000;

/** Hears what touches the wallet while it is open, by one connection of this browser, and pays what waits. */
export function attend(): void {
  listening?.abort();
  const of = record.value?.wallet;
  if (of === undefined) return;
  listening = new AbortController();
  const { signal: ends } = listening;
  const tryAll = () => {
    if (payments.value.some(unsettled)) void refresh();
  };
  const trying = setInterval(tryAll, TRIED_EVERY);
  ends.addEventListener("abort", () => clearInterval(trying));
  listen(
    `aqsha-events-${of}`,
    {
      open: (last, until, heard) => signedIn(() => client.events("wallet,drafts", last, until, heard, tryAll)),
      heard: paced(() => void refresh(), EVENTS_APART),
      pause: (millis) => new Promise((done) => setTimeout(done, millis)),
    },
    ends,
  );
}

function pause(millis: number): Promise<void> {
  unanswered.value = true;
  return new Promise((done) => setTimeout(done, millis));
}

/** Shows what the journal says now, which another tab may have changed. */
async function readJournal(): Promise<void> {
  payments.value = await theStore().payments();
}

function payer(): Payer {
  const key = signer.value;
  const r = record.value;
  if (!key || !r) throw new Error("the wallet is not open");
  return { network: unhex(r.network), signer: key, client, store: theStore(), now: nodeNow, pause, written: readJournal };
}

let paying: Promise<PaymentRecord> | undefined;

async function payNow(order: Omit<Order, "wallet">): Promise<PaymentRecord> {
  let verdict: PaymentRecord | undefined;
  await navigator.locks.request("aqsha-pay", async () => {
    let made: PaymentRecord;
    try {
      if (!connected.value) throw new Unreached("the page has said so"); // and that the payment waits unsigned
      made = await signedIn((wallet) => prepare(payer(), { wallet, ...order }));
    } catch (error) {
      if (!(error instanceof Unreached)) throw error;
      verdict = await wait(payer(), { wallet: record.value!.wallet!, ...order });
      connected.value = false;
      await readJournal();
      return;
    }
    verdict = await pursue(payer(), { wallet: record.value!.wallet!, ...order }, made);
  });
  unanswered.value = false;
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

/** What answered a request before, or waits here to do so. */
export async function answered(order: Omit<Order, "wallet">): Promise<Before | undefined> {
  const of = { wallet: record.value!.wallet!, ...order };
  const waits = await waitsAlready(theStore(), of);
  if (waits) return { millis: waits.made, waits: true };
  try {
    return await signedIn(() => paidBefore(payer(), of));
  } catch (error) {
    if (error instanceof Unreached || error instanceof Refusal) return undefined; // it is looked up again before it is signed
    throw error;
  }
}

/** Signs a change of the wallet's own and hands it in. */
export async function submitOwn(
  make: (wallet: Bytes, validUntil: bigint) => readonly Value[],
  also: (id: Bytes) => Promise<readonly Witness[]> = async () => [],
  as: { readonly wallet: string; readonly role: number } = { wallet: record.value?.wallet ?? "", role: ROLE.wallet },
): Promise<void> {
  const p = payer();
  const validUntil = BigInt((await client.network()).timeMillis) + 120_000n;
  const body = make(unhex(as.wallet, 16), validUntil);
  const id = await transactionId(body);
  const own: Witness = { role: as.role, index: 0, signature: signatureOf(await p.signer.sign(await digest(p.network, id, as.role))) };
  await client.submit(encodeTransaction(body, [own, ...(await also(id))]));
}

let resuming: Promise<void> | undefined;

/** Makes what waited, and sends on what has no verdict yet, from before a reload. */
export function resume(): Promise<void> {
  resuming ??= navigator.locks
    .request("aqsha-pay", async () => {
      for (const p of (await theStore().payments()).reverse()) {
        if (!signer.value || phase.value !== "open") break;
        if (p.state === "prepared") await settle(payer(), p);
        if (p.state === "waiting") await signedIn((wallet) => makeWaiting(payer(), wallet, p));
      }
      await readJournal();
    })
    .catch((error: unknown) => {
      if (!(error instanceof Unreached || error instanceof Gone || error instanceof Locked || error instanceof Refusal)) throw error; // it waits on
    })
    .then(refresh)
    .finally(() => {
      resuming = undefined;
      unanswered.value = false;
    });
  return resuming;
}

/** Takes a payment back that waits: nothing of it was signed. One that was signed meanwhile stays. No lock: another payment that is
 * asked for again and again may have it for minutes. */
export async function cancelWaiting(id: string): Promise<void> {
  await theStore().takeBack(id);
  await readJournal();
}
