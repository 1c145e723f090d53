// The wallet opened by the device's own lock: a passkey whose PRF extension (WebAuthn, section 10.1.4) gives a secret that wraps the
// seed, beside the passphrase. The passkey signs nobody in: its secret never leaves the device.

import { type Bytes, concat, hex, unhex, utf8 } from "../ledger/bytes";

export interface PasskeySealed {
  readonly credential: string;
  readonly salt: string;
  readonly iv: string;
  readonly box: string;
}

/** Whether the page may ask for a passkey at all: the device has a lock, and the page has a name and not an address. */
export async function passkeyPossible(): Promise<boolean> {
  if (!globalThis.PublicKeyCredential || /^[\d.]+$|^\[/.test(location.hostname)) return false;
  try {
    return await PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable();
  } catch {
    return false;
  }
}

async function keyOf(secret: BufferSource): Promise<CryptoKey> {
  const base = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveKey"]);
  return crypto.subtle.deriveKey({ name: "HKDF", hash: "SHA-256", salt: new Uint8Array(32), info: utf8("aqsha wallet passkey v1") }, base, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}

function bound(network: Uint8Array, publicKey: Uint8Array): Bytes {
  return concat(utf8("aqsha wallet v1\0"), network, publicKey);
}

async function secretOf(credential: Uint8Array, salt: Bytes): Promise<BufferSource | undefined> {
  const got = (await navigator.credentials.get({
    publicKey: {
      challenge: crypto.getRandomValues(new Uint8Array(32)),
      allowCredentials: [{ type: "public-key", id: concat(credential) }],
      userVerification: "required",
      extensions: { prf: { eval: { first: salt } } },
    },
  })) as PublicKeyCredential | null;
  return got?.getClientExtensionResults().prf?.results?.first;
}

/** Makes a passkey and wraps the seed; undefined when the person or the device says no, or the device has no such secret. */
export async function sealWithPasskey(seed: Uint8Array, network: Uint8Array, publicKey: Uint8Array, name: string): Promise<PasskeySealed | undefined> {
  const salt = crypto.getRandomValues(new Uint8Array(32));
  let made: PublicKeyCredential | null;
  try {
    made = (await navigator.credentials.create({
      publicKey: {
        challenge: crypto.getRandomValues(new Uint8Array(32)),
        rp: { name: "Aqsha" },
        user: { id: crypto.getRandomValues(new Uint8Array(16)), name, displayName: name },
        pubKeyCredParams: [
          { type: "public-key", alg: -8 },
          { type: "public-key", alg: -7 },
          { type: "public-key", alg: -257 },
        ],
        authenticatorSelection: { authenticatorAttachment: "platform", userVerification: "required", residentKey: "preferred" },
        extensions: { prf: { eval: { first: salt } } },
      },
    })) as PublicKeyCredential | null;
    if (!made?.getClientExtensionResults().prf?.enabled) return undefined;
    const credential = new Uint8Array(made.rawId);
    // Some devices tell the secret only when the passkey is used.
    const secret = made.getClientExtensionResults().prf?.results?.first ?? (await secretOf(credential, salt));
    if (!secret) return undefined;
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const box = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: bound(network, publicKey) }, await keyOf(secret), concat(seed));
    return { credential: hex(credential), salt: hex(salt), iv: hex(iv), box: hex(new Uint8Array(box)) };
  } catch {
    return undefined;
  }
}

/** The seed, when the device's lock opens it. */
export async function openWithPasskey(p: PasskeySealed, network: Uint8Array, publicKey: Uint8Array): Promise<Bytes | undefined> {
  try {
    const secret = await secretOf(unhex(p.credential), unhex(p.salt));
    if (!secret) return undefined;
    return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv: unhex(p.iv), additionalData: bound(network, publicKey) }, await keyOf(secret), unhex(p.box)));
  } catch {
    return undefined;
  }
}
