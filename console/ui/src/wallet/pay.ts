// A payment is written to the device's journal before it is sent, and the same bytes are sent until the ledger answers or their
// time is over: a second tap, a reload, another tab or a lost answer pays once.

import { concat, hex, unhex } from "../ledger/bytes";
import type { Signer } from "../ledger/sign";
import { ROLE, decodeTransaction, digest, item, encodeTransaction, markedBody, markedMergeBody, mergeBody, signatureOf, transactionId, transferBody } from "../ledger/transaction";
import type { Value } from "../ledger/cbor";
import { type Client, Refusal, type Selection, type Token, isRule, undecided } from "./client";
import { checkTime } from "./request";
import { anchorOf, checkOnce, checkRefund, refundOf, waitsAlready } from "./refund";
import type { PaymentRecord, Store } from "./store";

/** How long what is signed can be executed. Short: a payment that waits for a network is signed when it is sent. */
const VALID_MILLIS = 120_000n;
const MOST_MERGES = 64;

export interface Order {
  readonly wallet: string;
  readonly payee: string;
  readonly amount: bigint;
  readonly memo: string;
  readonly until?: number; // Unix milliseconds: not to be paid later
  readonly purpose?: number; // whose money is paid; absent for plain tenge
  readonly once?: boolean; // a request: it is not paid when it was paid before
  readonly freed?: boolean; // a refund of marked money in plain tenge, as its payer said
  readonly waiting?: string; // the id of the record in whose place the signed payment comes
  readonly waited?: string; // the id under which that one waited first
}

export interface Payer {
  readonly network: Uint8Array;
  readonly signer: Signer;
  readonly client: Client;
  readonly store: Store;
  readonly now: () => number;
  readonly pause: (millis: number) => Promise<void>;
  readonly written?: () => Promise<void>; // the journal was changed
}

/** What waited was taken back before it was signed for good: nothing was sent. */
class TakenBack extends Error {}

async function signed(p: Payer, body: readonly Value[]): Promise<{ id: string; bytes: Uint8Array }> {
  const id = await transactionId(body);
  const signature = signatureOf(await p.signer.sign(await digest(p.network, id, ROLE.wallet)));
  return { id: hex(id), bytes: encodeTransaction(body, [{ role: ROLE.wallet, index: 0, signature }]) };
}

/** Until when what is signed now can be executed, by the node's clock: never from the time on from which a request is not to be paid. */
async function validUntilOf(p: Payer, order: Order): Promise<bigint> {
  const now = (await p.client.network()).timeMillis;
  checkTime(order, now);
  const most = BigInt(now) + VALID_MILLIS;
  return order.until !== undefined && BigInt(order.until) <= most ? BigInt(order.until) - 1n : most;
}

/** A selection that spends a token too. What it has more comes back as change. */
function withAnchor(s: Selection, anchor: Token | undefined): Selection {
  if (!anchor || s.merge || s.tokens.some((t) => t.id === anchor.id)) return s;
  return { ...s, tokens: [...s.tokens, anchor], total: s.total + anchor.amount };
}

/** Frees what was chosen for a payment that is not made, so that the next one need not wait until the node frees it by itself. */
async function free(p: Payer, wallet: string, tokens: readonly string[]): Promise<void> {
  if (tokens.length > 0) await p.client.release(wallet, tokens).catch(() => {}); // a courtesy: the payment is over either way
}

/** Chooses tokens, signs and writes the payment down. Nothing has been sent when it returns. */
export async function prepare(p: Payer, order: Order): Promise<PaymentRecord> {
  let chosen: readonly string[] = [];
  try {
    return await chooseAndSign(p, order, (tokens) => (chosen = tokens));
  } catch (error) {
    await free(p, order.wallet, chosen);
    throw error;
  }
}

async function chooseAndSign(p: Payer, order: Order, choose: (tokens: readonly string[]) => void): Promise<PaymentRecord> {
  const payer = unhex(order.wallet, 16);
  const { purpose } = order;
  if (order.until !== undefined) await validUntilOf(p, order); // what is over is not looked at any further
  let since = await checkRefund(p, order, purpose ?? 0);
  await checkOnce(p, order);
  const becomes = purpose === undefined ? 0 : await p.client.mayPay(purpose, order.payee, order.amount);
  for (let merges = 0; ; merges++) {
    const anchor = await anchorOf(p, since, purpose ?? 0);
    const selection = withAnchor(await p.client.select(order.wallet, order.amount, purpose), anchor);
    choose(selection.tokens.map((t) => t.id));
    const validUntil = await validUntilOf(p, order);
    const inputs = selection.tokens.map((t) => unhex(t.id, 32));
    if (selection.merge && merges < MOST_MERGES) {
      const merge = purpose === undefined ? mergeBody(payer, inputs, selection.total, validUntil) : markedMergeBody(payer, inputs, selection.total, purpose, validUntil);
      await p.client.submit((await signed(p, merge)).bytes);
      choose([]);
      since = await checkRefund(p, order, becomes);
      continue;
    }
    await checkRefund(p, order, becomes); // who gave back on another device meanwhile is seen, or spends what this one spends
    const payment = { payer, payee: unhex(order.payee, 16), inputs, total: selection.total, amount: order.amount, memo: order.memo, validUntil };
    const body = purpose === undefined ? transferBody(payment) : markedBody({ ...payment, purpose, becomes });
    const { id, bytes } = await signed(p, body);
    const record: PaymentRecord = {
      id,
      bytes: hex(bytes),
      payee: order.payee,
      amount: String(order.amount),
      memo: order.memo,
      made: p.now(),
      validUntil: Number(validUntil),
      state: "prepared",
      ...(purpose !== undefined && { purpose }),
      ...(order.until !== undefined && { until: order.until }),
      ...(order.waiting !== undefined && { waited: order.waited ?? order.waiting }),
    };
    if (order.waiting === undefined) await p.store.savePayment(record);
    else if (!(await p.store.replacePayment(order.waiting, record))) throw new TakenBack("it waits no more");
    await p.written?.();
    return record;
  }
}

/** Writes down a payment for which no node could be asked. It is signed when one can be, so that it cannot lapse unseen. A request
 * that waits already is that payment, and one whose time is over by the device's clock does not wait. */
export async function wait(p: Pick<Payer, "store" | "now">, order: Order): Promise<PaymentRecord> {
  checkTime(order, p.now());
  const same = order.once ? await waitsAlready(p.store, order) : undefined;
  if (same) return same;
  const id = `waiting-${hex(crypto.getRandomValues(new Uint8Array(16)))}`;
  const { payee, amount, memo, until, purpose } = order;
  const record: PaymentRecord = { id, bytes: "", payee, amount: String(amount), memo, made: p.now(), validUntil: 0, state: "waiting", ...(until !== undefined && { until }), ...(purpose !== undefined && { purpose }), ...(order.once && { once: true }), ...(order.freed && { freed: true }) };
  await p.store.savePayment(record);
  return record;
}

/** Makes a payment that waited: signs and sends it, or says why it is not made. Unreached leaves it waiting. */
export async function makeWaiting(p: Payer, wallet: string, record: PaymentRecord): Promise<PaymentRecord> {
  let made: PaymentRecord;
  let order: Order;
  try {
    made = await prepare(p, (order = { wallet, payee: record.payee, amount: BigInt(record.amount), memo: record.memo, waiting: record.id, ...(record.once && { once: true }), ...(record.freed && { freed: true }), ...(record.until !== undefined && { until: record.until }), ...(record.purpose !== undefined && { purpose: record.purpose }) }));
  } catch (error) {
    if (error instanceof TakenBack) return record;
    if (!isRule(error) && (!(error instanceof Refusal) || undecided(error) || error.status === 403)) throw error;
    made = { ...record, state: error.code === "request-over" ? "lapsed" : "refused", code: error.code };
    await p.store.replacePayment(record.id, made);
    await p.written?.();
    return made;
  }
  return pursue(p, order, made);
}

const MOST_ANEW = 3;

/** Settles a payment that was prepared. A refund that another payment of this wallet was before is looked at and made anew: what was
 * given back meanwhile is seen then. */
export async function pursue(p: Payer, order: Order, record: PaymentRecord): Promise<PaymentRecord> {
  let made = record;
  for (let anew = 0; ; anew++) {
    made = await settle(p, made);
    if (made.code !== "token-not-live" || refundOf(order.memo) === undefined || anew === MOST_ANEW) return made;
    try {
      made = await prepare(p, { ...order, waiting: made.id, waited: order.waiting ?? record.id });
    } catch (error) {
      if (!isRule(error) && !(error instanceof Refusal)) return made;
      made = { ...made, code: error.code };
      await p.store.savePayment(made);
      await p.written?.();
      return made;
    }
  }
}

/** Frees what a payment would have spent that the ledger did not execute. */
async function freeInputs(p: Payer, record: PaymentRecord): Promise<void> {
  const tx = decodeTransaction(unhex(record.bytes));
  await free(p, hex((item(tx, "parties") as Uint8Array[])[0]!), (item(tx, "inputs") as Uint8Array[]).map(hex));
}

/** Sends what was prepared until there is a verdict, or until it can no longer be executed. */
export async function settle(p: Payer, record: PaymentRecord): Promise<PaymentRecord> {
  for (let attempt = 0; ; attempt++) {
    let verdict: PaymentRecord | undefined;
    try {
      const receipt = await p.client.submit(concat(unhex(record.bytes)));
      verdict = { ...record, state: "done", index: receipt.index };
    } catch (error) {
      if (error instanceof Refusal && error.code === "expired") verdict = { ...record, state: "lapsed", code: record.until === record.validUntil + 1 ? "request-over" : error.code };
      else if (error instanceof Refusal && !undecided(error)) verdict = { ...record, state: "refused", code: error.code };
      else if (!undecided(error)) throw error;
    }
    if (verdict) {
      if (verdict.state !== "done") await freeInputs(p, verdict);
      await p.store.savePayment(verdict);
      await p.written?.();
      return verdict;
    }
    await p.pause(Math.min(200 * 2 ** attempt, 5_000));
  }
}
