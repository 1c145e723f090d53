// The printed code from which a wallet comes back: its seed and a check, in groups that a person copies. Letters that are taken
// for each other are read as one (Crockford's base 32: no I, L, O, U).

import { type Bytes, concat, same, sha256, utf8 } from "../ledger/bytes";

const DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CHECK_BYTES = 3; // with the seed 35 bytes: 56 digits, no bit over
const GROUP = 4;

function check(seed: Uint8Array): Promise<Bytes> {
  return sha256(utf8("aqsha recovery v1\0"), seed);
}

export async function recoveryCode(seed: Uint8Array): Promise<string> {
  const bytes = concat(seed, (await check(seed)).slice(0, CHECK_BYTES));
  let bits = 0n;
  for (const b of bytes) bits = (bits << 8n) | BigInt(b);
  let code = "";
  for (let at = bytes.length * 8 - 5; at >= 0; at -= 5) code += DIGITS[Number((bits >> BigInt(at)) & 31n)];
  return code.match(new RegExp(`.{${GROUP}}`, "g"))!.join(" ");
}

/** The groups of a code, to ask some of them back. */
export function groupsOf(code: string): string[] {
  return code.split(" ");
}

/** What somebody typed as the digits of a code. */
export function normalise(text: string): string {
  return text.toUpperCase().replace(/[\s-]/g, "").replace(/[IL]/g, "1").replace(/O/g, "0");
}

/** The seed of a code, or undefined when it is not a code or was copied wrongly. */
export async function seedOf(text: string): Promise<Bytes | undefined> {
  const digits = normalise(text);
  if (digits.length !== ((32 + CHECK_BYTES) * 8) / 5) return undefined;
  let bits = 0n;
  for (const d of digits) {
    const value = DIGITS.indexOf(d);
    if (value < 0) return undefined;
    bits = (bits << 5n) | BigInt(value);
  }
  const bytes = new Uint8Array(32 + CHECK_BYTES);
  for (let i = bytes.length - 1; i >= 0; i--, bits >>= 8n) bytes[i] = Number(bits & 255n);
  const seed = bytes.slice(0, 32);
  return same((await check(seed)).slice(0, CHECK_BYTES), bytes.slice(32)) ? seed : undefined;
}
