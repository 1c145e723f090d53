// What a till asked for and what came of it. A payment belongs to what was asked by its reference, and counts once it stands in
// the wallet's history: that is durable, and says so.

import { type AmountProblem, parseAmount } from "../format";
import type { HistoryLine } from "./client";
import { otherOf, refundMemo, refundOf, refunded } from "./refund";

export { refundMemo, refunded };

export interface Asked {
  readonly reference: string;
  readonly amount: bigint;
  readonly made: number;
}

const DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; // Crockford's: none is taken for another
const REFERENCE = /^T-[0-9A-HJKMNP-TV-Z]{8}$/;

/** Whether a memo is a reference of tills: of their form. */
export const isReference = (memo: string) => REFERENCE.test(memo);

/** A reference that nobody else's has: forty random bits. */
export function newReference(): string {
  return `T-${[...crypto.getRandomValues(new Uint8Array(8))].map((b) => DIGITS[b & 31]).join("")}`;
}

/** Less: it was paid, and a part went back, so that less stays than was asked for. Back: all that came was given back. Of both nothing is
 * asked for any more. */
export type State = "open" | "part" | "paid" | "over" | "less" | "back";

export interface Standing {
  readonly state: State;
  readonly paid: bigint; // less what was given back, of each payment at most the payment
  readonly given: bigint; // back
  readonly payments: readonly HistoryLine[];
  readonly twice: boolean; // of what stays, a later payment came when the sum was there already
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

export function standing(asked: Asked, lines: readonly HistoryLine[]): Standing {
  const payments = lines.filter((l) => l.net > 0n && l.memo === asked.reference).sort((a, b) => (a.index < b.index ? -1 : 1));
  const came = payments.reduce((sum, l) => sum + l.net, 0n);
  const given = payments.reduce((sum, l) => sum + least(l.net, refunded(l, lines)), 0n);
  const paid = came - given;
  const state: State = came === 0n ? "open" : paid === 0n ? "back" : came < asked.amount ? "part" : paid > asked.amount ? "over" : paid < asked.amount ? "less" : "paid";
  const stays = payments.map((l) => l.net - least(l.net, refunded(l, lines))).filter((left) => left > 0n);
  const before = stays.slice(0, -1).reduce((sum, left) => sum + left, 0n);
  return { state, paid, given, payments, twice: stays.length > 1 && before >= asked.amount };
}

export interface Day {
  readonly sales: readonly HistoryLine[];
  readonly refunds: readonly HistoryLine[];
  readonly received: bigint;
  readonly given: bigint;
  readonly others: readonly HistoryLine[]; // what came without a till's code: it is in no sum above
  readonly otherwise: bigint; // sum of others
}

/** A day's sales, which tills asked for, and refunds; and what else the wallet was paid. */
export function dayOf(lines: readonly HistoryLine[], day: string, dayAt: (millis: number) => string): Day {
  const of = lines.filter((l) => dayAt(l.millis) === day);
  const sales = of.filter((l) => l.net > 0n && REFERENCE.test(l.memo));
  const refunds = of.filter((l) => l.net < 0n && refundOf(l.memo) !== undefined);
  const sum = (list: readonly HistoryLine[]) => list.reduce((s, l) => s + l.net, 0n);
  const others = of.filter((l) => l.net > 0n && !REFERENCE.test(l.memo));
  return { sales, refunds, received: sum(sales), given: -sum(refunds), others, otherwise: sum(others) };
}

/** Whom a refund goes to: the one who paid. */
export function payerOf(payment: HistoryLine, own: string): string | undefined {
  return otherOf(payment, own);
}

/** The part of a payment that is to go back, as it was typed: never more than is left of it. */
export function partOf(text: string, left: bigint): bigint | AmountProblem | "too-much" {
  const amount = parseAmount(text);
  return typeof amount === "bigint" && amount > left ? "too-much" : amount;
}
