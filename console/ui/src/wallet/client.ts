// The node's API as a wallet needs it.

import { RuleError, hex, unhex } from "../ledger/bytes";
import { sessionDigest, signatureOf } from "../ledger/transaction";
import type { Signer } from "../ledger/sign";
import { amountOf, parse } from "../json";

/** The node's no: problem details of RFC 9457. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
  ) {
    super(`${code}: ${detail}`);
  }
}

/** Nobody was reached, or the answer was lost: whether anything happened is not known. */
export class Unreached extends Error {}

export interface Network {
  readonly network: string;
  readonly name: string;
  readonly open: boolean;
  readonly timeMillis: number;
}

export interface Balance {
  readonly tiyn: bigint;
  readonly tier: number;
  readonly size: bigint;
}

export interface HistoryLine {
  readonly id: string;
  readonly index: bigint;
  readonly millis: number;
  readonly net: bigint;
  readonly kind: string; // of the transaction; "" for what the ledger did by itself
  readonly parties: readonly string[];
  readonly memo: string;
}

export interface Selection {
  readonly tokens: readonly { readonly id: string; readonly amount: bigint }[];
  readonly total: bigint;
  readonly merge: boolean;
}

export interface Receipt {
  readonly id: string;
  readonly index: number;
  readonly millis: number;
}

type Json = Record<string, unknown>;

function memoText(memo: unknown): string {
  const m = memo as { scheme?: unknown; bytes?: unknown } | undefined;
  if (m?.scheme !== 1 || typeof m.bytes !== "string") return "";
  return new TextDecoder().decode(Uint8Array.from(atob(m.bytes), (c) => c.charCodeAt(0)));
}

export class Client {
  private token = "";

  constructor(
    private readonly base = "",
    private readonly origin = globalThis.location?.origin ?? base,
    private readonly send: typeof fetch = globalThis.fetch.bind(globalThis),
  ) {}

  private async call(path: string, init: RequestInit = {}): Promise<unknown> {
    const headers = new Headers(init.headers);
    if (this.token !== "") headers.set("Authorization", `Bearer ${this.token}`);
    let response: Response;
    let text: string;
    try {
      response = await this.send(this.base + path, { ...init, headers, cache: "no-store", credentials: "omit", redirect: "error" });
      text = await response.text();
    } catch (cause) {
      throw new Unreached("the node cannot be reached", { cause });
    }
    let value: unknown;
    try {
      value = parse(text);
    } catch (cause) {
      throw new Unreached(`an answer that is none (${response.status})`, { cause });
    }
    if (response.ok) return value;
    const problem = value as Json;
    if (response.status >= 500 || typeof problem.code !== "string") throw new Unreached(`the node says ${response.status}`);
    throw new Refusal(response.status, problem.code, String(problem.detail ?? ""));
  }

  private post(path: string, body: Json): Promise<unknown> {
    return this.call(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body, (_, v: unknown) => (typeof v === "bigint" ? Number(v) : v)) });
  }

  async network(): Promise<Network> {
    const n = (await this.call("/v1/network")) as Json;
    return { network: String(n.network), name: String(n.name), open: n.open === true, timeMillis: Number(n.time_millis) };
  }

  private signing: Promise<void> | undefined;

  /** Opens a session in which the wallet is read, with its key. Who asks while one is being opened gets that one. */
  signIn(network: Uint8Array, wallet: string, signer: Signer): Promise<void> {
    this.signing ??= this.openSession(network, wallet, signer).finally(() => {
      this.signing = undefined;
    });
    return this.signing;
  }

  private async openSession(network: Uint8Array, wallet: string, signer: Signer): Promise<void> {
    const { challenge } = (await this.post("/v1/sessions/challenges", { wallet })) as { challenge: string };
    const signed = await sessionDigest(network, unhex(wallet, 16), this.origin, unhex(challenge, 48));
    const session = (await this.post("/v1/sessions", { wallet, origin: this.origin, challenge, signature: hex(signatureOf(await signer.sign(signed))) })) as { token: string };
    this.token = session.token;
  }

  async balance(wallet: string): Promise<Balance> {
    const w = (await this.call(`/v1/wallets/${wallet}`)) as Json;
    return { tiyn: amountOf(w.balance), tier: Number(w.tier), size: amountOf(w.size) };
  }

  async history(wallet: string, limit: number): Promise<HistoryLine[]> {
    const h = (await this.call(`/v1/wallets/${wallet}/history?limit=${limit}`)) as { lines: Json[] | null };
    return (h.lines ?? []).map((l) => {
      const tx = l.transaction as Json | undefined;
      const body = (tx?.body ?? {}) as Json;
      return {
        id: String(l.id),
        index: amountOf(l.index),
        millis: Number(l.time_millis),
        net: amountOf(l.net),
        kind: typeof tx?.kind === "string" ? tx.kind : "",
        parties: Array.isArray(body.parties) ? body.parties.map(String) : [],
        memo: memoText(body.memo),
      };
    });
  }

  async select(wallet: string, amount: bigint): Promise<Selection> {
    const body = `{"amount":${amount}}`; // a number beyond 2^53 is written as it is
    const s = (await this.call(`/v1/wallets/${wallet}/selections`, { method: "POST", headers: { "Content-Type": "application/json" }, body })) as { tokens: Json[] | null; total: unknown; merge: boolean };
    return { tokens: (s.tokens ?? []).map((t) => ({ id: String(t.id), amount: amountOf(t.amount) })), total: amountOf(s.total), merge: s.merge };
  }

  /** Sends a signed transaction. The same bytes get the same answer. */
  async submit(bytes: Uint8Array): Promise<Receipt> {
    const answers = (await this.call("/v1/transactions", { method: "POST", headers: { "Content-Type": "application/cbor-seq" }, body: bytes as BodyInit })) as { receipt?: Json; problem?: Json }[];
    const answer = answers[0];
    if (answer?.receipt) return { id: String(answer.receipt.id), index: Number(answer.receipt.index), millis: Number(answer.receipt.time_millis) };
    const problem = answer?.problem;
    if (!problem || Number(problem.status) >= 500) throw new Unreached("no verdict");
    throw new Refusal(Number(problem.status), String(problem.code), String(problem.detail ?? ""));
  }
}

/** Whether a refusal says that nothing was decided yet, so that the same bytes may be sent again. */
export function undecided(error: unknown): boolean {
  return error instanceof Unreached || (error instanceof Refusal && (error.status === 429 || error.status === 401 || error.code === "overloaded"));
}

export function isRule(error: unknown): error is RuleError {
  return error instanceof RuleError;
}
