// The wallet on the home screen, without a connection, and its new versions: a service worker keeps the page's files, and a new
// version waits until the person takes it.

import { signal } from "@preact/signals";
import { SERVICE_WORKER, scriptAddress } from "./scripts";

interface InstallPrompt extends Event {
  prompt(): Promise<unknown>;
}

let asked: InstallPrompt | undefined;

/** The browser offers to put the wallet on the home screen. */
export const installable = signal(false);
/** Another version of the page's files is there than the one that runs. */
export const newer = signal(false);

export async function install(): Promise<void> {
  installable.value = false;
  await asked?.prompt();
}

let waiting: ServiceWorker | undefined;

/** Takes the new version: the page begins again with it. */
export function takeNewer(): void {
  waiting?.postMessage("take");
}

function watch(registration: ServiceWorkerRegistration): void {
  const look = (worker: ServiceWorker | null) => {
    if (!worker) return;
    const installed = () => {
      if (worker.state !== "installed" || !navigator.serviceWorker.controller) return;
      waiting = worker;
      newer.value = true;
    };
    worker.addEventListener("statechange", installed);
    installed();
  };
  look(registration.waiting);
  registration.addEventListener("updatefound", () => look(registration.installing));
}

export function startInstall(): void {
  addEventListener("beforeinstallprompt", (e) => {
    e.preventDefault();
    asked = e as InstallPrompt;
    installable.value = true;
  });
  const workers = navigator.serviceWorker as ServiceWorkerContainer | undefined;
  if (!workers) return;
  const before = workers.controller;
  workers.addEventListener("controllerchange", () => {
    if (before) location.reload();
  });
  workers.register(scriptAddress(SERVICE_WORKER), { scope: "/wallet/", updateViaCache: "none" }).then(watch, () => {
    // without a worker the wallet needs a connection, and says so
  });
}
