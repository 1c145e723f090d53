// The wallet's key while it is unlocked. It lives in a worker: the page sends what is to be signed and never has the key, so that
// no script of the page can read it or carry it away.

import type { Bytes } from "../ledger/bytes";
import { type Signer, signerOf } from "../ledger/sign";

/** How long the key stays after the last touch of the page. */
export const FORGET_AFTER = 5 * 60_000;

/** From the page to the worker. The seed comes by transfer: the page has none of it afterwards. */
export type Order = { readonly n: number; readonly open: Bytes } | { readonly n: number; readonly sign: Bytes } | { readonly touch: true };

/** From the worker: the public key or a signature of order n; nothing where the key was forgotten. Or that it was forgotten now. */
export type Answer = { readonly n: number; readonly bytes?: Bytes } | { readonly forgotten: true };

export interface Clock {
  readonly now: () => number;
  /** Calls so much later, until it is cancelled. */
  readonly later: (millis: number, work: () => void) => () => void;
}

/** Holds one key, and forgets it by itself. Its owner is the worker; the page reaches it by orders alone. */
export class KeyHolder {
  private key: Signer | undefined;
  private until = 0;
  private cancel = () => {};

  constructor(
    private readonly clock: Clock,
    private readonly answer: (a: Answer) => void,
  ) {}

  async take(order: Order): Promise<void> {
    if ("touch" in order) {
      if (this.held()) this.touch();
      return;
    }
    const bytes = "open" in order ? await this.open(order.open) : await this.held()?.sign(order.sign);
    this.answer({ n: order.n, ...(bytes && { bytes }) });
  }

  private async open(seed: Bytes): Promise<Bytes> {
    this.key = await signerOf(seed);
    seed.fill(0);
    this.touch();
    return this.key.publicKey;
  }

  /** The key, unless its time is over: timers stand still on a phone that sleeps, so the clock is asked too. */
  private held(): Signer | undefined {
    if (this.key && this.clock.now() >= this.until) this.forget();
    return this.key;
  }

  private touch(): void {
    this.until = this.clock.now() + FORGET_AFTER;
    this.cancel();
    this.cancel = this.clock.later(FORGET_AFTER, () => this.held());
  }

  private forget(): void {
    this.cancel();
    this.key = undefined;
    this.answer({ forgotten: true });
  }
}
