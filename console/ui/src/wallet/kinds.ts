// What each line of a history is: its kind says it, never its sum alone. Money that goes into a contract or a purse is nobody's
// yet, so that it is not said to be paid.

import type { Key } from "../words";
import { type HistoryLine, SYSTEM } from "./client";
import { balance, history } from "./state";

/** What money that left, and money that came, is called, by the kind of the transaction. */
const MOVES: Readonly<Record<string, { readonly out?: Key; readonly in?: Key }>> = {
  transfer: { out: "line.paid", in: "line.received" },
  "marked-transfer": { out: "line.paid", in: "line.received" },
  create: { out: "line.set-aside", in: "line.from-contract" },
  act: { out: "line.into-contract", in: "line.from-contract" },
  issue: { in: "line.issued" },
  redeem: { out: "line.redeemed" },
  seize: { out: "line.seized", in: "line.by-court" },
  release: { in: "line.released" },
  "bond-purses": { out: "line.bond" },
  "open-purse": { out: "line.to-purse", in: "line.from-purse" },
  "fund-purse": { out: "line.to-purse", in: "line.from-purse" },
  "settle-purses": { in: "line.from-purse" },
  "convict-purse": { in: "line.from-purse" },
  "close-purse": { in: "line.from-purse" },
};

/** What changed about a wallet without money. */
const CHANGES: Readonly<Record<string, Key>> = {
  transfer: "line.own",
  "marked-transfer": "line.own",
  register: "line.opened",
  update: "line.level",
  "cancel-rekey": "line.key-cancelled",
  cancel: "line.key-cancelled",
  create: "line.contract-made",
  act: "line.contract-act",
};

const BY_ITSELF: Readonly<Record<number, Key>> = {
  [SYSTEM.rekey]: "line.key-came",
  [SYSTEM.rekeyDropped]: "line.key-lapsed",
  [SYSTEM.end]: "line.contract-ended",
  [SYSTEM.expiry]: "line.purpose-ended",
  [SYSTEM.renewal]: "line.contract-goes-on",
};

/** Whether money went to somebody, or came from somebody: a payment, of which a line may say whom it paid. */
export function isPayment(line: HistoryLine): boolean {
  return line.kind === "transfer" || line.kind === "marked-transfer";
}

export function wordOf(line: HistoryLine, known: readonly HistoryLine[] = history.value ?? []): Key {
  if (line.kind === "") return BY_ITSELF[line.system ?? 0] ?? "line.system";
  if (line.kind === "rekey") return keyWord(line, known);
  if (line.net === 0n) return Object.hasOwn(CHANGES, line.kind) ? CHANGES[line.kind]! : "line.change";
  const words = Object.hasOwn(MOVES, line.kind) ? MOVES[line.kind]! : {};
  return line.net > 0n ? (words.in ?? "line.in") : (words.out ?? "line.out");
}

/** Whether a line is the next that is heard of a key that was asked for. */
const ofKey = (l: HistoryLine) => l.system === SYSTEM.rekey || l.system === SYSTEM.rekeyDropped || l.system === SYSTEM.close || ["rekey", "cancel", "cancel-rekey", "close"].includes(l.kind);

/** A key that was asked for waited where the ledger says later what became of it, or where it waits still. One that was given at
 * once has nothing after it. Of what is not known it is said only that it was asked for. */
function keyWord(line: HistoryLine, known: readonly HistoryLine[]): Key {
  const { rekey } = line;
  const keys = known.filter(ofKey).sort((a, b) => (a.index < b.index ? -1 : 1));
  const at = keys.findIndex((l) => l.id === line.id);
  const before = keys.slice(0, Math.max(at, 0)).reverse().find((l) => l.rekey)?.rekey;
  const second = rekey?.recovery === true && rekey.by === "wallet" && (before?.key ?? rekey.key) === rekey.key;
  const next = keys[at + 1];
  const atOnce = at >= 0 && rekey?.by !== "intermediary" && rekey?.by !== "issue" && (next ? next.kind === "rekey" && next.rekey?.by === "wallet" : !balance.value?.pending);
  if (second) return atOnce ? "line.second" : "line.second-asked";
  return atOnce ? "line.key" : "line.key-asked";
}
