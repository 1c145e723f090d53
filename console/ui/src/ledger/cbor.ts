// Deterministic CBOR (RFC 8949, section 4.2), the part of it that the ledger uses: integers of 64 bits, byte strings, texts,
// arrays, true, false and null; each in its one shortest form. What is read in another form is refused, so that bytes and
// values correspond one to one.

import { type Bytes, RuleError, concat, utf8 } from "./bytes";

export type Value = bigint | Uint8Array | string | boolean | null | readonly Value[];

const MAJOR = { uint: 0, negative: 1, bytes: 2, text: 3, array: 4 } as const;
const FALSE = 0xf4;
const TRUE = 0xf5;
const NULL = 0xf6;
const MOST = (1n << 64n) - 1n;
/** Arrays lie in each other at most so deep: the ledger's do at most seven. */
const DEPTH = 16;

function head(major: number, argument: bigint): Bytes {
  const first = major << 5;
  if (argument < 24n) return Uint8Array.of(first | Number(argument));
  let width = 1;
  let info = 24;
  while (argument >> BigInt(8 * width) !== 0n) {
    width *= 2;
    info++;
  }
  const bytes = new Uint8Array(1 + width);
  bytes[0] = first | info;
  for (let i = width, rest = argument; i > 0; i--, rest >>= 8n) bytes[i] = Number(rest & 0xffn);
  return bytes;
}

/** The bytes of a value. Integers outside of 64 bits, and texts that are no Unicode, are refused. */
export function encode(value: Value): Bytes {
  if (typeof value === "bigint") {
    const argument = value < 0n ? -1n - value : value;
    if (argument > MOST) throw new RuleError("not-canonical", "integer", "it does not fit into 64 bits");
    return head(value < 0n ? MAJOR.negative : MAJOR.uint, argument);
  }
  if (typeof value === "string") {
    if (/\p{Surrogate}/u.test(value)) throw new RuleError("not-canonical", "text", "it is no Unicode");
    const bytes = utf8(value);
    return concat(head(MAJOR.text, BigInt(bytes.length)), bytes);
  }
  if (value === true) return Uint8Array.of(TRUE);
  if (value === false) return Uint8Array.of(FALSE);
  if (value === null) return Uint8Array.of(NULL);
  if (value instanceof Uint8Array) return concat(head(MAJOR.bytes, BigInt(value.length)), value);
  return concat(head(MAJOR.array, BigInt(value.length)), ...value.map(encode));
}

class Reader {
  at = 0;
  constructor(readonly data: Uint8Array) {}

  fail(message: string): never {
    throw new RuleError("not-canonical", `byte ${this.at}`, message);
  }

  take(length: number): Bytes {
    if (length > this.data.length - this.at) this.fail("the bytes end here");
    this.at += length;
    return this.data.slice(this.at - length, this.at);
  }

  argument(info: number): bigint {
    if (info < 24) return BigInt(info);
    if (info > 27) this.fail("indefinite or reserved length");
    const width = 1 << (info - 24);
    let argument = 0n;
    for (const byte of this.take(width)) argument = (argument << 8n) | BigInt(byte);
    const least = width === 1 ? 24n : 1n << BigInt(4 * width);
    if (argument < least) this.fail("an integer or length is not in its shortest form");
    return argument;
  }

  length(argument: bigint): number {
    if (argument > BigInt(this.data.length)) this.fail("it is longer than the bytes");
    return Number(argument);
  }

  value(depth: number): Value {
    const first = this.take(1)[0]!;
    if (first === TRUE) return true;
    if (first === FALSE) return false;
    if (first === NULL) return null;
    const argument = this.argument(first & 31);
    switch (first >> 5) {
      case MAJOR.uint:
        return argument;
      case MAJOR.negative:
        return -1n - argument;
      case MAJOR.bytes:
        return this.take(this.length(argument));
      case MAJOR.text:
        try {
          return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(this.take(this.length(argument)));
        } catch {
          return this.fail("a text is no UTF-8");
        }
      case MAJOR.array: {
        if (depth === DEPTH) this.fail("arrays lie too deep in each other");
        const items: Value[] = [];
        for (let n = this.length(argument); n > 0; n--) items.push(this.value(depth + 1));
        return items;
      }
    }
    return this.fail("a type that the ledger does not use");
  }
}

/** The value that the bytes are, all of them. */
export function decode(data: Uint8Array): Value {
  const reader = new Reader(data);
  const value = reader.value(0);
  if (reader.at !== data.length) reader.fail(`${data.length - reader.at} bytes left over`);
  return value;
}
