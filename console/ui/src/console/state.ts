// Who is signed in, where the page is, and what was loaded.

import { signal } from "@preact/signals";
import { type Json, Refusal, ask } from "./api";

export const PAGES = ["overview", "sign-in", "account", "staff", "audit"] as const;
export type Page = (typeof PAGES)[number];

export const page = signal<Page>("overview");
export const params = signal<URLSearchParams>(new URLSearchParams());

/** The one-time link that the address brought; it is taken out of the address at once. */
export const link = signal("");

export interface Passkey {
  readonly id: string;
  readonly name: string;
  readonly site: string;
  readonly madeMillis: number;
}

export interface Account {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly string[];
  readonly bank: string;
  readonly passkeys: readonly Passkey[];
  readonly endedMillis: number;
  readonly demo: boolean; // of the demo: it signs in on no other network
  readonly part: string; // the demo's role that it is
}

/** Somebody of the story of a development network, whom this browser is to be: the address of a link says so. */
export const wanted = signal("");

/** Who is signed in; undefined while that is not known, null for nobody. */
export const account = signal<Account | null | undefined>(undefined);

export interface Network {
  readonly name: string;
  readonly open: boolean;
}
export const network = signal<Network | undefined>(undefined);

export function accountOf(a: Json): Account {
  return {
    id: String(a.id),
    name: String(a.name),
    roles: (a.roles as string[]).map(String),
    bank: String(a.bank ?? ""),
    passkeys: (a.passkeys as Json[]).map((p) => ({ id: String(p.id), name: String(p.name ?? ""), site: String(p.site ?? ""), madeMillis: Number(p.made_millis ?? 0) })),
    endedMillis: Number(a.ended_millis ?? 0),
    demo: a.demo === true,
    part: String(a.part ?? ""),
  };
}

export function address(to: Page): string {
  return to === "overview" ? "/" : `/${to}`;
}

function read(): void {
  page.value = PAGES.find((p) => address(p) === location.pathname) ?? "overview";
  const query = new URLSearchParams(location.search);
  wanted.value = query.get("as") ?? "";
  if (query.has("as")) {
    query.delete("as");
    history.replaceState(null, "", location.pathname + (query.size === 0 ? "" : `?${query}`) + location.hash);
  }
  params.value = query;
  if (location.hash.startsWith("#network=")) location.replace(`/explorer${location.hash}`); // codes that were printed lead to /
  if (location.hash.startsWith("#join?")) {
    link.value = location.hash.slice("#join?".length);
    history.replaceState(null, "", "/sign-in"); // not for the next who looks at this browser
    page.value = "sign-in";
  }
}

export function startRoutes(): void {
  read();
  addEventListener("popstate", read);
  addEventListener("hashchange", read);
}

export function go(to: Page): void {
  history.pushState(null, "", address(to));
  read();
  scrollTo(0, 0);
}

/** Changes what the page's address says of its list, without a step back of its own. */
export function setParam(name: string, value: string): void {
  const next = new URLSearchParams(params.value);
  if (value === "") next.delete(name);
  else next.set(name, value);
  params.value = next;
  history.replaceState(null, "", address(page.value) + (next.size === 0 ? "" : `?${next}`));
}

/** Looks again whenever the person comes back to the page: others act meanwhile. */
export function onReturn(look: () => void, at: EventTarget = globalThis): () => void {
  at.addEventListener("focus", look);
  return () => at.removeEventListener("focus", look);
}

const SIGNED_IN = "aqsha-signed-in";

/** Notes that somebody has signed in with this browser: the session itself no script sees. */
export function noteSignedIn(): void {
  localStorage.setItem(SIGNED_IN, "1");
}

/** Asks who is signed in. Nobody is no fault; a node that does not answer is one, and what was known stays. */
export async function whoAmI(): Promise<void> {
  if (localStorage.getItem(SIGNED_IN) === null) {
    account.value = null; // nobody has signed in with this browser: it need not be asked
    return;
  }
  try {
    account.value = accountOf(((await ask("/v1/staff/session")) as { account: Json }).account);
    noteSignedIn();
  } catch (error) {
    if (error instanceof Refusal && error.status === 401) localStorage.removeItem(SIGNED_IN);
    if (error instanceof Refusal) account.value = null;
    else account.value ??= null;
  }
}

export async function loadNetwork(): Promise<void> {
  const n = (await ask("/v1/network")) as Json;
  network.value = { name: String(n.name), open: n.open === true };
}

/** Whether who is signed in sees a page. The node decides what is answered; this is what is offered. */
export function offered(to: Page): boolean {
  const roles = account.value?.roles ?? [];
  switch (to) {
    case "staff":
      return roles.includes("administrator");
    case "audit":
      return ["administrator", "auditor", "authority"].some((r) => roles.includes(r));
    case "account":
      return account.value != null;
    case "sign-in":
      return account.value === null;
  }
  return true;
}
