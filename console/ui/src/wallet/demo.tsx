// On the story's own network, which is for development alone, a browser may be one of its people. A wallet that somebody has made
// here himself is never put aside for that.

import { useEffect, useState } from "preact/hooks";
import { unhex } from "../ledger/bytes";
import { signal } from "@preact/signals";
import { type Key, t } from "../words";
import type { DemoRole } from "./client";
import { Title } from "./parts";
import { wanted } from "./route";
import { client, lock, make, network, record, take, theStore } from "./state";

/** What opens the wallet of one of the story's people again on this device: it guards nothing. */
const PASSPHRASE = "demonstration";

const KINDS: Readonly<Record<string, Key>> = { shop: "demo.shop", business: "demo.business", office: "demo.office" };

const roles = signal<readonly DemoRole[] | undefined>(undefined);

async function look(): Promise<void> {
  if (roles.value === undefined && network.value?.open) roles.value = await client.demoRoles().catch(() => []);
}

/** Noted while one of the story's people moves in: what a page that was closed meanwhile has left is nobody's own wallet. */
const MOVING = "aqsha-demo-moving";

function holdsOwn(list: readonly DemoRole[]): boolean {
  const r = record.value;
  return localStorage.getItem(MOVING) === null && r !== undefined && !list.some((one) => one.wallet === r.wallet);
}

/** Takes the place of whoever of the story was here before. */
async function become(name: string): Promise<void> {
  const { seed, wallet } = await client.demoKey(name);
  lock();
  client.useToken("");
  localStorage.setItem(MOVING, name);
  await theStore().empty();
  await make(unhex(seed, 32), PASSPHRASE, true);
  await take(wallet);
  localStorage.removeItem(MOVING);
  wanted.value = "";
}

function Choose({ of }: { of: readonly DemoRole[] }) {
  const [busy, setBusy] = useState(false);
  return (
    <p class="acts">
      {of.map((r) => (
        <button
          key={r.name}
          disabled={busy}
          onClick={() => {
            setBusy(true);
            void become(r.name).finally(() => setBusy(false));
          }}
        >
          <span class="quoted">{r.name}</span>: {t(KINDS[r.kind] ?? "demo.person")}
        </button>
      ))}
    </p>
  );
}

/** The story's people, where there are any: below what the page is for. */
export function Roles() {
  useEffect(() => void look(), [network.value]);
  const list = roles.value ?? [];
  if (list.length === 0 || holdsOwn(list)) return null;
  return (
    <section class="card" aria-label={t("demo.title")}>
      <h2>{t("demo.title")}</h2>
      <p>{t("demo.about", { passphrase: PASSPHRASE })}</p>
      <Choose of={list} />
    </section>
  );
}

/** A link of the story leads to the page of one of its people. */
export function Wanted() {
  useEffect(() => void look(), [network.value]);
  const list = roles.value;
  const role = list?.find((r) => r.name === wanted.value);
  useEffect(() => {
    if (role && record.value?.wallet === role.wallet) wanted.value = ""; // who is wanted is here
  }, [role, record.value]);
  return (
    <>
      <Title text="demo.title" />
      {!list ? (
        <p class="skeleton" role="status">
          {t("loading")}
        </p>
      ) : !role ? (
        <p role="alert">{t("demo.nobody")}</p>
      ) : holdsOwn(list) ? (
        <p role="alert">{t("demo.own")}</p>
      ) : (
        <>
          <p>{t("demo.about", { passphrase: PASSPHRASE })}</p>
          <Choose of={[role]} />
        </>
      )}
    </>
  );
}
