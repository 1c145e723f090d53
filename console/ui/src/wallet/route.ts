// The wallet's pages have addresses of their own, which the server answers alike. What a list shows (search, filter) stands in
// the address too, so that it can be kept, reloaded and sent.

import { signal } from "@preact/signals";

export const PAGES = ["home", "pay", "ask", "more", "history", "receipt", "rules", "drafts", "people", "till", "safety", "learn"] as const;
export type Page = (typeof PAGES)[number];
const BASE = "/wallet/";

function pageNow(): Page {
  const name = location.pathname.slice(BASE.length);
  return PAGES.find((p) => p === name) ?? "home";
}

export const page = signal<Page>("home");
export const params = signal<ReadonlyMap<string, string>>(new Map());

/** The request that the address brought, if any, as it is written in a code. */
export const requested = signal("");

/** The delegation that the address brought, with which this device becomes a till. */
export const delegated = signal("");

/** Somebody of the story whom the address wants to be here; see demo.tsx. */
export const wanted = signal("");

function read(): void {
  page.value = pageNow();
  const query = new URLSearchParams(location.search);
  const as = query.get("as");
  if (as !== null) {
    wanted.value = as;
    query.delete("as");
    window.history.replaceState(null, "", `${location.pathname}${query.size === 0 ? "" : `?${query}`}${location.hash}`);
  }
  params.value = new Map(query);
  if (location.hash.startsWith("#pay?")) {
    requested.value = `aqsha:${location.hash.slice(1)}`;
    window.history.replaceState(null, "", `${BASE}pay`); // a request is taken once
    page.value = "pay";
  } else if (location.hash.startsWith("#till?")) {
    delegated.value = location.hash.slice("#till?".length);
    window.history.replaceState(null, "", `${BASE}till`);
    page.value = "till";
  }
}

export function startRoutes(): void {
  read();
  addEventListener("popstate", read);
  addEventListener("hashchange", read);
}

export function address(to: Page, query: Record<string, string> = {}): string {
  const said = Object.entries(query).filter(([, v]) => v !== "");
  return (to === "home" ? BASE : BASE + to) + (said.length === 0 ? "" : `?${new URLSearchParams(said)}`);
}

/** Counts how often the page that is open was asked for once more. */
export const again = signal(0);

export function go(to: Page, query: Record<string, string> = {}): void {
  if (to === page.value) again.value++;
  const where = address(to, query);
  if (where === location.pathname + location.search) return;
  window.history.pushState(null, "", where);
  page.value = to;
  params.value = new Map(new URLSearchParams(location.search));
  scrollTo(0, 0);
  document.querySelector<HTMLElement>("h1")?.focus();
}

/** Changes what the page's address says of its list, without a step back of its own. */
export function setParam(name: string, value: string): void {
  const next = new Map(params.value);
  if (value === "") next.delete(name);
  else next.set(name, value);
  params.value = next;
  window.history.replaceState(null, "", address(page.value, Object.fromEntries(next)));
}
