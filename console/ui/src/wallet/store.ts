// What the device keeps: the wallet's record, and the journal of payments. IndexedDB, each change in a transaction that is
// complete before it is relied on.

import type { PasskeySealed } from "./passkey";
import type { Sealed } from "./vault";

export interface WalletRecord {
  readonly network: string;
  readonly publicKey: string; // 33 bytes, hexadecimal
  readonly sealed: Sealed;
  readonly wallet?: string; // its id, once the bank has registered it
  readonly recoverySaved: boolean;
  readonly restored?: boolean; // it came back from a code: its wallet is looked for before a new one is thought of
  readonly passkey?: PasskeySealed; // the same seed under the device's lock
  readonly application?: { readonly id: string; readonly bank: string; readonly name: string }; // to a bank, for the wallet
  readonly waits?: { readonly wallet: string; readonly due: number }; // a bank gave this key to a wallet: it is in force from then on
  readonly backup?: { readonly version: number; readonly millis: number }; // lies with the bank since then, which cannot open it
  readonly next?: { readonly publicKey: string; readonly sealed: Sealed }; // a new key that was asked for: the ledger may have it already
}

/** Waiting: not signed yet, because no node could be asked. Prepared: signed, and perhaps sent. */
export type PaymentState = "waiting" | "prepared" | "done" | "refused" | "lapsed";

/** A payment as it was signed. Until it is done or lapsed, the same bytes are sent again and no others. One that waits has no bytes
 * yet, and an id of this device's own. */
export interface PaymentRecord {
  readonly id: string; // of the transaction
  readonly bytes: string;
  readonly payee: string;
  readonly amount: string; // tiyn, in decimal
  readonly memo: string;
  readonly made: number;
  readonly validUntil: number;
  readonly state: PaymentState;
  readonly code?: string; // of the refusal
  readonly index?: number; // of the entry
  readonly until?: number; // of the request: a payment that waits is not made later
  readonly purpose?: number; // whose money is paid; absent for plain tenge
  readonly once?: boolean; // one that waits: a request, which is not paid when it was paid before
  readonly waited?: string; // the id under which it waited here, before it was signed
  readonly freed?: boolean; // one that waits: its payer said that marked money goes back as plain
}

/** A value under a key of the wallet's; see Box. */
export interface SealedRecord {
  readonly name: string;
  readonly iv: string;
  readonly box: string;
}

/** What a shop's wallet lets a cashier's device read, until when. It opens nothing else. */
export interface Delegation {
  readonly network: string;
  readonly wallet: string;
  readonly token: string;
  readonly until: number;
}

/** What the device kept was deleted, or closed by a newer page, while this one was open. */
export class Gone extends Error {}

/** The device keeps nothing more: nothing that depends on the record was done. */
export class Full extends Error {}

function failed(error: DOMException | null): Error {
  return error?.name === "QuotaExceededError" ? new Full("the device has no room", { cause: error }) : (error ?? new Error("storage"));
}

const NAME = "aqsha-wallet";
const VERSION = 2;
type Shelf = "wallet" | "payments" | "sealed" | "tills";

export class Store {
  private constructor(private readonly db: IDBDatabase) {}

  /** Called when what the device kept is not there any more. */
  gone: () => void = () => {};

  static open(name = NAME): Promise<Store> {
    return new Promise((resolve, reject) => {
      const request = indexedDB.open(name, VERSION);
      request.onupgradeneeded = () => {
        const has = request.result.objectStoreNames;
        if (!has.contains("wallet")) request.result.createObjectStore("wallet");
        if (!has.contains("payments")) request.result.createObjectStore("payments", { keyPath: "id" });
        if (!has.contains("sealed")) request.result.createObjectStore("sealed", { keyPath: "name" });
        if (!has.contains("tills")) request.result.createObjectStore("tills");
      };
      request.onsuccess = () => {
        const store = new Store(request.result);
        request.result.onversionchange = () => {
          request.result.close(); // a newer page in another tab may go on
          store.gone();
        };
        request.result.onclose = () => store.gone(); // the person deleted the site's data
        resolve(store);
      };
      request.onerror = () => reject(request.error ?? new Error("storage"));
      request.onblocked = () => reject(new Error("another page holds an older version of the storage"));
    });
  }

  close(): void {
    this.db.close();
  }

  private run<T>(store: Shelf, mode: IDBTransactionMode, work: (s: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      let transaction: IDBTransaction;
      try {
        transaction = this.db.transaction(store, mode, { durability: "strict" });
      } catch (cause) {
        this.gone();
        return reject(new Gone("the device's storage is closed", { cause }));
      }
      let request: IDBRequest<T>;
      try {
        request = work(transaction.objectStore(store));
      } catch (error) {
        return reject(error instanceof DOMException ? failed(error) : error); // some browsers say at once that there is no room
      }
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = transaction.onerror = () => reject(failed(transaction.error ?? request.error));
    });
  }

  /** Forgets all that the device keeps. */
  async empty(): Promise<void> {
    for (const shelf of ["wallet", "payments", "sealed", "tills"] as const) await this.run(shelf, "readwrite", (s) => s.clear());
  }

  wallet(): Promise<WalletRecord | undefined> {
    return this.run("wallet", "readonly", (s) => s.get("own") as IDBRequest<WalletRecord | undefined>);
  }

  /** Keeps a new wallet where there is none: of tabs that make one at once the first has made it. Returns what the device has then. */
  createWallet(record: WalletRecord): Promise<WalletRecord> {
    return this.changeWallet((held) => (held ? undefined : record)).then((now) => now!);
  }

  /** Changes the record in the transaction that reads it: no tab writes over what another has written since this one looked. Undefined
   * leaves it. Returns what the device has then. */
  async changeWallet(work: (held: WalletRecord | undefined) => WalletRecord | undefined): Promise<WalletRecord | undefined> {
    let now: WalletRecord | undefined;
    await this.run("wallet", "readwrite", (s) => {
      const found = s.get("own") as IDBRequest<WalletRecord | undefined>;
      found.onsuccess = () => {
        const next = work(found.result);
        now = next ?? found.result;
        if (next) s.put(next, "own");
      };
      return found;
    });
    return now;
  }

  async savePayment(record: PaymentRecord): Promise<void> {
    await this.run("payments", "readwrite", (s) => s.put(record));
  }

  payment(id: string): Promise<PaymentRecord | undefined> {
    return this.run("payments", "readonly", (s) => s.get(id) as IDBRequest<PaymentRecord | undefined>);
  }

  async payments(): Promise<PaymentRecord[]> {
    const all = await this.run("payments", "readonly", (s) => s.getAll() as IDBRequest<PaymentRecord[]>);
    return all.sort((a, b) => b.made - a.made);
  }

  /** Puts what became of a payment in the place of what waited, both or neither: a payment is signed once. False, and nothing is
   * written, when it was taken back meanwhile. */
  async replacePayment(waiting: string, now: PaymentRecord): Promise<boolean> {
    const held = await this.run("payments", "readwrite", (s) => {
      const found = s.get(waiting) as IDBRequest<PaymentRecord | undefined>;
      found.onsuccess = () => {
        if (found.result === undefined) return;
        s.delete(waiting);
        s.put(now);
      };
      return found;
    });
    return held !== undefined;
  }

  /** Takes a payment back if it still waits. */
  async takeBack(id: string): Promise<void> {
    await this.run("payments", "readwrite", (s) => {
      const found = s.get(id) as IDBRequest<PaymentRecord | undefined>;
      found.onsuccess = () => {
        if (found.result?.state === "waiting") s.delete(id);
      };
      return found;
    });
  }

  async removePayment(id: string): Promise<void> {
    await this.run("payments", "readwrite", (s) => s.delete(id));
  }

  sealed(name: string): Promise<SealedRecord | undefined> {
    return this.run("sealed", "readonly", (s) => s.get(name) as IDBRequest<SealedRecord | undefined>);
  }

  async saveSealed(record: SealedRecord): Promise<void> {
    await this.run("sealed", "readwrite", (s) => s.put(record));
  }

  /** The delegation with which this device is a till of somebody else's wallet. */
  delegation(): Promise<Delegation | undefined> {
    return this.run("tills", "readonly", (s) => s.get("own") as IDBRequest<Delegation | undefined>);
  }

  async saveDelegation(d: Delegation | undefined): Promise<void> {
    await this.run("tills", "readwrite", (s): IDBRequest<unknown> => (d ? (s.put(d, "own") as IDBRequest<unknown>) : (s.delete("own") as IDBRequest<unknown>)));
  }
}
