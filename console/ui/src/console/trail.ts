// What this browser saw of the audit trail is remembered, and the next look must extend it: RFC 6962, section 2.1.2, verified as
// RFC 9162 says in section 2.1.4.2. Whoever changes the trail under a node's administrator is seen so, by whoever looked before.

import { type Bytes, same, sha256, unhex } from "../ledger/bytes";

const node = (left: Uint8Array, right: Uint8Array): Promise<Bytes> => sha256(Uint8Array.of(1), left, right);

/** Whether a tree of so many leaves extends another, by a proof in hexadecimal. */
export async function extended(oldSize: number, oldRoot: string, size: number, root: string, proof: readonly string[]): Promise<boolean> {
  if (oldSize === size) return proof.length === 0 && oldRoot === root;
  if (oldSize <= 0 || oldSize > size) return false;
  const path = proof.map((h) => unhex(h, 32));
  if ((oldSize & (oldSize - 1)) === 0) path.unshift(unhex(oldRoot, 32));
  let fn = oldSize - 1;
  let sn = size - 1;
  const half = (n: number): number => Math.floor(n / 2);
  while (fn % 2 === 1) [fn, sn] = [half(fn), half(sn)];
  const first = path.shift();
  if (!first) return false;
  let [fr, sr] = [first, first];
  for (const c of path) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      fr = await node(c, fr);
      sr = await node(c, sr);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else sr = await node(sr, c);
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && same(fr, unhex(oldRoot, 32)) && same(sr, unhex(root, 32));
}

export interface Seen {
  readonly size: number;
  readonly root: string;
}

const KEY = "aqsha-trail";

/** What this browser saw last; undefined at the first look. */
export function seen(): Seen | undefined {
  try {
    const s = JSON.parse(localStorage.getItem(KEY) ?? "") as Seen;
    return Number.isSafeInteger(s.size) && s.size > 0 && /^[0-9a-f]{64}$/.test(s.root) ? s : undefined;
  } catch {
    return undefined;
  }
}

export function remember(s: Seen): void {
  if (s.size > 0) localStorage.setItem(KEY, JSON.stringify(s));
}
