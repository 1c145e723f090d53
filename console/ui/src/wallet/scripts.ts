// The scripts that a page of the wallet starts beside itself, and no other: a service worker, the one that stretches passphrases
// and the one that has the key.

import keeper from "./keeper.ts?worker&url";
import stretcher from "./stretcher.ts?worker&url";

export const SERVICE_WORKER = "/wallet/sw.js";
export const STRETCHER = stretcher;
export const KEEPER = keeper;

interface Policy {
  createScriptURL(url: string): string;
}
interface TrustedTypes {
  createPolicy(name: string, rules: Policy): Policy;
}

let policy: Policy | undefined;

/** A script's address as the browser wants it said (W3C Trusted Types): the page makes no other script of a text. */
export function scriptAddress(url: string): string {
  if (url !== SERVICE_WORKER && url !== STRETCHER && url !== KEEPER) throw new TypeError(`${url} is no script of this page`);
  const types = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes;
  policy ??= types ? types.createPolicy("aqsha", { createScriptURL: (u) => u }) : { createScriptURL: (u) => u };
  return policy.createScriptURL(url);
}
