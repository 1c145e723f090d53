// Judges bodies of transactions that another program asks about, a line of hexadecimal digits each: yes, or no with the code. It is
// how the codec is held against the ledger's own (console/codec_test.go); no page loads it.

import { createInterface } from "node:readline";
import { RuleError, hex, unhex } from "./bytes";
import { decode, encode } from "./cbor";
import { checkWhole } from "./whole";

const lines = createInterface({ input: process.stdin });
for await (const line of lines) {
  let verdict: string;
  try {
    const bytes = unhex(line);
    const body = decode(bytes);
    checkWhole(body);
    verdict = hex(encode(body)) === line ? "yes" : "changed";
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    verdict = `no ${error.code} ${error.field}`;
  }
  process.stdout.write(`${verdict}\n`);
}
