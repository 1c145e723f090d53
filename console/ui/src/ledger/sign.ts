// Ed25519 (RFC 8032): the browser's own where it has it and keeps its word, otherwise a library's. WebCrypto keys cannot be read
// back by any script, which the library's can.

import { type Bytes, concat, same, utf8 } from "./bytes";

export interface Signer {
  /** 33 bytes: algorithm and key. */
  readonly publicKey: Bytes;
  sign(digest: Uint8Array): Promise<Bytes>; // 64 bytes
}

/** The library, loaded when the first key is made or opened. */
const library = async () => (await import("@noble/curves/ed25519.js")).ed25519;

/** PKCS #8 of an Ed25519 seed (RFC 8410, section 7): a fixed head and the seed. */
const PKCS8_HEAD = Uint8Array.of(0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20);

function tagged(key: Uint8Array): Bytes {
  return concat(Uint8Array.of(1), key);
}

async function webCryptoSigner(seed: Uint8Array): Promise<Signer> {
  const key = await crypto.subtle.importKey("pkcs8", concat(PKCS8_HEAD, seed), "Ed25519", false, ["sign"]);
  return {
    publicKey: tagged((await library()).getPublicKey(seed)),
    sign: async (digest) => new Uint8Array(await crypto.subtle.sign("Ed25519", key, concat(digest))),
  };
}

async function librarySigner(seed: Uint8Array): Promise<Signer> {
  const ed25519 = await library();
  const copy = concat(seed);
  return { publicKey: tagged(ed25519.getPublicKey(copy)), sign: async (digest) => concat(ed25519.sign(digest, copy)) };
}

let native: Promise<boolean> | undefined;

/** Whether the browser signs as the standard says: it signs a word with a known key, and the signature is verified by both. */
export function nativeWorks(): Promise<boolean> {
  native ??= (async () => {
    try {
      const ed25519 = await library();
      const seed = new Uint8Array(32).fill(7);
      const word = utf8("aqsha self-test");
      const signer = await webCryptoSigner(seed);
      const signature = await signer.sign(word);
      const key = await crypto.subtle.importKey("raw", signer.publicKey.slice(1), "Ed25519", true, ["verify"]);
      const exported = new Uint8Array(await crypto.subtle.exportKey("raw", key));
      return same(exported, ed25519.getPublicKey(seed)) && ed25519.verify(signature, word, signer.publicKey.slice(1)) && (await crypto.subtle.verify("Ed25519", key, signature, word));
    } catch {
      return false;
    }
  })();
  return native;
}

export async function signerOf(seed: Uint8Array): Promise<Signer> {
  return (await nativeWorks()) ? webCryptoSigner(seed) : librarySigner(seed);
}

/** Whether a key signed a digest, by the rules of ZIP-215 as the ledger's. */
export async function verify(publicKey: Uint8Array, digest: Uint8Array, signature: Uint8Array): Promise<boolean> {
  if (publicKey.length !== 33 || publicKey[0] !== 1 || signature.length !== 65 || signature[0] !== 1) return false;
  try {
    return (await library()).verify(signature.slice(1), digest, publicKey.slice(1), { zip215: true });
  } catch {
    return false;
  }
}
