// How a key gets its wallet from a bank: by a paper, or by an application over the network. Loaded by the page that asks, not before.

import { unhex } from "../ledger/bytes";
import { Refusal } from "./client";
import { signPaper } from "./draft";
import { change, changeFrom, client, record, signer, take } from "./state";

/** Signs the bank's paper and hands it in: a new wallet is open when the ledger has it, a new key of one that was lost waits. */
export async function register(paper: string): Promise<void> {
  const key = signer.value;
  const r = record.value;
  if (!key || !r) throw new Error("the wallet is not open");
  const made = await signPaper(paper, unhex(r.network), key);
  const receipt = await client.submit(made.bytes);
  if (made.kind === "register") {
    await take(made.wallet);
    return;
  }
  const { rekeyDelayMillis } = await client.policy();
  await change({ waits: { wallet: made.wallet, due: receipt.millis + rekeyDelayMillis } });
}

/** Opens the wallet to which a bank gave this key, once that is in force; false before, and if somebody cancelled it. */
export async function takeWaiting(): Promise<boolean> {
  const waits = record.value?.waits;
  if (!waits || !(await take(waits.wallet))) return false;
  await dropWaiting();
  return true;
}

/** Forgets the wallet for which this key waited. */
export async function dropWaiting(): Promise<void> {
  await change({ waits: undefined });
}

/** Asks a bank for the wallet, unless another tab did since this one looked: its application is this wallet's. */
export async function applyTo(bank: string, name: string, instead?: string): Promise<void> {
  const key = signer.value;
  const r = record.value;
  if (!key || !r) throw new Error("the wallet is not open");
  await changeFrom(() => undefined);
  if (record.value?.application && record.value.application.id !== instead) return;
  await change({ application: { id: await client.apply(unhex(r.network), bank, key, name), bank, name } });
}

/** Looks for the bank's answer, and hands its paper in. A paper that another customer's has made void is asked for again. The
 * bank's reason is returned when it refuses. */
export async function takeAnswer(): Promise<string | undefined> {
  const asked = record.value?.application;
  if (!asked || !signer.value) return undefined;
  const answer = await client.application(asked.id);
  if (answer.state === "refused") {
    await withoutApplication();
    return answer.reason;
  }
  if (answer.paper === undefined) return undefined;
  try {
    await register(answer.paper);
    await withoutApplication();
  } catch (error) {
    if (!(error instanceof Refusal) || (error.code !== "stale-version" && error.code !== "expired")) throw error;
    await applyTo(asked.bank, asked.name, asked.id);
  }
  return undefined;
}

async function withoutApplication(): Promise<void> {
  await change({ application: undefined });
}
