// Passkeys of staff (WebAuthn Level 3): the device verifies the person and signs the node's challenge. Which extensions a device
// has does not matter: nothing here is encrypted with it.

import { type Bytes, hex, unhex } from "../ledger/bytes";
import { type Json, Refusal, ask } from "./api";
import { account } from "./state";

/** What a passkey is used for; the node takes the answer for nothing else. */
export type Purpose = "join" | "sign-in" | "confirm" | "add-passkey";

/** Why this page can use no passkey, as the key of a text; undefined when it can. */
export function hindrance(): "passkey.address" | "passkey.insecure" | "passkey.none" | undefined {
  if (/^[\d.]+$|^\[/.test(location.hostname)) return "passkey.address";
  if (!globalThis.isSecureContext) return "passkey.insecure";
  return globalThis.PublicKeyCredential ? undefined : "passkey.none";
}

/** The person or the device said no. */
export class Declined extends Error {}

const bytes = (buffer: ArrayBuffer | null): string => hex(new Uint8Array(buffer ?? new ArrayBuffer(0)));

async function challengeFor(purpose: Purpose, link?: string): Promise<Json> {
  return (await ask("/v1/staff/challenges", "POST", { purpose, ...(link !== undefined && { link }) })) as Json;
}

async function offered(pick: () => Promise<Credential | null>): Promise<PublicKeyCredential> {
  try {
    const got = await pick();
    if (got) return got as PublicKeyCredential;
  } catch {
    // The reasons are one to the page, by the standard's own intent (14.5.1).
  }
  throw new Declined("no passkey");
}

/** Makes a passkey on this device for a challenge. */
async function make(c: Json, name: string): Promise<Json> {
  const id = (text: unknown): Bytes => unhex(String(text));
  const made = await offered(() =>
    navigator.credentials.create({
      publicKey: {
        challenge: id(c.challenge),
        rp: { id: String(c.site), name: "Aqsha" },
        user: { id: id(c.account), name, displayName: name },
        pubKeyCredParams: [-8, -7, -257].map((alg) => ({ type: "public-key" as const, alg })),
        excludeCredentials: (c.exclude as string[]).map((one) => ({ type: "public-key" as const, id: id(one) })),
        authenticatorSelection: { residentKey: "required", userVerification: "required" },
        attestation: "none",
      },
    }),
  );
  const answer = made.response as AuthenticatorAttestationResponse;
  return { challenge: c.challenge, passkey: { id: bytes(made.rawId), client_data: bytes(answer.clientDataJSON), object: bytes(answer.attestationObject) } };
}

/** Uses a passkey of this device for a challenge. */
async function use(c: Json): Promise<Json> {
  const used = await offered(() => navigator.credentials.get({ publicKey: { challenge: unhex(String(c.challenge)), rpId: String(c.site), userVerification: "required" } }));
  const answer = used.response as AuthenticatorAssertionResponse;
  return {
    challenge: c.challenge,
    passkey: {
      id: bytes(used.rawId),
      client_data: bytes(answer.clientDataJSON),
      authenticator: bytes(answer.authenticatorData),
      signature: bytes(answer.signature),
      account: bytes(answer.userHandle),
    },
  };
}

/** Makes an account with a one-time link, and signs in. */
export async function join(link: string, name: string): Promise<Json> {
  const c = await challengeFor("join", link);
  return (await ask("/v1/staff/accounts", "POST", { link, name, ...(await make(c, name)) })) as Json;
}

export async function signIn(): Promise<Json> {
  return (await ask("/v1/staff/sessions", "POST", await use(await challengeFor("sign-in")))) as Json;
}

export async function confirm(): Promise<Json> {
  return (await ask("/v1/staff/session/confirmations", "POST", await use(await challengeFor("confirm")))) as Json;
}

/** Signs in as a role of the demo's staff, which the demo's own network lets everybody be. */
export async function play(role: string): Promise<Json> {
  return (await ask(`/v1/staff/demo/${encodeURIComponent(role)}`, "POST", {})) as Json;
}

/** Does a privileged act; when the node wants a fresh passkey for it, asks for that and does it again. */
export async function privileged(act: () => Promise<unknown>): Promise<unknown> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== "confirm-first") throw error;
    const part = account.value?.part ?? "";
    await (part === "" ? confirm() : play(part)); // a role of the demo has no passkey: it is chosen again
    return act();
  }
}

/** Gives the account that is signed in another passkey. */
export async function add(name: string, account: string): Promise<void> {
  await privileged(async () => {
    const c = await challengeFor("add-passkey");
    await ask("/v1/staff/session/passkeys", "POST", { name, ...(await make(c, account)) });
  });
}
