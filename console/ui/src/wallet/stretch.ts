// A passphrase is stretched into a key: Argon2id (RFC 9106), in a worker where the browser lets there be one.

import { STRETCHER, scriptAddress } from "./scripts";

export interface Work {
  readonly memory: number; // KiB
  readonly passes: number;
}

export interface Stretch extends Work {
  readonly passphrase: Uint8Array;
  readonly salt: Uint8Array;
}

/** The least work of a guess: what OWASP's password page names for Argon2id. */
export const LEAST_WORK: Work = { memory: 19 * 1024, passes: 2 };
export const MOST_WORK: Work = { memory: 256 * 1024, passes: 16 };

/** Work is raised until it takes about so long on the device that is to do it. */
const AIM = 1_000; // milliseconds

export async function stretch(s: Stretch): Promise<Uint8Array> {
  if (typeof Worker === "undefined") return inThisThread(s);
  let worker: Worker;
  try {
    worker = new Worker(scriptAddress(STRETCHER), { type: "module" });
  } catch {
    return inThisThread(s);
  }
  try {
    return await new Promise<Uint8Array>((done, fail) => {
      worker.onmessage = (e: MessageEvent<Uint8Array>) => done(e.data);
      worker.onerror = fail; // its script could not be had, or its memory
      worker.postMessage(s);
    });
  } catch {
    return await inThisThread(s);
  } finally {
    worker.terminate(); // and with it what it knew of the passphrase
  }
}

async function inThisThread({ passphrase, salt, memory, passes }: Stretch): Promise<Uint8Array> {
  const { argon2idAsync } = await import("@noble/hashes/argon2.js");
  return argon2idAsync(passphrase, salt, { t: passes, m: memory, p: 1, dkLen: 32 });
}

/** The work that takes this device about a second, of how long the least took it. A slow device does the least. */
export function workFor(leastMillis: number): Work {
  const passes = Math.floor((LEAST_WORK.passes * AIM) / Math.max(leastMillis, 1));
  return { ...LEAST_WORK, passes: Math.min(MOST_WORK.passes, Math.max(LEAST_WORK.passes, passes)) };
}
