// What of a body's items has to fit together, beyond the form of each (docs/FORMATS.md): whoever reads a transaction that
// somebody else made checks this too. The keys in it are points of the curve, none of small order.

import { ed25519 } from "@noble/curves/ed25519.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { checkBody } from "./body";
import { RuleError, concat, hex, utf8 } from "./bytes";
import type { Value } from "./cbor";

type Items = Readonly<Record<string, Value>>;

const MOST = (1n << 63n) - 1n;
const AUTHORITY = "00".repeat(16);
const DAY = 86_400_000n;

function need(holds: boolean, field: string, want: string): void {
  if (!holds) throw new RuleError("out-of-range", field, want);
}

function sum(amounts: readonly bigint[], field: string): void {
  need(amounts.reduce((s, a) => s + a, 0n) <= MOST, field, "a sum below 2^63");
}

function usable(key: Value, field: string): void {
  if (key === null) return;
  try {
    if (!ed25519.Point.fromBytes((key as Uint8Array).slice(1), true).isSmallOrder()) return;
  } catch {
    // no point
  }
  throw new RuleError("weak-key", field, "a point of the curve that is not of small order");
}

function keySet(keys: Value, field: string): void {
  const [threshold, list] = keys as [bigint, Uint8Array[]];
  need(threshold <= BigInt(list.length), `${field}.threshold`, "no more than there are keys");
  for (const key of list) usable(key, `${field}.keys`);
}

/** What is the default is left out. */
function shortest(outputs: readonly Value[]): void {
  for (const o of outputs as Value[][]) {
    const extra = o.length === 3 ? (o[2] as Value[]) : o.slice(2);
    if (extra.length > 0 && extra.every((n) => n === 0n)) throw new RuleError("not-canonical", "outputs", "the short form of plain money");
  }
}

function parties(b: Items, payers: bigint, outputs: readonly Value[]): void {
  const count = (b.parties as Value[]).length;
  need(payers >= 1n && payers <= BigInt(count), "payers", "1 to the number of parties");
  const named = outputs.map((o) => (o as Value[])[0] as bigint);
  need(
    named.every((p) => p < BigInt(count)),
    "outputs.party",
    "a party that there is",
  );
  for (let p = Number(payers); p < count; p++) if (!named.includes(BigInt(p))) throw new RuleError("unused", "parties", "each that does not pay is paid");
  shortest(outputs);
  sum(
    outputs.map((o) => (o as Value[])[1] as bigint),
    "outputs",
  );
}

function differ(key: Value, recovery: Value): void {
  usable(key, "key");
  usable(recovery, "recovery");
  if (recovery !== null && hex(key as Uint8Array) === hex(recovery as Uint8Array)) throw new RuleError("repeated", "recovery", "another key");
}

function by(b: Items, ...roles: bigint[]): void {
  need(roles.includes(b.by as bigint), "by", "a role that may ask for this");
}

function proposed(b: Items): void {
  const [what, of, to] = b.change as [bigint, bigint, Value];
  const may = what === 1n ? b.by === of || b.by === 1n : what === 4n ? b.by === 1n : b.by === 3n;
  need(may, "by", "the role whose change it is");
  if (what === 1n) keySet(to, "change.keys");
  if (what === 3n) need((to as bigint) >= 60_000n && (to as bigint) <= 90n * DAY, "change.delay_millis", "a minute to 90 days");
}

function heldFor(wallet: Uint8Array): string {
  return hex(sha256(concat(utf8("aqsha held v1\0"), wallet)).slice(0, 16));
}

function released(b: Items): void {
  by(b, 4n, 7n, 8n);
  const [held, of, to] = [b.held, b.for, b.to].map((w) => hex(w as Uint8Array)) as [string, string, string];
  need(of === AUTHORITY ? b.by === 4n : held === heldFor(b.for as Uint8Array), "held", "the wallet that holds it");
  if (to === held) throw new RuleError("repeated", "to", "another wallet");
  sum([b.amount as bigint, b.change as bigint], "amount");
}

/** Something is paid in if, and only if, tokens bring it. */
function brought(b: Items): void {
  const paid = b.paid as bigint[];
  sum(paid, "paid");
  need(paid.length >= 1, "paid", "one for each asset");
  if (paid.every((p) => p === 0n) !== ((b.inputs as Value[]).length === 0)) throw new RuleError("unused", "inputs", "tokens for what is paid in, and no others");
}

function lasts(purpose: Value): void {
  const p = purpose as Value[];
  need((p[7] as bigint) > (p[6] as bigint), "purpose.until", "an end after the beginning");
  if (p.length === 14 && p[12] === 0n && p[13] === 0n) throw new RuleError("not-canonical", "purpose", "the short form");
}

/** An announcement of a keyset opens a reserve with a key, or names one. */
function announced(b: Items): void {
  usable(b.key!, "key");
  need((hex(b.reserve as Uint8Array) === AUTHORITY) === (b.key !== null), "key", "the key of the reserve that is opened, and of no other");
  need((b.keyset as Uint8Array)[0] === 1, "keyset", "a keyset of version 1");
  const amounts = b.denominations as bigint[];
  need(
    amounts.every((a, i) => i === 0 || a > amounts[i - 1]!),
    "denominations",
    "denominations that ascend",
  );
  need((b.from as bigint) < (b.until as bigint) && (b.until as bigint) < (b.expiry as bigint), "expiry", "times that ascend");
}

/** What a purse takes aside: tokens bring it, or nothing is taken. */
function setAside(b: Items, amount: Value): void {
  const nothing = amount === 0n;
  if (nothing !== ((b.inputs as Value[]).length === 0) || (nothing && b.change !== 0n)) throw new RuleError("unused", "inputs", "tokens for what is set aside, and no others");
  sum([amount as bigint, b.change as bigint], "amount");
}

/** A key of openers: not more commitments than openers. */
function openers(b: Items): void {
  need((b.commitments as Value[]).length <= (b.members as bigint), "members", "at least as many openers as it takes");
}

/** An opening: shares by opener, each once. */
function nameShares(b: Items): void {
  const shares = b.shares as Value[][];
  if (shares.some((s, i) => i > 0 && (s[0] as bigint) <= (shares[i - 1]![0] as bigint))) throw new RuleError("repeated", "shares", "shares by opener, each once");
}

/** Validators: no name, key or peer twice, not even as two keys of one. */
function validators(b: Items): void {
  const all = (b.validators as Value[][]).map(([name, vote, checkpoint, peer]) => ({ name, vote: vote!, checkpoint: checkpoint!, peer: hex(peer as Uint8Array) }));
  const keys = all.flatMap((v) => [v.vote, v.checkpoint]);
  keys.forEach((key) => usable(key, "validators"));
  for (const list of [keys.map((key) => hex(key as Uint8Array)), all.map((v) => v.name), all.map((v) => v.peer)]) {
    if (new Set(list).size !== list.length) throw new RuleError("repeated", "validators", "each once");
  }
}

/** By kind. */
const TOGETHER: Readonly<Record<string, (b: Items) => void>> = {
  1: (b) => parties(b, b.payers as bigint, b.outputs as Value[]),
  2: (b) => sum(b.amounts as bigint[], "amounts"),
  3: (b) => sum([b.amount as bigint, b.change as bigint], "amount"),
  4: (b) => differ(b.key!, b.recovery!),
  6: (b) => {
    differ(b.key!, b.recovery!);
    by(b, 2n, 4n, 5n, 7n, 8n);
  },
  8: (b) => by(b, 2n, 5n, 7n),
  11: (b) => sum([b.amount as bigint, b.change as bigint], "amount"),
  12: (b) => {
    keySet(b.keys!, "keys");
    usable(b.treasury!, "treasury");
  },
  14: (b) => {
    if (hex(b.from as Uint8Array) === hex(b.to as Uint8Array)) throw new RuleError("repeated", "to", "another bank");
  },
  16: proposed,
  18: (b) => keySet(b.keys!, "keys"),
  19: (b) => keySet(b.keys!, "keys"),
  20: (b) => lasts(b.purpose!),
  21: (b) => parties(b, 1n, b.outputs as Value[]),
  23: (b) => {
    need((b.paid as Value[]).length === (b.assets as Value[]).length, "paid", "one for each asset");
    brought(b);
  },
  24: brought,
  25: (b) => by(b, 2n, 7n, 8n),
  26: released,
  28: announced,
  30: (b) => {
    usable(b.certifier!, "certifier");
    setAside(b, b.amount!);
  },
  31: (b) => {
    usable(b.key!, "key");
    setAside(b, b.deposit!);
  },
  32: (b) => {
    need(b.amount !== 0n, "amount", "more than nothing");
    setAside(b, b.amount!);
  },
  36: openers,
  37: nameShares,
  38: validators,
};

/** Checks a body whole: the form of its items, and what has to fit together. */
export function checkWhole(body: Value): void {
  const kind = checkBody(body);
  const items: Record<string, Value> = {};
  kind.items.forEach(([name], i) => {
    items[name] = (body as readonly Value[])[i + 2]!;
  });
  TOGETHER[String((body as readonly Value[])[0])]?.(items);
}
