// What a till asked for and what came of it. A payment belongs to what was asked by its reference, and counts once it stands in
// the wallet's history: that is durable, and says so.

import { otherOf } from "./lines";
import type { HistoryLine } from "./client";

export interface Asked {
  readonly reference: string;
  readonly amount: bigint;
  readonly made: number;
}

const DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; // Crockford's: none is taken for another
const REFERENCE = /^T-[0-9A-HJKMNP-TV-Z]{8}$/;
const REFUND = "refund ";

/** A reference that nobody else's has: forty random bits. */
export function newReference(): string {
  return `T-${[...crypto.getRandomValues(new Uint8Array(8))].map((b) => DIGITS[b & 31]).join("")}`;
}

export type State = "open" | "part" | "paid" | "over";

export interface Standing {
  readonly state: State;
  readonly paid: bigint; // less what was given back
  readonly payments: readonly HistoryLine[];
  readonly twice: boolean; // a later payment came when the sum was there already
}

/** The memo of a refund: it names the payment that it gives back. */
export function refundMemo(payment: HistoryLine): string {
  return REFUND + payment.id.slice(0, 32);
}

/** How much of a payment was given back. */
export function refunded(payment: HistoryLine, lines: readonly HistoryLine[]): bigint {
  const memo = refundMemo(payment);
  return lines.reduce((sum, l) => (l.net < 0n && l.memo === memo ? sum - l.net : sum), 0n);
}

export function standing(asked: Asked, lines: readonly HistoryLine[]): Standing {
  const payments = lines.filter((l) => l.net > 0n && l.memo === asked.reference).sort((a, b) => (a.index < b.index ? -1 : 1));
  const paid = payments.reduce((sum, l) => sum + l.net - refunded(l, lines), 0n);
  const state: State = paid === 0n ? "open" : paid < asked.amount ? "part" : paid === asked.amount ? "paid" : "over";
  const before = payments.slice(0, -1).reduce((sum, l) => sum + l.net, 0n);
  return { state, paid, payments, twice: payments.length > 1 && before >= asked.amount };
}

export interface Day {
  readonly sales: readonly HistoryLine[];
  readonly refunds: readonly HistoryLine[];
  readonly received: bigint;
  readonly given: bigint;
}

/** A day's sales, which tills asked for, and refunds. */
export function dayOf(lines: readonly HistoryLine[], day: string, dayAt: (millis: number) => string): Day {
  const of = lines.filter((l) => dayAt(l.millis) === day);
  const sales = of.filter((l) => l.net > 0n && REFERENCE.test(l.memo));
  const refunds = of.filter((l) => l.net < 0n && l.memo.startsWith(REFUND));
  const sum = (list: readonly HistoryLine[]) => list.reduce((s, l) => s + l.net, 0n);
  return { sales, refunds, received: sum(sales), given: -sum(refunds) };
}

/** Whom a refund goes to: the one who paid. */
export function payerOf(payment: HistoryLine, own: string): string | undefined {
  return otherOf(payment, own);
}
