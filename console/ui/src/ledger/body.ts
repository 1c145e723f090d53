// The bodies of transactions, kind by kind, as docs/FORMATS.md ("Transaction") lists them. A form says what an item may be; a
// body that has another form is refused with the item's name.

import { RuleError, hex } from "./bytes";
import type { Value } from "./cbor";

type Form = (value: Value, field: string) => void;

function refuse(code: string, field: string, want: string): never {
  throw new RuleError(code, field, `want ${want}`);
}

function integer(least: bigint, most: bigint): Form {
  return (value, field) => {
    if (typeof value !== "bigint" || value < least || value > most) refuse("out-of-range", field, `an integer from ${least} to ${most}`);
  };
}

function bytes(least: number, most = least): Form {
  return (value, field) => {
    if (!(value instanceof Uint8Array) || value.length < least || value.length > most) refuse("wrong-length", field, `${least} to ${most} bytes`);
  };
}

/** A text of so many bytes in UTF-8. */
function text(least: number, most: number, pattern?: RegExp): Form {
  return (value, field) => {
    if (typeof value !== "string") return refuse("wrong-type", field, "a text");
    const length = new TextEncoder().encode(value).length;
    if (length < least || length > most || (pattern && !pattern.test(value))) refuse("bad-text", field, `${least} to ${most} bytes`);
  };
}

const boolean: Form = (value, field) => {
  if (typeof value !== "boolean") refuse("wrong-type", field, "true or false");
};

function optional(form: Form): Form {
  return (value, field) => {
    if (value !== null) form(value, field);
  };
}

function list(form: Form, least: number, most: number, different = false): Form {
  return (value, field) => {
    if (!Array.isArray(value) || value.length < least || value.length > most) return refuse("too-many", field, `${least} to ${most} of them`);
    value.forEach((item: Value, i) => form(item, `${field}[${i}]`));
    if (different && new Set(value.map((item: Value) => (item instanceof Uint8Array ? hex(item) : String(item)))).size !== value.length) {
      refuse("duplicate", field, "different ones");
    }
  };
}

function tuple(...items: readonly [string, Form][]): Form {
  return (value, field) => {
    if (!Array.isArray(value) || value.length !== items.length) return refuse("wrong-type", field, `${items.length} items`);
    items.forEach(([name, form], i) => form(value[i] as Value, field === "" ? name : `${field}.${name}`));
  };
}

/** One of several forms, told apart by how many items they have. */
function byLength(...forms: readonly [number, Form][]): Form {
  return (value, field) => {
    const form = forms.find(([length]) => Array.isArray(value) && value.length === length);
    if (!form) return refuse("wrong-type", field, `${forms.map(([length]) => length).join(" or ")} items`);
    form[1](value, field);
  };
}

const U63 = (1n << 63n) - 1n;
const U32 = (1n << 32n) - 1n;
const count = integer(0n, U63);
const amount = integer(1n, U63);
const time = integer(0n, (1n << 53n) - 1n);
const seconds = integer(0n, 1n << 40n);
const purseAmount = integer(0n, (1n << 53n) - 1n);
const wallet = bytes(16);
const id = bytes(32);
const role = integer(1n, 10n);
const key: Form = (value, field) => {
  bytes(33)(value, field);
  if ((value as Uint8Array)[0] !== 1) refuse("unknown-algorithm", field, "algorithm 1");
};
const keys = tuple(["threshold", integer(1n, 32n)], ["keys", list(key, 1, 32, true)]);
const attributes = tuple(
  ["category", integer(0n, 9999n)],
  ["region", text(0, 6, /^[A-Z0-9-]*$/)],
  ["role", text(0, 12, /^[a-z0-9-]*$/)],
);
const asset = tuple(["issuer", integer(0n, U32)], ["unit", integer(0n, 999n)], ["purpose", integer(0n, U32)]);
const caseText = text(1, 64);
const tokens = list(id, 0, 1024, true);
const documentHash = optional(id);

const memo: Form = optional((value, field) => {
  tuple(["scheme", integer(1n, 3n)], ["bytes", bytes(1, 512)])(value, field);
  const [scheme, content] = value as [bigint, Uint8Array];
  if (scheme === 1n && content.length > 256) refuse("too-long", field, "at most 256 bytes");
  if (scheme === 1n) {
    try {
      new TextDecoder("utf-8", { fatal: true }).decode(content);
    } catch {
      refuse("bad-text", field, "UTF-8");
    }
  }
  if (scheme === 3n && content.length !== 32) refuse("wrong-length", field, "32 bytes");
});

const contractValue: Form = (value, field) => {
  if (typeof value === "boolean") return;
  if (typeof value === "bigint") return integer(-(1n << 63n), U63)(value, field);
  if (value instanceof Uint8Array) return bytes(0, 1024)(value, field);
  if (typeof value === "string") return text(0, 1024)(value, field);
  list(integer(-(1n << 63n), U63), 0, 64)(value, field);
};

const tier = tuple(["name", text(1, 64)], ["payment_most", count], ["day_most", count], ["balance_most", count], ["payments_per_day", integer(0n, U32)]);
const DAY = 86_400_000n;
const policyItems: readonly [string, Form][] = [
  ["tiers", list(tier, 1, 32)],
  ["least_token", integer(1n, 1_000_000n)],
  ["most_inputs", integer(2n, 1024n)],
  ["most_outputs", integer(2n, 1024n)],
  ["day_offset", integer(0n, DAY)],
  ["valid_ahead", integer(1000n, 3_600_000n)],
  ["rekey_delay", integer(1000n, 30n * DAY)],
  ["snapshot_every", integer(1n, 1n << 40n)],
];
const share = integer(0n, 1n << 20n);
const policy = byLength([8, tuple(...policyItems)], [10, tuple(...policyItems, ["definitions_each", share], ["purposes_each", share])], [13, tuple(...policyItems, ["definitions_each", share], ["purposes_each", share], ["reserve_day_most", count], ["reserve_most", count], ["expired_cash", wallet])]);
const permit = tuple(["when", text(1, 2048)], ["becomes", integer(0n, U32)]);
const purposeItems: readonly [string, Form][] = [
  ["name", text(1, 64)],
  ["about", text(0, 1024)],
  ["mark", text(1, 2048)],
  ["permits", list(permit, 1, 8)],
  ["payment_most", count],
  ["most", count],
  ["from", time],
  ["until", time],
  ["hops", integer(0n, 65535n)],
  ["returns", wallet],
  ["definitions", list(id, 0, 16)],
  ["own_limits", boolean],
];
const purpose = byLength([12, tuple(...purposeItems)], [14, tuple(...purposeItems, ["notice", integer(0n, 366n * DAY)], ["amends", integer(0n, U32 - 1n)])]);

const change: Form = (value, field) => {
  if (!Array.isArray(value) || value.length !== 3) return refuse("wrong-type", field, "3 items");
  integer(1n, 5n)(value[0] as Value, `${field}.what`);
  const forms: Record<string, [Form, Form]> = {
    1: [integer(1n, 4n), keys],
    2: [integer(0n, 0n), amount],
    3: [integer(0n, 0n), time],
    4: [integer(1n, U32), integer(1n, 1n << 53n)],
    5: [integer(0n, 0n), policy],
  };
  const [second, third] = forms[String(value[0])]!;
  second(value[1] as Value, `${field}.of`);
  third(value[2] as Value, `${field}.to`);
};

const output = byLength(
  [2, tuple(["party", integer(0n, 1024n)], ["amount", amount])],
  [3, tuple(["party", integer(0n, 1024n)], ["amount", amount], ["asset", asset])],
);
const markedOutput = byLength(
  [2, tuple(["party", integer(0n, 1024n)], ["amount", amount])],
  [4, tuple(["party", integer(0n, 1024n)], ["amount", amount], ["from", integer(0n, U32 - 1n)], ["becomes", integer(0n, U32 - 1n)])],
);
const parties = list(wallet, 1, 1024, true);

/** A kind of transaction: its name and the items of its body after kind and valid until. */
export interface Kind {
  readonly name: string;
  readonly items: readonly [string, Form][];
}

/** All kinds by number. */
export const KINDS: Readonly<Record<string, Kind>> = {
  1: { name: "transfer", items: [["parties", parties], ["payers", count], ["inputs", list(id, 1, 1024, true)], ["outputs", list(output, 1, 1024)], ["memo", memo]] },
  2: { name: "issue", items: [["sequence", count], ["to", wallet], ["amounts", list(amount, 1, 1024)]] },
  3: { name: "redeem", items: [["from", wallet], ["inputs", list(id, 1, 1024, true)], ["amount", amount], ["change", count]] },
  4: { name: "register", items: [["registrar", wallet], ["sequence", count], ["key", key], ["recovery", optional(key)], ["tier", integer(0n, 255n)], ["attributes", attributes]] },
  5: { name: "update", items: [["wallet", wallet], ["version", count], ["tier", integer(0n, 255n)], ["attributes", attributes]] },
  6: { name: "rekey", items: [["wallet", wallet], ["version", count], ["by", role], ["key", key], ["recovery", optional(key)]] },
  7: { name: "cancel-rekey", items: [["wallet", wallet], ["version", count]] },
  8: { name: "close", items: [["wallet", wallet], ["version", count], ["by", role]] },
  9: { name: "freeze", items: [["wallet", wallet], ["version", count], ["mode", integer(1n, 2n)], ["case", caseText]] },
  10: { name: "unfreeze", items: [["wallet", wallet], ["version", count], ["case", caseText]] },
  11: { name: "seize", items: [["wallet", wallet], ["inputs", list(id, 1, 1024, true)], ["amount", amount], ["change", count], ["court", wallet], ["case", caseText]] },
  12: { name: "admit", items: [["sequence", count], ["name", text(1, 64)], ["keys", keys], ["treasury", key]] },
  13: { name: "suspend", items: [["sequence", count], ["intermediary", wallet], ["suspended", boolean]] },
  14: { name: "move", items: [["sequence", count], ["from", wallet], ["to", wallet], ["wallets", list(wallet, 1, 1024, true)]] },
  15: { name: "set-policy", items: [["sequence", count], ["policy", policy]] },
  16: { name: "propose", items: [["by", role], ["sequence", count], ["change", change]] },
  17: { name: "veto", items: [["sequence", count], ["proposal", id]] },
  18: { name: "renew-intermediary", items: [["sequence", count], ["intermediary", wallet], ["keys", keys]] },
  19: { name: "set-agency", items: [["sequence", count], ["agency", wallet], ["name", text(1, 64)], ["keys", keys], ["suspended", boolean]] },
  20: { name: "register-purpose", items: [["agency", wallet], ["sequence", count], ["purpose", purpose]] },
  21: { name: "marked-transfer", items: [["parties", parties], ["inputs", list(id, 1, 1024, true)], ["outputs", list(markedOutput, 1, 1024)], ["document", documentHash], ["memo", memo]] },
  22: { name: "define", items: [["registrar", wallet], ["sequence", count], ["definition", bytes(1, 16384)]] },
  23: {
    name: "create",
    items: [["creator", wallet], ["definition", id], ["parties", list(wallet, 0, 8)], ["assets", list(integer(0n, U32 - 1n), 0, 4, true)], ["terms", list(contractValue, 0, 32)], ["inputs", tokens], ["paid", list(count, 0, 4)], ["document", documentHash]],
  },
  24: {
    name: "act",
    items: [["contract", wallet], ["version", count], ["action", text(1, 24)], ["caller", wallet], ["args", list(contractValue, 0, 32)], ["inputs", tokens], ["paid", list(count, 0, 4)], ["document", documentHash]],
  },
  25: { name: "cancel", items: [["wallet", wallet], ["version", count], ["by", role]] },
  27: { name: "vouch", items: [["agency", wallet], ["sequence", count], ["wallet", wallet], ["as", text(1, 12, /^[A-Za-z0-9-]+$/)], ["withdrawn", boolean]] },
  28: {
    name: "announce-keyset",
    items: [["sequence", count], ["reserve", wallet], ["key", optional(key)], ["keyset", bytes(33)], ["unit", text(1, 8, /^[a-z]+$/)], ["denominations", list(amount, 1, 64, true)], ["from", seconds], ["until", seconds], ["expiry", seconds], ["origin", text(1, 128, /^[!-~]+$/)], ["log_key", text(1, 256, /^[!-~]+$/)]],
  },
  30: { name: "bond-purses", items: [["intermediary", wallet], ["sequence", count], ["certifier", key], ["inputs", list(id, 0, 1024, true)], ["amount", purseAmount], ["change", count]] },
  31: {
    name: "open-purse",
    items: [["intermediary", wallet], ["sequence", count], ["owner", wallet], ["key", key], ["class", integer(0n, 255n)], ["limits", tuple(["payment_most_tiyn", purseAmount], ["offline_most_tiyn", purseAmount], ["hops_most", integer(0n, 255n)], ["age_hours", integer(0n, 65535n)])], ["expiry_millis", integer(0n, (1n << 53n) - 1n)], ["sealed", bytes(0, 512)], ["inputs", list(id, 0, 1024, true)], ["deposit", purseAmount], ["change", count]],
  },
  32: { name: "fund-purse", items: [["from", wallet], ["purse", wallet], ["inputs", list(id, 1, 1024, true)], ["amount", purseAmount], ["change", count]] },
  33: { name: "settle-purses", items: [["links", list(bytes(1, 205), 1, 16, true)]] },
  34: { name: "convict-purse", items: [["conviction", bytes(1, 512)]] },
  35: { name: "close-purse", items: [["purse", wallet]] },
  36: { name: "announce-openers", items: [["sequence", count], ["members", integer(0n, 16n)], ["commitments", list(id, 1, 16, false)]] },
  38: { name: "set-validators", items: [["sequence", count], ["reason", text(0, 64)], ["validators", list(tuple(["name", text(1, 64, /^[!-~]+$/)], ["vote", key], ["checkpoint", key], ["peer", bytes(20)]), 1, 16, false)]] },
  37: { name: "open-name", items: [["purse", wallet], ["number", integer(0n, U32)], ["case", id], ["asker", id], ["proof", bytes(64)], ["shares", list(tuple(["opener", integer(0n, 16n)], ["point", id], ["proof", bytes(64)]), 1, 16, false)]] },
  29: { name: "stamp-cash", items: [["reserve", wallet], ["size", integer(1n, 1n << 53n)], ["root", id]] },
  26: { name: "release", items: [["held", wallet], ["for", wallet], ["by", role], ["inputs", list(id, 1, 1024, true)], ["amount", amount], ["change", count], ["to", wallet]] },
};

/** Checks a body's form, all of it, and says which kind it is. */
export function checkBody(body: Value): Kind {
  if (!Array.isArray(body) || typeof body[0] !== "bigint") return refuse("wrong-type", "body", "an array that begins with a kind");
  const kind = KINDS[String(body[0])];
  if (!kind) return refuse("unknown-kind", "kind", "a kind that there is");
  tuple(["kind", integer(0n, U32)], ["valid_until", time], ...kind.items)(body, "");
  return kind;
}
