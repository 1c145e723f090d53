// The journal's payments as the pages show them: which wait, which have no answer, and which the history has already.

import type { HistoryLine } from "./client";
import { otherOf } from "./refund";
import type { PaymentRecord } from "./store";

const SHOWN_ENDED = 3 * 86_400_000; // a refusal is shown so long

/** Without a verdict: it waits, or nobody has answered yet. */
export function unsettled(p: PaymentRecord): boolean {
  return p.state === "waiting" || p.state === "prepared";
}

/** How much of a purpose's money, or of plain money, payments take that have no verdict yet and that the history does not show. */
export function spokenFor(journal: readonly PaymentRecord[], lines: readonly HistoryLine[], purpose: number | undefined): bigint {
  const paid = new Set(lines.map((l) => l.id));
  return journal.filter((p) => unsettled(p) && p.purpose === purpose && !paid.has(p.id)).reduce((sum, p) => sum + BigInt(p.amount), 0n);
}

/** What became of a payment that is shown: one that waited has another id once it is signed, and what the history has was paid,
 * whoever lost the answer. Undefined when it was taken back. */
export function nowOf(shown: PaymentRecord, journal: readonly PaymentRecord[], lines: readonly HistoryLine[] = []): PaymentRecord | undefined {
  const now = journal.find((p) => p.id === shown.id || p.waited === shown.id) ?? (shown.state === "waiting" ? undefined : shown);
  return now?.state === "prepared" && lines.some((l) => l.id === now.id) ? { ...now, state: "done" } : now;
}

/** What of the journal is listed above a history: not what was paid, nor what the history shows already. */
export function listed(journal: readonly PaymentRecord[], lines: readonly HistoryLine[], now: number): readonly PaymentRecord[] {
  const shown = new Set(lines.map((l) => l.id));
  return journal.filter((p) => !shown.has(p.id) && (unsettled(p) || (p.state !== "done" && now - p.made < SHOWN_ENDED)));
}

/** The rows of a list: what is not settled above, then what was paid and what was not in the order of their times, the latest first. */
export function rowsOf(journal: readonly PaymentRecord[], lines: readonly HistoryLine[]): readonly (PaymentRecord | HistoryLine)[] {
  const ended = journal.filter((p) => !unsettled(p)).sort((a, b) => b.made - a.made);
  const rows: (PaymentRecord | HistoryLine)[] = journal.filter(unsettled);
  for (const line of lines) {
    while (ended.length > 0 && ended[0]!.made >= line.millis) rows.push(ended.shift()!);
    rows.push(line);
  }
  return [...rows, ...ended];
}

/** The code of a payment that waited on another phone: whether that one pays it is not known here until the history says so. */
export const ELSEWHERE = "waited-elsewhere";

/** What waited on another phone and was paid by it since: the history has a line of its own for each. */
export function paidElsewhere(journal: readonly PaymentRecord[], lines: readonly HistoryLine[], own: string): readonly PaymentRecord[] {
  const free = new Set(lines.filter((l) => l.net < 0n && !journal.some((p) => p.id === l.id)));
  return journal.filter((p) => {
    if (p.code !== ELSEWHERE) return false;
    const line = [...free].find((l) => -l.net === BigInt(p.amount) && l.memo === p.memo && l.millis >= p.made && otherOf(l, own) === p.payee);
    return line !== undefined && free.delete(line);
  });
}
