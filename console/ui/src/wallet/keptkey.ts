// The page's end of the worker that has the key; see keyholder.ts.

import type { Bytes } from "../ledger/bytes";
import type { Signer } from "../ledger/sign";
import { Unreached } from "./client";
import type { Answer } from "./keyholder";
import { KEEPER, scriptAddress } from "./scripts";

/** The key was forgotten before it signed. */
export class Locked extends Error {}

export interface KeptKey extends Signer {
  /** Somebody is here: the key's time begins anew. */
  touch(): void;
  /** Ends the worker, and with it the key. */
  forget(): void;
}

/** Gives a seed to a worker of its own; the caller's is empty afterwards. Says when the worker has forgotten it by itself. */
export async function keepKey(seed: Bytes, forgotten: () => void): Promise<KeptKey> {
  const worker = new Worker(scriptAddress(KEEPER), { type: "module" });
  const open = new Map<number, { done: (bytes: Bytes) => void; fail: (error: Error) => void }>();
  let last = 0;
  let over: Error | undefined;
  const end = (error: Error) => {
    over ??= error;
    worker.terminate();
    for (const { fail } of open.values()) fail(error);
    open.clear();
  };
  worker.onmessage = (e: MessageEvent<Answer>) => {
    if ("forgotten" in e.data) {
      end(new Locked("the key was forgotten"));
      return forgotten();
    }
    const asked = open.get(e.data.n);
    open.delete(e.data.n);
    if (e.data.bytes) asked?.done(e.data.bytes);
    else asked?.fail(new Locked("there is no key"));
  };
  worker.onerror = () => end(new Unreached("the script that signs could not be had"));
  const ask = (order: { open: Bytes } | { sign: Bytes }, moved: Transferable[] = []) =>
    new Promise<Bytes>((done, fail) => {
      if (over) return fail(over);
      open.set(++last, { done, fail });
      worker.postMessage({ n: last, ...order }, moved);
    });
  return {
    publicKey: await ask({ open: seed }, [seed.buffer]),
    sign: (digest) => ask({ sign: digest.slice() }),
    touch: () => worker.postMessage({ touch: true }),
    forget: () => end(new Locked("the wallet was locked")),
  };
}
