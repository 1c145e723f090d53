// Looks at the node that many things ask for: one at a time, and at most one behind it.

/** So long a look may take before the next one begins beside it: an answer may never come. */
const MOST = 20_000;

/** Does a work once for all who ask while it waits. Who asks while it is being done gets the next turn: he sees what was after he asked. */
export function inTurn(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const begin = (): Promise<void> => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((done) => (timer = setTimeout(done, MOST)));
    const turn = Promise.race([work(), late]).finally(() => {
      clearTimeout(timer);
      running = undefined;
    });
    return (running = turn);
  };
  return () => {
    if (!running) return begin();
    next ??= running
      .catch(() => {}) // whoever asked for that one hears of it
      .then(() => {
        next = undefined;
        return running ?? begin(); // one that began after this was asked for will do
      });
    return next;
  };
}

/** At most one call in so many milliseconds, the last of them included: many events are one look. */
export function paced(work: () => void, millis: number): () => void {
  let waits = false;
  let last = -Infinity;
  const run = () => {
    waits = false;
    last = performance.now();
    work();
  };
  return () => {
    if (waits) return;
    const left = last + millis - performance.now();
    if (left <= 0) return run();
    waits = true;
    setTimeout(run, left);
  };
}
