// Requests for a payment: what a code or a link asks for. `aqsha:pay?…` in a code, `…/wallet/#pay?…` in a link, whose part after
// the # no server sees. docs/FORMATS.md, "Request for a payment".

import { plain } from "../json";
import { RuleError, hex, unhex } from "../ledger/bytes";

export interface PaymentRequest {
  readonly network: string; // the id's 64 hexadecimal digits
  readonly to: string; // wallet, 32 hexadecimal digits
  readonly amount?: bigint; // tiyn; absent: the payer says
  readonly reference?: string; // what it is for, up to 64 bytes
  readonly until?: number; // Unix milliseconds: later it is not to be paid
}

const FIELDS = ["network", "to", "amount", "reference", "until"] as const;
const SCHEME = "aqsha:pay?";
const MOST_CHARACTERS = 1024;
const MOST_REFERENCE = 64;

function decodeField(text: string, field: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new RuleError("request-form", field, "a % that begins no character");
  }
}

function numberField(text: string, field: string, most: bigint): bigint {
  if (!/^(0|[1-9][0-9]{0,18})$/.test(text)) throw new RuleError("request-form", field, "want digits alone");
  const value = BigInt(text);
  if (value === 0n || value > most) throw new RuleError("request-form", field, `want 1 to ${most}`);
  return value;
}

/** The fields of a query, each once; unknown ones are passed over unless they say that they must be understood. */
function fieldsOf(query: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const part of query.split("&")) {
    const at = part.indexOf("=");
    if (at < 0) throw new RuleError("request-form", part.slice(0, 20), "want name=value");
    const name = part.slice(0, at);
    if (fields.has(name)) throw new RuleError("request-doubled", name, "it is there twice");
    if (name.startsWith("req-")) throw new RuleError("request-newer", name, "this program does not know it, and it must be understood");
    fields.set(name, decodeField(part.slice(at + 1), name));
  }
  return fields;
}

/** A wallet's number as people write it: in capitals, in groups. */
export function numberIn(text: string): string | undefined {
  const digits = text.replace(/[\s-]/g, "").toLowerCase();
  return /^[0-9a-f]{32}$/.test(digits) ? digits : undefined;
}

/** Reads a code or link. What is for another network, or over, is told by check. */
export function parseRequest(text: string): PaymentRequest {
  const trimmed = text.trim();
  if (trimmed.length > MOST_CHARACTERS) throw new RuleError("request-long", "request", `want at most ${MOST_CHARACTERS} characters`);
  const at = trimmed.startsWith(SCHEME) ? SCHEME.length : /^https?:\/\/[^/\s]+\/wallet\/[^#\s]*#pay\?/.exec(trimmed)?.[0].length;
  if (at === undefined) throw new RuleError(/^(bitcoin|lightning|ethereum):/i.test(trimmed) ? "request-foreign" : "request-unknown", "request", "it is no request for digital tenge");
  const fields = fieldsOf(trimmed.slice(at));
  const network = fields.get("network") ?? "";
  const to = fields.get("to") ?? "";
  unhex(network, 32, "network");
  unhex(to, 16, "to");
  const amount = fields.get("amount");
  const reference = fields.get("reference");
  const until = fields.get("until");
  if (reference !== undefined && new TextEncoder().encode(reference).length > MOST_REFERENCE) throw new RuleError("request-long", "reference", `want at most ${MOST_REFERENCE} bytes`);
  if (reference !== undefined && plain(reference) !== reference) throw new RuleError("request-form", "reference", "it has characters that turn or hide others");
  return {
    network,
    to,
    ...(amount !== undefined && { amount: numberField(amount, "amount", (1n << 63n) - 1n) }),
    ...(reference !== undefined && reference !== "" && { reference }),
    ...(until !== undefined && { until: Number(numberField(until, "until", (1n << 53n) - 1n)) }),
  };
}

/** The code under which a page says what is wrong with a request: which part of it is missing or damaged, for whoever made it. */
export function saidCode(error: RuleError): string {
  if (error.code !== "wrong-length" && error.code !== "not-hexadecimal") return error.code;
  return error.field === "network" ? "request-no-network" : error.field === "to" ? "request-no-payee" : error.code;
}

/** The one way to write a request: its fields in order. */
export function formatRequest(r: PaymentRequest, link?: string): string {
  const query = FIELDS.flatMap((name) => (r[name] === undefined ? [] : [`${name}=${encodeURIComponent(String(r[name]))}`])).join("&");
  return link === undefined ? SCHEME + query : `${link}#pay?${query}`;
}

/** The rule by which the payer's wallet would refuse a request: who asks is to hear it before anybody who pays. */
export function refusedBy(r: PaymentRequest): RuleError | undefined {
  try {
    parseRequest(formatRequest(r));
    return undefined;
  } catch (error) {
    if (error instanceof RuleError) return error;
    if (error instanceof URIError) return new RuleError("request-form", "reference", "it has half a character");
    throw error;
  }
}

/** Whether a request can be paid here and now. */
export function checkRequest(r: PaymentRequest, network: Uint8Array, now: number): void {
  if (r.network !== hex(network)) throw new RuleError("request-network", "network", "it is for another network");
  checkTime(r, now);
}

/** Refuses what is not to be paid any more: from `until` on. */
export function checkTime(r: Pick<PaymentRequest, "until">, now: number): void {
  if (r.until !== undefined && now >= r.until) throw new RuleError("request-over", "until", "its time is over");
}
