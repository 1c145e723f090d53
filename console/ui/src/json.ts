// JSON without loss: an integer that a number cannot hold becomes a bigint. Amounts are read with amountOf, which takes both.
// Within this module a bigint stands as a string that begins with NUL; a string that begins so by itself gets one NUL more.

const LONG = /^-?\d{16,}$/;
const MARKED = /^\0-?\d+$/;

function revive(_: string, value: unknown): unknown {
  if (typeof value !== "string" || !value.startsWith("\0")) return value;
  return MARKED.test(value) ? BigInt(value.slice(1)) : value.slice(1);
}

/** Parses JSON; integers of sixteen digits and more become bigints. */
export function parse(text: string): unknown {
  let marked = "";
  let from = 0;
  for (const found of text.matchAll(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g)) {
    const [literal] = found;
    let put = literal;
    if (LONG.test(literal)) put = `"\\u0000${literal}"`;
    else if (literal.startsWith('"\\u0000')) put = `"\\u0000${literal.slice(1)}`;
    marked += text.slice(from, found.index) + put;
    from = found.index + literal.length;
  }
  return JSON.parse(marked + text.slice(from), revive);
}

function mark(_: string, value: unknown): unknown {
  if (typeof value === "bigint") return `\0${value}`;
  return typeof value === "string" && value.startsWith("\0") ? `\0${value}` : value;
}

/** JSON in which bigints are integers, however long. */
export function stringify(value: unknown): string {
  // A quote right after one of these begins a text: within a text every quote has a backslash before it.
  return JSON.stringify(value, mark)
    .replace(/(?<=[[{:,]|^)"\\u0000(-?\d+)"/g, "$1")
    .replace(/(?<=[[{:,]|^)"\\u0000\\u0000/g, '"\\u0000');
}

/** Characters that turn the order of others around, hide, or are obeyed by terminals: in a text of somebody else's they deceive. */
const DECEIVING = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** A text of somebody else's as it may be shown: what deceives is seen as a mark. */
export function plain(text: string): string {
  return text.replace(DECEIVING, "\ufffd");
}

/** All texts of a value that came from elsewhere, as they may be shown. */
export function plainAll(value: unknown): unknown {
  if (typeof value === "string") return plain(value);
  if (Array.isArray(value)) return value.map(plainAll);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, of]) => [name, plainAll(of)]));
}

/** An amount, height or version as a bigint. */
export function amountOf(value: unknown): bigint {
  if (typeof value === "bigint") return value;
  if (typeof value === "number" && Number.isSafeInteger(value)) return BigInt(value);
  throw new TypeError(`not an integer: ${String(value)}`);
}
