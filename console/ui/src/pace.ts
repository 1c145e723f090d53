// When a page does what: the first picture comes whole where what it shows is there at once, and what nobody waits for comes after it.

/** How long a page waits for what it shows before it says that it loads. */
const SKELETON_AFTER = 150; // milliseconds
/** After so long what can wait is done, however busy the page is. */
const IDLE_AT_LATEST = 3_000;

/** Ends with what is awaited, whether or not it came to be, or when a person begins to wonder. */
export async function soonOr(awaited: Promise<unknown>): Promise<void> {
  await Promise.race([awaited.catch(() => {}), new Promise((done) => setTimeout(done, SKELETON_AFTER))]);
}

/** Does something when the page has been painted and nothing else is to be done. */
export function whenIdle(work: () => void): void {
  if ("requestIdleCallback" in globalThis) requestIdleCallback(work, { timeout: IDLE_AT_LATEST });
  else setTimeout(work, 500); // Safari has none
}
