// The node's API as a wallet needs it.

import { type Bytes, RuleError, hex, unhex } from "../ledger/bytes";
import { applicationDigest, delegationDigest, keyDigest, sessionDigest, signatureOf } from "../ledger/transaction";
import type { Signer } from "../ledger/sign";
import { amountOf, parse, plain, plainAll, stringify } from "../json";
import { readEvents } from "./events";

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

/** Somebody of the story, whom a browser may be on the story's own network. */
export interface DemoRole {
  readonly name: string;
  readonly kind: string;
  readonly wallet: string;
}

/** What a level lets a wallet do; nothing is 0: without a limit. */
export interface Tier {
  readonly name: string;
  readonly paymentMost: bigint;
  readonly dayMost: bigint;
  readonly balanceMost: bigint;
  readonly paymentsPerDay: number;
}

/** What the network lets everybody do. */
export interface Policy {
  readonly tiers: readonly Tier[];
  readonly rekeyDelayMillis: number;
  readonly dayOffsetMillis: number;
}

/** A new key, or the closing, that waits. */
export interface Pending {
  readonly dueMillis: number;
  readonly closes: boolean;
}

export interface Balance {
  readonly tiyn: bigint;
  readonly tier: number;
  readonly size: bigint;
  readonly version: bigint;
  readonly frozen: boolean;
  readonly hasRecovery: boolean;
  readonly key: string; // as it is written: ed25519: and 64 hexadecimal digits
  readonly recovery: string; // "" where there is none
  readonly day: number; // of which the next two speak
  readonly paidToday: bigint;
  readonly paymentsToday: number;
  readonly pending?: Pending;
}

export interface HistoryLine {
  readonly id: string;
  readonly index: bigint;
  readonly millis: number;
  readonly net: bigint;
  readonly kind: string; // of the transaction; "" for what the ledger did by itself
  readonly parties: readonly string[];
  readonly payers: number; // how many of the parties pay: the first ones
  readonly memo: string;
  readonly came?: Mark; // of what the wallet was paid in marked money
  readonly inputs?: readonly string[]; // tokens that it spent
  readonly outputs?: readonly OwnOutput[]; // tokens that it made for the wallet
  readonly contract?: string; // into which money went, or out of which it came
  readonly paidOut?: readonly { readonly wallet: string; readonly amount: bigint }[]; // by the contract, to others
  readonly system?: number; // the kind of what the ledger did by itself, as docs/FORMATS.md numbers them
  readonly rekey?: { readonly by: string; readonly key: string; readonly recovery: boolean }; // a new key that was asked for
}

/** A token that a transaction made for the wallet. */
export interface OwnOutput {
  readonly place: number; // among the transaction's outputs
  readonly amount: bigint;
  readonly purpose: number; // 0 for plain money
}

/** What money was marked for when it was paid, and what it carries since: 0 for plain money. */
export interface Mark {
  readonly from: number;
  readonly becomes: number;
}

/** What the ledger does by itself. */
export const SYSTEM = { rekey: 1, rekeyDropped: 3, end: 4, expiry: 5, close: 6, renewal: 7 } as const;

export interface HistoryPage {
  readonly lines: readonly HistoryLine[];
  readonly next?: bigint; // pass as before to go on
}

export interface ContractLine {
  readonly id: string;
  readonly definition: string;
  readonly name: string;
  readonly parties: readonly string[];
  readonly held: bigint;
  readonly assets: number; // how many kinds of money it may hold
  readonly version: bigint;
  readonly endsMillis: number;
  readonly standing?: Standing;
}

export const STANDING = ["debit", "channel", "metered", "order", "escrow"] as const;

/** What a contract of a known kind lets its payee take yet. */
export interface Standing {
  readonly kind: (typeof STANDING)[number];
  readonly payer: string;
  readonly payee: string;
  readonly mayTake: bigint; // at most
  readonly taken: bigint;
  readonly each: bigint; // of a debit, each period; else 0
  readonly fromMillis: number; // when the payee may take, of a channel that its payer left its end; 0 for none
  readonly owed: bigint; // of a bill or a delivery that waits
  readonly dueMillis: number; // of the next delivery; 0 for none
  readonly done: number; // deliveries that were paid
  readonly of: number; // deliveries in all; 0 where there are none
  readonly disputed: boolean; // it waits for the arbiter
}

/** A payment that others sign too, as the node has it. */
export interface DraftLine {
  readonly id: string;
  readonly encoded: string; // the transaction, hexadecimal
  readonly state: string;
  readonly reasons: readonly string[]; // of those who do not sign
}

/** An action of a contract, for this wallet, now. */
export interface Step {
  readonly action: string;
  readonly possible: boolean;
  readonly plain: boolean; // it takes neither values nor money
  readonly ends: boolean;
  readonly fromMillis: number; // 0 for any time
  readonly code: string; // of what stands against it; empty for nothing
}

export interface Definition {
  readonly about: string;
  readonly parties: readonly string[]; // as it names them
}

/** A cashier's leave to see what a wallet is paid. */
export interface DelegationLine {
  readonly id: string;
  readonly name: string;
  readonly until: number;
}

/** A wallet that a key opens. */
export interface Keyed {
  readonly wallet: string;
  readonly recovery: boolean; // it can give the wallet a new key, and pays nothing
}

/** A piece of money. */
export interface Token {
  readonly id: string;
  readonly amount: bigint;
}

export interface Selection {
  readonly tokens: readonly Token[];
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
  return plain(new TextDecoder().decode(Uint8Array.from(atob(m.bytes), (c) => c.charCodeAt(0))));
}

function pendingOf(rekey: unknown): Pending | undefined {
  const due = Number((rekey as Json | undefined)?.due_millis ?? 0);
  return due === 0 ? undefined : { dueMillis: due, closes: /^ed25519:0*$|^0*$|^undefined$/.test(String((rekey as Json).key)) };
}

function standingOf(value: unknown): Standing | undefined {
  const s = value as Json | undefined;
  const kind = STANDING.find((k) => k === s?.kind);
  if (!s || !kind) return undefined;
  return { kind, payer: String(s.payer), payee: String(s.payee), mayTake: amountOf(s.may_take), taken: amountOf(s.taken), each: amountOf(s.each ?? 0), fromMillis: Number(s.from_millis ?? 0), owed: amountOf(s.owed ?? 0), dueMillis: Number(s.due_millis ?? 0), done: Number(s.done ?? 0), of: Number(s.of ?? 0), disputed: s.disputed === true };
}

/** The mark of what came: of the outputs to others than the payer, who is the first party, that which took a mark off or passed it on. */
function markOf(body: Json, wallet: string): Mark | undefined {
  if (!Array.isArray(body.parties) || !Array.isArray(body.outputs)) return undefined;
  const own = body.parties.map(String).lastIndexOf(wallet);
  const o = (body.outputs as Json[]).find((one) => own > 0 && Number(one.party) === own && Number(one.from ?? 0) !== 0);
  return o && { from: Number(o.from), becomes: Number(o.becomes ?? 0) };
}

/** What a line says of a contract: which it is, and whom it paid. The rules' own effects name it. */
function contractOf(l: Json, body: Json, kind: string, wallet: string): Pick<HistoryLine, "contract" | "paidOut"> {
  const system = l.system as Json | undefined;
  const effects = (system?.effects ?? l.effects ?? {}) as Json;
  const made = (Array.isArray(effects.made) ? (effects.made as Json[]) : []).map((m) => ({ wallet: String(m.for ?? m.wallet), amount: amountOf(m.amount) }));
  let contract: string | undefined;
  if (kind === "act") contract = String(body.contract);
  else if (kind === "create") {
    const named = [String(body.creator), ...(Array.isArray(body.parties) ? body.parties.map(String) : [])];
    contract = made.find((m) => !named.includes(m.wallet))?.wallet; // it is nobody's but the contract's
  } else if (system && (system.kind === SYSTEM.end || system.kind === SYSTEM.renewal)) contract = String(system.wallet);
  if (contract === undefined) return {};
  const paidOut = made.filter((m) => m.wallet !== wallet && m.wallet !== contract);
  return { contract, ...(paidOut.length > 0 && { paidOut }) };
}

function rekeyOf(body: Json): NonNullable<HistoryLine["rekey"]> {
  return { by: String(body.by), key: String(body.key), recovery: body.recovery !== undefined };
}

function lineOf(l: Json, wallet: string): HistoryLine {
  const tx = l.transaction as Json | undefined;
  const body = (tx?.body ?? {}) as Json;
  const kind = typeof tx?.kind === "string" ? tx.kind : "";
  const came = markOf(body, wallet);
  const parties = Array.isArray(body.parties) ? body.parties.map(String) : [];
  const outputs = Array.isArray(body.outputs) ? (body.outputs as Json[]).map((o, place) => ({ o, place })).filter(({ o }) => parties[Number(o.party ?? 0)] === wallet) : [];
  return {
    id: String(l.id),
    index: amountOf(l.index),
    millis: Number(l.time_millis),
    net: amountOf(l.net),
    kind,
    parties,
    payers: Number(body.payers ?? 1),
    memo: memoText(body.memo),
    ...(came && { came }),
    inputs: Array.isArray(body.inputs) ? body.inputs.map(String) : [],
    outputs: outputs.map(({ o, place }) => ({ place, amount: amountOf(o.amount), purpose: Number(o.becomes ?? 0) })),
    ...contractOf(l, body, kind, wallet),
    ...(l.system !== undefined && { system: Number((l.system as Json).kind) }),
    ...(kind === "rekey" && { rekey: rekeyOf(body) }),
  };
}

export class Client {
  private token = "";

  /** Whether it reads with a session or a delegation, which may be over. */
  get admitted(): boolean {
    return this.token !== "";
  }

  /** Reads with a delegation instead of a session. */
  useToken(token: string): void {
    this.token = token;
  }

  constructor(
    private readonly base = "",
    private readonly origin = globalThis.location?.origin ?? base,
    private readonly send: typeof fetch = globalThis.fetch.bind(globalThis),
  ) {}

  private async ask(path: string, init: RequestInit): Promise<{ response: Response; content: Bytes }> {
    const headers = new Headers(init.headers);
    if (this.token !== "") headers.set("Authorization", `Bearer ${this.token}`);
    try {
      const response = await this.send(this.base + path, { ...init, headers, cache: "no-store", credentials: "omit", redirect: "error" });
      return { response, content: new Uint8Array(await response.arrayBuffer()) };
    } catch (cause) {
      throw new Unreached("the node cannot be reached", { cause });
    }
  }

  private async bytes(path: string): Promise<Bytes> {
    const { response, content } = await this.ask(path, {});
    if (response.ok) return content;
    return this.refused(response, content);
  }

  private async call(path: string, init: RequestInit = {}): Promise<unknown> {
    const { response, content } = await this.ask(path, init);
    if (response.status === 204) return undefined;
    return response.ok ? this.value(response, content) : this.refused(response, content);
  }

  private value(response: Response, content: Bytes): unknown {
    try {
      return plainAll(parse(new TextDecoder().decode(content)));
    } catch (cause) {
      throw new Unreached(`an answer that is none (${response.status})`, { cause });
    }
  }

  private refused(response: Response, content: Bytes): never {
    const problem = this.value(response, content) as Json | null;
    if (response.status >= 500 || typeof problem?.code !== "string") throw new Unreached(`the node says ${response.status}`);
    throw new Refusal(response.status, problem.code, String(problem.detail ?? ""));
  }

  private post(path: string, body: Json): Promise<unknown> {
    return this.call(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: stringify(body) });
  }

  async network(): Promise<Network> {
    const n = (await this.call("/v1/network")) as Json;
    return { network: String(n.network), name: String(n.name), open: n.open === true, timeMillis: Number(n.time_millis) };
  }

  async demoRoles(): Promise<readonly DemoRole[]> {
    const { roles } = (await this.call("/v1/demo")) as { roles: Json[] };
    return roles.map((r) => ({ name: String(r.name), kind: String(r.kind), wallet: String(r.wallet) }));
  }

  async demoKey(name: string): Promise<{ readonly seed: string; readonly wallet: string }> {
    const key = (await this.post(`/v1/demo/${encodeURIComponent(name)}`, {})) as Json;
    return { seed: String(key.seed), wallet: String(key.wallet) };
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

  /** The wallets that a key opens, and whether as their recovery key. */
  async keyed(network: Uint8Array, signer: Signer): Promise<readonly Keyed[]> {
    const { challenge } = (await this.post("/v1/sessions/challenges", { wallet: "0".repeat(32) })) as { challenge: string };
    const signed = await keyDigest(network, signer.publicKey, this.origin, unhex(challenge, 48));
    const question = { key: `ed25519:${hex(signer.publicKey).slice(2)}`, origin: this.origin, challenge, signature: hex(signatureOf(await signer.sign(signed))) };
    const { wallets } = (await this.post("/v1/sessions/wallets", question)) as { wallets: Json[] };
    return wallets.map((w) => ({ wallet: String(w.wallet), recovery: w.as === "recovery" }));
  }

  async balance(wallet: string): Promise<Balance> {
    const w = (await this.call(`/v1/wallets/${wallet}`)) as Json;
    const pending = pendingOf(w.rekey);
    return {
      tiyn: amountOf(w.balance),
      tier: Number(w.tier),
      size: amountOf(w.size),
      version: amountOf(w.version),
      frozen: Number(w.frozen ?? 0) !== 0 || (typeof w.frozen === "string" && w.frozen !== ""),
      hasRecovery: w.recovery !== undefined,
      key: String(w.key),
      recovery: String(w.recovery ?? ""),
      day: Number(w.day ?? 0),
      paidToday: amountOf(w.paid_today ?? 0),
      paymentsToday: Number(w.payments_today ?? 0),
      ...(pending && { pending }),
    };
  }

  /** The limits that stand, and how long a new key waits. */
  async policy(): Promise<Policy> {
    const { policy: p } = (await this.call("/v1/authority")) as { policy: Json };
    return {
      tiers: (p.tiers as Json[]).map((t) => ({
        name: String(t.name),
        paymentMost: amountOf(t.payment_most ?? 0),
        dayMost: amountOf(t.day_most ?? 0),
        balanceMost: amountOf(t.balance_most ?? 0),
        paymentsPerDay: Number(t.payments_per_day ?? 0),
      })),
      rekeyDelayMillis: Number(p.rekey_delay_millis),
      dayOffsetMillis: Number(p.day_offset_millis),
    };
  }

  /** How much of a wallet's money is marked, by purpose. */
  async marked(wallet: string): Promise<ReadonlyMap<number, bigint>> {
    const { tokens } = (await this.call(`/v1/wallets/${wallet}/tokens?limit=4096`)) as { tokens: Json[] | null };
    const sums = new Map<number, bigint>();
    for (const t of tokens ?? []) {
      const purpose = Number((t.asset as Json | undefined)?.purpose ?? 0);
      if (purpose !== 0) sums.set(purpose, (sums.get(purpose) ?? 0n) + amountOf(t.amount));
    }
    return sums;
  }

  /** What a purpose is called, and what it is for. */
  async purpose(number: number): Promise<{ name: string; about: string } | undefined> {
    const [p] = (await this.call(`/v1/purposes?after=${number - 1}&limit=1`)) as Json[];
    if (Number(p?.number) !== number) return undefined; // it made room for another: the answer begins with the one after it
    return p && { name: String(p.name), about: String(p.about ?? "") };
  }

  /** What a purpose or a definition means, a sentence a line, in a language. */
  async explain(of: { purpose: number } | { definition: string }, lang: string): Promise<readonly string[]> {
    const { lines } = (await this.post("/v1/explain", { lang, ...of })) as { lines: unknown[] | null };
    return (lines ?? []).map(String);
  }

  async history(wallet: string, limit: number, before?: bigint): Promise<HistoryPage> {
    const h = (await this.call(`/v1/wallets/${wallet}/history?limit=${limit}${before === undefined ? "" : `&before=${before}`}`)) as { lines: Json[] | null; next?: unknown };
    return { lines: (h.lines ?? []).map((l) => lineOf(l, wallet)), ...(h.next !== undefined && { next: amountOf(h.next) }) };
  }

  /** One line of a wallet's history, by its transaction. */
  async line(wallet: string, transaction: string): Promise<HistoryLine | undefined> {
    const { index } = (await this.call(`/v1/transactions/${transaction}`)) as Json;
    const { lines } = await this.history(wallet, 1, amountOf(index) + 1n);
    return lines[0]?.id === transaction ? lines[0] : undefined;
  }

  /** A file that shows without this node that a transaction is in the ledger. */
  async receiptFile(transaction: string): Promise<Bytes> {
    return this.bytes(`/v1/transactions/${transaction}/proof`);
  }

  async contracts(wallet: string): Promise<ContractLine[]> {
    const { contracts } = (await this.call(`/v1/wallets/${wallet}/contracts`)) as { contracts: Json[] | null };
    return (contracts ?? []).map((c) => ({ c, standing: standingOf(c.standing) })).map(({ c, standing }) => ({
      id: String(c.id),
      definition: String(c.definition),
      name: String(c.name),
      parties: (c.parties as unknown[]).map(String),
      held: ((c.held ?? []) as unknown[]).reduce<bigint>((sum, h) => sum + amountOf(h), 0n),
      assets: (c.assets as unknown[]).length,
      version: amountOf(c.version),
      endsMillis: Number(c.ends_millis),
      ...(standing && { standing }),
    }));
  }

  /** A definition by its id: the list goes by id, so it is the one after the id before. */
  async definition(id: string): Promise<Definition | undefined> {
    const before = (BigInt(`0x${id}`) - 1n).toString(16).padStart(64, "0");
    const [d] = (await this.call(`/v1/definitions?after=${before}&limit=1`)) as Json[];
    if (d?.id !== id) return undefined;
    return { about: String(d.about ?? ""), parties: Array.isArray(d.parties) ? d.parties.map(String) : [] };
  }

  async delegations(wallet: string): Promise<DelegationLine[]> {
    const { delegations } = (await this.call(`/v1/wallets/${wallet}/delegations`)) as { delegations: Json[] | null };
    return (delegations ?? []).map((d) => ({ id: String(d.id), name: String(d.name ?? ""), until: Number(d.until_millis) }));
  }

  /** Lets a cashier's device see until when what the wallet is paid, and nothing else: the token to give to it. */
  async delegate(network: Uint8Array, wallet: string, signer: Signer, until: number, name: string): Promise<string> {
    const { challenge } = (await this.post("/v1/sessions/challenges", { wallet })) as { challenge: string };
    const signed = await delegationDigest(network, unhex(wallet, 16), this.origin, unhex(challenge, 48), BigInt(until), name);
    const made = (await this.post("/v1/sessions/delegations", {
      wallet,
      origin: this.origin,
      challenge,
      until_millis: until,
      name,
      signature: hex(signatureOf(await signer.sign(signed))),
    })) as { token: string };
    return made.token;
  }

  /** Ends a delegation. One that the node does not know has ended: by itself, or by this request, whose answer was lost. */
  async revoke(wallet: string, id: string): Promise<void> {
    try {
      await this.call(`/v1/wallets/${wallet}/delegations/${id}`, { method: "DELETE" });
    } catch (error) {
      if (!(error instanceof Refusal && error.code === "not-found")) throw error;
    }
  }

  /** Banks that open wallets. */
  async banks(): Promise<{ id: string; name: string }[]> {
    const list = (await this.call("/v1/intermediaries")) as Json[];
    return list.filter((b) => b.suspended !== true).map((b) => ({ id: String(b.id), name: String(b.name) }));
  }

  /** Asks a bank for a wallet of this key: the id of the application, which nobody else is told. */
  async apply(network: Uint8Array, bank: string, signer: Signer, name: string): Promise<string> {
    const signed = await applicationDigest(network, unhex(bank, 16), signer.publicKey, name);
    const made = (await this.post("/v1/applications", { bank, key: `ed25519:${hex(signer.publicKey).slice(2)}`, name, signature: hex(signatureOf(await signer.sign(signed))) })) as { id: string };
    return made.id;
  }

  /** How far an application is; the bank's paper when it is accepted. */
  async application(id: string): Promise<{ state: string; reason: string; paper?: string }> {
    const a = (await this.call(`/v1/applications/${id}`)) as Json;
    return { state: String(a.state), reason: String(a.reason ?? ""), ...(a.draft !== undefined && { paper: stringify(a.draft) }) };
  }

  /** Events of topics, from the last one that was seen on, until the signal or the connection ends. */
  async events(topics: string, last: string, signal: AbortSignal, heard: (id: string, event: string, data: unknown) => void, begun: () => void = () => {}): Promise<void> {
    const headers: Record<string, string> = { Authorization: `Bearer ${this.token}` };
    if (last !== "") headers["Last-Event-ID"] = last;
    const response = await this.send(`${this.base}/v1/events?topics=${topics}`, { headers, cache: "no-store", credentials: "omit", redirect: "error", signal });
    if (!response.ok || !response.body) throw new Refusal(response.status, "stream", "no stream");
    begun();
    await readEvents(response.body, heard);
  }

  /** Drafts that a wallet signs, the latest first. */
  async drafts(wallet: string): Promise<DraftLine[]> {
    const { drafts } = (await this.call(`/v1/drafts?wallet=${wallet}`)) as { drafts: Json[] | null };
    return (drafts ?? []).map((d) => ({
      id: String(d.id),
      encoded: String(d.encoded),
      state: String(d.state),
      reasons: ((d.refusals ?? []) as Json[]).map((r) => String(r.reason ?? "")).filter((r) => r !== ""),
    }));
  }

  async signDraft(id: string, witness: { role: string; index: number; signature: string }): Promise<void> {
    await this.post(`/v1/drafts/${id}/signatures`, witness);
  }

  async refuseDraft(id: string, key: Uint8Array, reason: string, signature: string): Promise<void> {
    await this.post(`/v1/drafts/${id}/refusals`, { key: `ed25519:${hex(key).slice(2)}`, reason, signature });
  }

  /** What the wallet's phone laid down at the node, in base64; undefined for nothing. */
  async backup(wallet: string): Promise<{ readonly version: number; readonly sealed: string } | undefined> {
    try {
      const b = (await this.call(`/v1/wallets/${wallet}/backup`)) as Json;
      return { version: Number(b.version), sealed: String(b.sealed) };
    } catch (error) {
      if (error instanceof Refusal && error.status === 404) return undefined;
      throw error;
    }
  }

  /** Lays it down in the place of a version, 0 for none. */
  async putBackup(wallet: string, after: number, sealed: string): Promise<{ readonly version: number; readonly millis: number }> {
    const b = (await this.call(`/v1/wallets/${wallet}/backup`, { method: "PUT", headers: { "Content-Type": "application/json" }, body: stringify({ after, sealed }) })) as Json;
    return { version: Number(b.version), millis: Number(b.changed_millis) };
  }

  async deleteBackup(wallet: string): Promise<void> {
    try {
      await this.call(`/v1/wallets/${wallet}/backup`, { method: "DELETE" });
    } catch (error) {
      if (!(error instanceof Refusal && error.status === 404)) throw error;
    }
  }

  /** The amounts of a wallet's tokens, by their ids. */
  async tokens(wallet: string): Promise<ReadonlyMap<string, bigint>> {
    const { tokens } = (await this.call(`/v1/wallets/${wallet}/tokens?limit=4096`)) as { tokens: Json[] | null };
    return new Map((tokens ?? []).map((t) => [String(t.id), amountOf(t.amount)]));
  }

  /** What a purpose's money becomes when the session's own wallet pays it to a payee, 0 for plain; a refusal if it may not. */
  async mayPay(purpose: number, payee: string, amount: bigint): Promise<number> {
    const c = (await this.call(`/v1/purposes/${purpose}/check?payee=${payee}&amount=${amount}`)) as Json;
    return Number(c.becomes);
  }

  /** What may be done with a contract now by a wallet, and why not. It is named: a node that is open to read answers for each action's
   * own party else, and what was looked at for another is nothing of this wallet's. */
  async steps(contract: string, wallet: string): Promise<Step[]> {
    const { steps } = (await this.call(`/v1/contracts/${contract}/next?as=${wallet}`)) as { steps: Json[] | null };
    return (steps ?? []).filter((s) => s.caller === wallet).map((s) => ({
      action: String(s.action),
      possible: s.possible === true,
      plain: s.open !== true && s.document !== true && [s.args, s.takes].every((list) => !Array.isArray(list) || list.length === 0),
      ends: s.ends === true,
      fromMillis: Number(s.from_millis ?? 0),
      code: String((s.problem as Json | undefined)?.code ?? ""),
    }));
  }

  async select(wallet: string, amount: bigint, purpose?: number): Promise<Selection> {
    const s = (await this.post(`/v1/wallets/${wallet}/selections`, { amount, ...(purpose !== undefined && { purpose }) })) as { tokens: Json[] | null; total: unknown; merge: boolean };
    return { tokens: (s.tokens ?? []).map((t) => ({ id: String(t.id), amount: amountOf(t.amount) })), total: amountOf(s.total), merge: s.merge };
  }

  /** Whether a token of the wallet is there yet. */
  async isLive(token: string): Promise<boolean> {
    return ((await this.call(`/v1/tokens/${token}`)) as Json).live === true;
  }

  /** Frees tokens that were set aside and will not be spent. */
  async release(wallet: string, tokens: readonly string[]): Promise<void> {
    await this.post(`/v1/wallets/${wallet}/releases`, { tokens });
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
