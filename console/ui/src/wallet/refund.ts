// What is paid once: a refund, which belongs to the payment that it gives back, and what a request asks for. Each is looked up in
// the ledger and in the device's journal right before it is signed, under the lock that all tabs share.

import { RuleError, hex, unhex } from "../ledger/bytes";
import { outputId } from "../ledger/transaction";
import { Unreached, type Client, type HistoryLine, type Token } from "./client";
import type { Order } from "./pay";
import type { PaymentRecord, Store } from "./store";

const REFUND = "refund ";
const NAMED = 32; // digits of the payment's id
const PAGE = 200;
const MOST_PAGES_REFUND = 100;
const MOST_PAGES_REQUEST = 5;
const MOST_LOOKS = 20;

/** The other side of a line: the payee of what was paid, the payer of what was received. */
export function otherOf(line: HistoryLine, own: string): string | undefined {
  const payers = line.parties.slice(0, line.payers);
  const payees = line.parties.slice(line.payers);
  return (line.net > 0n ? payers : payees).find((p) => p !== own) ?? line.parties.find((p) => p !== own);
}

/** The memo of a refund: it names the payment that it gives back. */
export function refundMemo(payment: { readonly id: string }): string {
  return REFUND + payment.id.slice(0, NAMED);
}

/** The digits of the payment that a memo gives back; undefined for a memo of anything else. */
export function refundOf(memo: string): string | undefined {
  return /^refund ([0-9a-f]{32})$/.exec(memo)?.[1];
}

/** The payment that a memo gives back, where it is known. */
export function refundedBy(memo: string, known: readonly HistoryLine[]): HistoryLine | undefined {
  const of = refundOf(memo);
  return of === undefined ? undefined : known.find((l) => l.net > 0n && l.id.startsWith(of));
}

/** How much of a payment was given back. */
export function refunded(payment: HistoryLine, lines: readonly HistoryLine[]): bigint {
  const memo = refundMemo(payment);
  return lines.reduce((sum, l) => (l.net < 0n && l.memo === memo ? sum - l.net : sum), 0n);
}

/** Payments of which more was given back than came: two devices gave back in the same instant, which neither could see. */
export function overRefunded(lines: readonly HistoryLine[]): readonly { readonly payment: HistoryLine; readonly over: bigint }[] {
  return lines.filter((l) => l.net > 0n).map((payment) => ({ payment, over: refunded(payment, lines) - payment.net })).filter(({ over }) => over > 0n);
}

type Seeing = { readonly client: Client; readonly store: Store };

/** Refuses a refund of what did not come, to somebody else, or of more than is left of it, or of marked money as plain unless
 * its payer said so: becomes is the purpose that the money carries then, 0 for none. A memo that names no payment passes.
 * Returns the lines from the payment on, the latest first. */
export async function checkRefund(p: Seeing, order: Order, becomes: number): Promise<readonly HistoryLine[]> {
  const of = refundOf(order.memo);
  if (of === undefined) return [];
  const lines: HistoryLine[] = [];
  let before: bigint | undefined;
  let payment: HistoryLine | undefined;
  for (let pages = 0; pages < MOST_PAGES_REFUND && !payment; pages++) {
    const page = await p.client.history(order.wallet, PAGE, before);
    lines.push(...page.lines);
    payment = page.lines.find((l) => l.net > 0n && l.id.startsWith(of));
    if (page.next === undefined) break;
    before = page.next;
  }
  if (!payment) throw new RuleError("refund-unknown", "memo", "no payment of this number came");
  if (otherOf(payment, order.wallet) !== order.payee) throw new RuleError("refund-payee", "payee", "the payment came from somebody else");
  if (payment.came && becomes === 0 && !order.freed) throw new RuleError("refund-marked", "purpose", "it came in marked money");
  const unseen = (await p.store.payments()).filter((r) => r.memo === order.memo && (r.state === "done" || r.state === "prepared") && !lines.some((l) => l.id === r.id));
  const gone = unseen.reduce((sum, r) => sum + BigInt(r.amount), refunded(payment, lines));
  if (gone + order.amount > payment.net) throw new RuleError("refund-made", "amount", `${gone} of ${payment.net} tiyn were given back`);
  const { index } = payment;
  return lines.filter((l) => l.index >= index);
}

/** The token that every refund of a payment spends: the wallet's oldest of this money that came with the payment or after it. While
 * it is there it stays the oldest, so two devices that give the same back at once spend the same, and the ledger executes one of them.
 * Undefined where all of it was spent on: then the ledger's history alone is between them. */
export async function anchorOf(p: Pick<Seeing, "client">, since: readonly HistoryLine[], purpose: number): Promise<Token | undefined> {
  const spent = new Set(since.flatMap((l) => l.inputs ?? []));
  let looks = 0;
  for (const line of [...since].reverse()) {
    for (const made of line.outputs ?? []) {
      if (made.purpose !== purpose) continue;
      const id = hex(await outputId(unhex(line.id, 32), made.place));
      if (spent.has(id)) continue;
      if (looks++ === MOST_LOOKS) return undefined;
      if (await p.client.isLive(id)) return { id, amount: made.amount };
    }
  }
  return undefined;
}

/** A payment like one that is asked for again: when it was made, and whether it still waits here unsigned. */
export interface Before {
  readonly millis: number;
  readonly waits: boolean;
}

/** A reference tells requests apart; one without has its time at most. */
function alike(r: PaymentRecord, order: Order): boolean {
  return r.payee === order.payee && r.amount === String(order.amount) && r.memo === order.memo && (order.memo !== "" || r.until === order.until);
}

/** What waits here already and is the same. */
export async function waitsAlready(store: Store, order: Order): Promise<PaymentRecord | undefined> {
  return (await store.payments()).find((r) => r.state === "waiting" && alike(r, order) && r.purpose === order.purpose);
}

/** The payment that answered the same request: the journal says, and the ledger where another phone may have paid. Without a
 * connection the journal alone. */
export async function paidBefore(p: Seeing, order: Order): Promise<Before | undefined> {
  const made = (await p.store.payments()).find((r) => alike(r, order) && (r.state === "done" || r.state === "prepared"));
  if (made) return { millis: made.made, waits: false };
  if (order.memo === "") return undefined;
  let before: bigint | undefined;
  for (let pages = 0; pages < MOST_PAGES_REQUEST; pages++) {
    let page;
    try {
      page = await p.client.history(order.wallet, PAGE, before);
    } catch (error) {
      if (error instanceof Unreached) return undefined;
      throw error;
    }
    const line = page.lines.find((l) => l.net === -order.amount && l.memo === order.memo && otherOf(l, order.wallet) === order.payee);
    if (line) return { millis: line.millis, waits: false };
    if (page.next === undefined) return undefined;
    before = page.next;
  }
  return undefined;
}

/** Refuses to answer a request that was answered before, unless its payer said so. */
export async function checkOnce(p: Seeing, order: Order): Promise<void> {
  if (order.once && (await paidBefore(p, order))) throw new RuleError("paid-before", "request", "the same was paid before");
}
