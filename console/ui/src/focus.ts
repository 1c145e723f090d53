// Where the focus goes when what had it is taken away: a line of a list that was ended, a note that was closed. A browser gives it to the
// page as a whole then, and who goes by the keyboard or hears the page begins at its top.

/** What of a place can take the focus instead: the line that folds it, or its heading. */
const INSTEAD = "summary, h1[tabindex], h2[tabindex]";

/** The first place for the focus around where it was, from the inside out. */
export function placeIn(around: readonly Element[]): HTMLElement | undefined {
  for (const place of around) {
    const found = place.isConnected ? place.querySelector<HTMLElement>(INSTEAD) : null;
    if (found) return found;
  }
  return undefined;
}

/** Keeps the focus within a page from now on. */
export function keepFocus(page: HTMLElement): void {
  let had: Element | undefined;
  let around: readonly Element[] = [];
  page.addEventListener("focusin", (e) => {
    had = e.target as Element;
    const places: Element[] = [];
    for (let at = had.parentElement; at && page.contains(at); at = at.parentElement) places.push(at);
    around = places; // while it still has them
  });
  new MutationObserver(() => {
    if (!had || had.isConnected || document.activeElement !== document.body) return;
    had = undefined;
    placeIn(around)?.focus();
  }).observe(page, { childList: true, subtree: true });
}
