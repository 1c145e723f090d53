// Server-sent events read from a response: the browser's own EventSource sends no authorisation. One tab of a browser holds the
// connection and tells the others, since a browser has six to one address.

import { parse } from "../json";

const MOST_PENDING = 4 << 20; // characters of an event that has not ended

/** Reads a stream of events (HTML, section 9.2) until it ends. */
export async function readEvents(body: ReadableStream<Uint8Array>, heard: (id: string, event: string, data: unknown) => void): Promise<void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += decoder.decode(value, { stream: true });
    if (text.length > MOST_PENDING) throw new Error("an event without end");
    for (let at = text.indexOf("\n\n"); at >= 0; at = text.indexOf("\n\n")) {
      tell(text.slice(0, at), heard);
      text = text.slice(at + 2);
    }
  }
}

function tell(event: string, heard: (id: string, event: string, data: unknown) => void): void {
  const fields = new Map<string, string>();
  for (const line of event.split("\n")) {
    const at = line.indexOf(":");
    if (at <= 0) continue; // a comment: the heartbeat
    const name = line.slice(0, at);
    const value = line.slice(at + 1).replace(/^ /, "");
    fields.set(name, name === "data" && fields.has(name) ? `${fields.get(name)}\n${value}` : value);
  }
  const data = fields.get("data");
  if (data !== undefined) heard(fields.get("id") ?? "", fields.get("event") ?? "message", parse(data));
}

export interface Listener {
  /** Opens the stream after the last id and reads it until it ends. */
  readonly open: (last: string, signal: AbortSignal, heard: (id: string, event: string) => void) => Promise<void>;
  /** Something happened, here or in another tab. */
  readonly heard: (event: string) => void;
  readonly pause: (millis: number) => Promise<void>;
  /** The stream ended, of whichever tab had it. */
  readonly ended: () => void;
}

const ENDED = ""; // no event is called so
const LEAST_PAUSE = 500;
const MOST_PAUSE = 15_000;

/** Listens as long as the signal lets it: this tab holds the stream, or waits until the one that does ends. A page that is left lets
 * go of it at once, also when the browser keeps the page to come back to. */
export function listen(name: string, listener: Listener, signal: AbortSignal): void {
  const channel = new BroadcastChannel(name);
  channel.onmessage = (e: MessageEvent<unknown>) => {
    if (e.data === ENDED) listener.ended();
    else if (typeof e.data === "string") listener.heard(e.data);
  };
  let shown = new AbortController();
  const begin = () => {
    shown = new AbortController();
    const { signal: until } = shown;
    void navigator.locks.request(name, { signal: until }, () => lead(listener, channel, until)).catch(() => {});
  };
  const hide = () => shown.abort();
  const show = (e: PageTransitionEvent) => {
    if (e.persisted) begin();
  };
  addEventListener("pagehide", hide);
  addEventListener("pageshow", show);
  signal.addEventListener("abort", () => {
    hide();
    channel.close();
    removeEventListener("pagehide", hide);
    removeEventListener("pageshow", show);
  });
  begin();
}

/** Holds the stream, and opens it again whenever it ends. */
async function lead(listener: Listener, channel: BroadcastChannel, until: AbortSignal): Promise<void> {
  let last = "";
  let pause = LEAST_PAUSE;
  while (!until.aborted) {
    try {
      await listener.open(last, until, (id, event) => {
        if (id !== "") last = id;
        pause = LEAST_PAUSE;
        listener.heard(event);
        channel.postMessage(event);
      });
    } catch {
      // the next attempt says more; what was missed comes after the last id
    }
    if (until.aborted) return;
    listener.ended();
    channel.postMessage(ENDED);
    await listener.pause(pause);
    pause = Math.min(2 * pause, MOST_PAUSE);
  }
}
