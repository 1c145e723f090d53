// The wallet's pages have addresses of their own, which the server answers alike.

import { signal } from "@preact/signals";

export type Page = "home" | "pay" | "ask" | "safety";
const PAGES: readonly Page[] = ["home", "pay", "ask", "safety"];
const BASE = "/wallet/";

function pageNow(): Page {
  const name = location.pathname.slice(BASE.length);
  return PAGES.find((p) => p === name) ?? (location.hash.startsWith("#pay?") ? "pay" : "home");
}

export const page = signal<Page>("home");

/** The request that the address brought, if any, as it is written in a code. */
export const requested = signal("");

function read(): void {
  page.value = pageNow();
  if (location.hash.startsWith("#pay?")) {
    requested.value = `aqsha:${location.hash.slice(1)}`;
    window.history.replaceState(null, "", `${BASE}pay`); // a request is taken once
    page.value = "pay";
  }
}

export function startRoutes(): void {
  read();
  addEventListener("popstate", read);
  addEventListener("hashchange", read);
}

export function go(to: Page): void {
  if (to === page.value) return;
  window.history.pushState(null, "", to === "home" ? BASE : BASE + to);
  page.value = to;
  document.querySelector<HTMLElement>("h1")?.focus();
}
