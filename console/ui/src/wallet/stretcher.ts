// Argon2id (RFC 9106) in a worker of its own: it takes about a second, in which the page goes on answering.

import { argon2id } from "@noble/hashes/argon2.js";
import type { Stretch } from "./stretch";

addEventListener("message", (e: MessageEvent<Stretch>) => {
  const { passphrase, salt, memory, passes } = e.data;
  postMessage(argon2id(passphrase, salt, { t: passes, m: memory, p: 1, dkLen: 32 }));
});
