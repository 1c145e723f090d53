// The worker that has the wallet's key while the wallet is open. It ends when it has forgotten the key, and with it all it knew.

import { type Order, KeyHolder } from "./keyholder";

const holder = new KeyHolder(
  {
    now: Date.now,
    later: (millis, work) => {
      const timer = setTimeout(work, millis);
      return () => clearTimeout(timer);
    },
  },
  (answer) => {
    postMessage(answer);
    if ("forgotten" in answer) close();
  },
);

addEventListener("message", (e: MessageEvent<Order>) => {
  holder.take(e.data).catch(() => {
    if ("n" in e.data) postMessage({ n: e.data.n }); // it signed nothing
  });
});
