// JSON without loss: an integer that a number cannot hold becomes a bigint. Amounts are read with amountOf, which takes both.

const LONG = /^-?\d{16,}$/;

/** Parses JSON; integers of sixteen digits and more become bigints. */
export function parse(text: string): unknown {
  let marked = "";
  let from = 0;
  for (const found of text.matchAll(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g)) {
    const [literal] = found;
    marked += text.slice(from, found.index) + (LONG.test(literal) ? `"\\u0000${literal}"` : literal);
    from = found.index + literal.length;
  }
  return JSON.parse(marked + text.slice(from), (_, value: unknown) => (typeof value === "string" && value.startsWith("\0") ? BigInt(value.slice(1)) : value));
}

/** An amount, height or version as a bigint. */
export function amountOf(value: unknown): bigint {
  if (typeof value === "bigint") return value;
  if (typeof value === "number" && Number.isSafeInteger(value)) return BigInt(value);
  throw new TypeError(`not an integer: ${String(value)}`);
}
