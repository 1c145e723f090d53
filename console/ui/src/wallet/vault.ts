// The wallet's seed at rest: AES-GCM under a key that Argon2id makes from the passphrase, bound to the network and the wallet's
// public key, so that a record that was moved or changed does not open.

import { type Bytes, concat, hex, unhex, utf8 } from "../ledger/bytes";
import { LEAST_WORK, MOST_WORK, type Work, stretch, workFor } from "./stretch";

export interface Sealed {
  readonly salt: string;
  readonly iv: string;
  readonly box: string;
  readonly memory: number; // KiB
  readonly passes: number;
}

export const LEAST_PASSPHRASE = 8;

async function keyOf(passphrase: string, salt: Uint8Array, work: Work): Promise<CryptoKey> {
  const raw = await stretch({ passphrase: utf8(passphrase.normalize("NFKC")), salt, memory: work.memory, passes: work.passes });
  return crypto.subtle.importKey("raw", concat(raw), "AES-GCM", false, ["encrypt", "decrypt"]);
}

/** The work of this device, which is measured once: a passphrase that nobody has is stretched. */
let measured: Promise<Work> | undefined;
function work(): Promise<Work> {
  measured ??= (async () => {
    const began = performance.now();
    await stretch({ passphrase: utf8("a measure"), salt: new Uint8Array(16), ...LEAST_WORK });
    return workFor(performance.now() - began);
  })();
  return measured;
}

function bound(network: Uint8Array, publicKey: Uint8Array): Bytes {
  return concat(utf8("aqsha wallet v1\0"), network, publicKey);
}

export async function seal(seed: Uint8Array, passphrase: string, network: Uint8Array, publicKey: Uint8Array): Promise<Sealed> {
  const salt = crypto.getRandomValues(new Uint8Array(16));
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const own = await work();
  const key = await keyOf(passphrase, salt, own);
  const box = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: bound(network, publicKey) }, key, concat(seed));
  return { salt: hex(salt), iv: hex(iv), box: hex(new Uint8Array(box)), memory: own.memory, passes: own.passes };
}

/** The seed, or undefined when the passphrase is another one or the record was changed. */
export async function open(sealed: Sealed, passphrase: string, network: Uint8Array, publicKey: Uint8Array): Promise<Bytes | undefined> {
  if (!(sealed.memory >= LEAST_WORK.memory && sealed.memory <= MOST_WORK.memory && sealed.passes >= LEAST_WORK.passes && sealed.passes <= MOST_WORK.passes)) return undefined;
  const key = await keyOf(passphrase, unhex(sealed.salt), sealed);
  try {
    return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv: unhex(sealed.iv), additionalData: bound(network, publicKey) }, key, unhex(sealed.box)));
  } catch {
    return undefined;
  }
}
