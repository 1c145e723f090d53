// What a refusal means for this person: names, amounts and dates instead of ids, tiyn and milliseconds. Only what the reader may know
// anyway is said: of the payee his name here, of the wallet what it holds and what its level allows.

import { ends, money, moment } from "../format";
import { counted, language, t } from "../words";
import { limitsNow } from "./limits";
import { ELSEWHERE } from "./outbox";
import { nameOf } from "./private";
import { balance, bankOf, clockOff, marked, purposeName } from "./state";

/** What was refused, as far as it is known. */
export interface About {
  readonly amount?: bigint;
  readonly payee?: string;
  readonly until?: number; // Unix milliseconds: of the request
}

/** A wallet's name here, a bank's as the node names it, or the two ends of its number. */
export function whom(wallet: string): string {
  return nameOf(wallet) ?? bankOf(wallet) ?? ends(wallet);
}

function sum(tiyn: bigint): string {
  return money(tiyn, language.value);
}

/** What of the wallet's money may be spent on anything. */
export function freeMoney(): bigint | undefined {
  const b = balance.value;
  return b && [...marked.value.values()].reduce((left, m) => left - m, b.tiyn);
}

function ofMoney(about: About): string[] {
  const free = freeMoney();
  if (free === undefined || about.amount === undefined) return [];
  const said = [t("fact.have", { have: sum(free), amount: sum(about.amount) })];
  for (const [purpose, held] of marked.value) said.push(t("fact.marked", { held: sum(held), purpose: purposeName(purpose) }));
  return said;
}

/** Minutes from which a clock is a reason for what was refused. */
const CLOCK_MATTERS = 60_000;

function ofClock(): string[] {
  const off = Math.abs(clockOff.value);
  return off < CLOCK_MATTERS ? [] : [t("clock", { difference: differenceInWords(off) })];
}

const DAY = 86_400_000;

/** A difference of clocks in minutes, or in days where it is that many. */
export function differenceInWords(millis: number): string {
  const off = Math.abs(millis);
  return off < 2 * DAY ? counted("minutes", Math.round(off / 60_000)) : counted("days", Math.round(off / DAY));
}

/** What is told of each code beside its general words. */
const FACTS: Readonly<Record<string, (about: About) => string[]>> = {
  "insufficient-funds": ofMoney,
  marked: ofMoney,
  "limit-payment": () => {
    const limits = limitsNow();
    return limits?.paymentMost ? [t("fact.payment-most", { most: sum(limits.paymentMost) })] : [];
  },
  "limit-day": () => {
    const limits = limitsNow();
    return limits?.dayMost ? [t("fact.day-left", { left: sum(limits.dayLeft!), most: sum(limits.dayMost) })] : [];
  },
  "limit-payments-a-day": () => {
    const limits = limitsNow();
    return limits?.paymentsPerDay ? [counted("fact.payments", limits.paymentsPerDay)] : [];
  },
  "limit-balance": (about) => (about.payee === undefined ? [] : [t("fact.full", { payee: whom(about.payee) })]),
  "rekey-pending": () => {
    const pending = balance.value?.pending;
    return pending ? [t(pending.closes ? "safety.closing" : "safety.pending", { when: moment(pending.dueMillis, language.value) })] : [];
  },
  "unknown-wallet": (about) => (about.payee === undefined ? [] : [t("fact.no-wallet", { payee: whom(about.payee) })]),
  frozen: (about) => (balance.value?.frozen ? [t("home.frozen")] : about.payee === undefined ? [] : [t("fact.frozen", { payee: whom(about.payee) })]),
  [ELSEWHERE]: () => [t("fact.elsewhere")],
  "request-over": (about) => (about.until === undefined ? [] : [t("fact.until", { when: moment(about.until, language.value) })]),
  expired: ofClock,
  "too-far-ahead": ofClock,
};

/** What was not paid, to whom, and the facts of its code: whole sentences. */
export function factsOf(code: string, about: About): string[] {
  const said: string[] = [];
  if (about.amount !== undefined && about.payee !== undefined && code !== ELSEWHERE) said.push(t("fact.not-paid", { amount: sum(about.amount), payee: whom(about.payee) }));
  const of = Object.hasOwn(FACTS, code) ? FACTS[code] : undefined;
  return of ? [...said, ...of(about)] : said;
}
