// What was typed for a payment: it outlives the step back from the confirmation, another page, and the lock, in this page's memory alone.

export interface Typed {
  readonly to: string;
  readonly amount: string;
  readonly memo: string;
  readonly purpose: string; // whose money; "" for one's own
}

const NOTHING: Typed = { to: "", amount: "", memo: "", purpose: "" };
let typed = NOTHING;
let of = "";

/** What a wallet's page begins with: what was typed in it, or a request that is brought, which is another payment. */
export function typedIn(wallet: string, brought: string): Typed {
  if (brought !== "") return { ...NOTHING, to: brought };
  return wallet === of ? typed : NOTHING;
}

/** Keeps what is typed now; without it, once it was paid or waits, nothing. */
export function keepTyped(wallet: string, now: Typed = NOTHING): void {
  typed = now;
  of = wallet;
}
