// The journal's payments as the pages show them: which wait, which have no answer, and which the history has already.

import type { PaymentRecord } from "./store";

/** Without a verdict: it waits, or nobody has answered yet. */
export function unsettled(p: PaymentRecord): boolean {
  return p.state === "waiting" || p.state === "prepared";
}

/** What became of a payment that is shown: one that waited has another id once it is signed. Undefined when it was taken back. */
export function nowOf(shown: PaymentRecord, journal: readonly PaymentRecord[]): PaymentRecord | undefined {
  const now = journal.find((p) => p.id === shown.id || p.waited === shown.id);
  return now ?? (shown.state === "waiting" ? undefined : shown);
}
