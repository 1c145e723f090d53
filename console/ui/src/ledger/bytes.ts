// Bytes as the ledger writes them in text: lower-case hexadecimal, nothing else.

export type Bytes = Uint8Array<ArrayBuffer>;

/** A violation of a rule of form: a stable code, the field it speaks of, and words for a developer. */
export class RuleError extends Error {
  constructor(
    readonly code: string,
    readonly field: string,
    message: string,
  ) {
    super(`${code} (${field}): ${message}`);
  }
}

export function hex(bytes: Uint8Array): string {
  let text = "";
  for (const b of bytes) text += b.toString(16).padStart(2, "0");
  return text;
}

/** Reads hexadecimal digits, of exactly so many bytes where that is said. */
export function unhex(text: string, length?: number, field = "text"): Bytes {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text)) throw new RuleError("not-hexadecimal", field, `want pairs of 0-9 and a-f`);
  if (length !== undefined && text.length !== 2 * length) throw new RuleError("wrong-length", field, `want ${length} bytes, got ${text.length / 2}`);
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

export function concat(...parts: Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    whole.set(p, at);
    at += p.length;
  }
  return whole;
}

export function utf8(text: string): Bytes {
  return new TextEncoder().encode(text) as Bytes;
}

export function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

export async function sha256(...parts: Uint8Array[]): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", concat(...parts)));
}
