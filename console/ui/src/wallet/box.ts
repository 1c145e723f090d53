// What the device keeps of the person besides the journal: what was seen last, contacts, settings, what a till asked for. Each
// under a key that the wallet's seed (or a cashier's delegation) gives, so that a locked device tells nothing.

import { type Bytes, concat, hex, unhex, utf8 } from "../ledger/bytes";
import { parse, stringify } from "../json";
import type { SealedRecord, Store } from "./store";

/** The names of what is kept. */
export type Kept = "seen" | "contacts" | "settings" | "till" | "laid";

function derive(base: CryptoKey, salt: Bytes, info: string): Promise<CryptoKey> {
  return crypto.subtle.deriveKey({ name: "HKDF", hash: "SHA-256", salt, info: utf8(info) }, base, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}

export class Box {
  private constructor(
    private readonly base: CryptoKey,
    private readonly key: CryptoKey,
    private readonly store: Store,
  ) {}

  /** A key of its own from the secret (HKDF, RFC 5869): what is kept here says nothing about the secret. */
  static async of(secret: Uint8Array, store: Store): Promise<Box> {
    const base = await crypto.subtle.importKey("raw", concat(secret), "HKDF", false, ["deriveKey"]);
    return new Box(base, await derive(base, new Uint8Array(32), "aqsha wallet box v1"), store);
  }

  /** Another key of the same secret, for what does not lie on this device. */
  derived(salt: Bytes, info: string): Promise<CryptoKey> {
    return derive(this.base, salt, info);
  }

  async put(name: Kept, value: unknown): Promise<void> {
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: utf8(name) }, this.key, utf8(stringify(value)));
    await this.store.saveSealed({ name, iv: hex(iv), box: hex(new Uint8Array(sealed)) });
  }

  /** What is kept under a name; undefined if nothing is, or if it was sealed by another wallet or changed. */
  async get(name: Kept): Promise<unknown> {
    const record = await this.store.sealed(name);
    return record && this.open(record);
  }

  private async open(record: SealedRecord): Promise<unknown> {
    let plain: Bytes;
    try {
      plain = new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv: unhex(record.iv), additionalData: utf8(record.name) }, this.key, unhex(record.box)));
    } catch {
      return undefined;
    }
    return parse(new TextDecoder().decode(plain));
  }
}
