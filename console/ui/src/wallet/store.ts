// What the device keeps: the wallet's record, and the journal of payments. IndexedDB, each change in a transaction that is
// complete before it is relied on.

import type { Sealed } from "./vault";

export interface WalletRecord {
  readonly network: string;
  readonly publicKey: string; // 33 bytes, hexadecimal
  readonly sealed: Sealed;
  readonly wallet?: string; // its id, once the bank has registered it
  readonly recoverySaved: boolean;
}

export type PaymentState = "prepared" | "done" | "refused" | "lapsed";

/** A payment as it was signed. Until it is done or lapsed, the same bytes are sent again and no others. */
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
}

const NAME = "aqsha-wallet";
const VERSION = 1;

export class Store {
  private constructor(private readonly db: IDBDatabase) {}

  static open(name = NAME): Promise<Store> {
    return new Promise((resolve, reject) => {
      const request = indexedDB.open(name, VERSION);
      request.onupgradeneeded = () => {
        request.result.createObjectStore("wallet");
        request.result.createObjectStore("payments", { keyPath: "id" });
      };
      request.onsuccess = () => resolve(new Store(request.result));
      request.onerror = () => reject(request.error ?? new Error("storage"));
      request.onblocked = () => reject(new Error("another page holds an older version of the storage"));
    });
  }

  close(): void {
    this.db.close();
  }

  private run<T>(store: "wallet" | "payments", mode: IDBTransactionMode, work: (s: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const transaction = this.db.transaction(store, mode, { durability: "strict" });
      const request = work(transaction.objectStore(store));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = transaction.onerror = () => reject(transaction.error ?? new Error("storage"));
    });
  }

  wallet(): Promise<WalletRecord | undefined> {
    return this.run("wallet", "readonly", (s) => s.get("own") as IDBRequest<WalletRecord | undefined>);
  }

  async saveWallet(record: WalletRecord): Promise<void> {
    await this.run("wallet", "readwrite", (s) => s.put(record, "own"));
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
}
