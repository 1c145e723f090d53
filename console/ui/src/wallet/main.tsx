import { effect, signal } from "@preact/signals";
import { render } from "preact";
import { LANGUAGES, type Language } from "../format";
import { choose, language, preferred, t } from "../words";
import { First, Locked } from "./first";
import { Home } from "./home";
import { delegated, type Page, go, page, startRoutes, wanted } from "./route";
import { delegation, startDesk, takeDelegation } from "./desk";
import { newer, startInstall, takeNewer } from "./install";
import { Later } from "./parts";
import { Pay } from "./payment";
import { More } from "./more";
import { keepFocus } from "../focus";
import { soonOr, whenIdle } from "../pace";
import { loadRefusals } from "../words/refusals";
import { connected, fault, lock, meet, network, phase, record, refresh, start, started, touch } from "./state";
import "./wallet.css";

const NAMES: Record<Language, string> = { kk: "Қазақша", ru: "Русский", en: "English" };
const TABS = ["home", "pay", "ask", "more"] as const satisfies readonly Page[];

const PARTS = {
  ask: () => import("./ask").then((m) => m.Ask),
  history: () => import("./history").then((m) => m.HistoryList),
  receipt: () => import("./receipt").then((m) => m.ReceiptPage),
  rules: () => import("./rules").then((m) => m.Rules),
  drafts: () => import("./drafts").then((m) => m.Drafts),
  people: () => import("./people").then((m) => m.People),
  till: () => import("./till").then((m) => m.Till),
  learn: () => import("./learn").then((m) => m.Learn),
  safety: () => import("./safety").then((m) => m.Safety),
};
const wantedRole = () => import("./demo").then((m) => m.Wanted);
const BANK = () => import("./bank").then((m) => m.Unregistered);
const badLink = signal(false);

function Body() {
  if (fault.value) return <p role="alert">{t(fault.value)}</p>;
  if (!started.value) return <p class="skeleton">{t("loading")}</p>;
  if (badLink.value) return <p role="alert">{t("till.bad-link")}</p>;
  if (page.value === "learn") return <Later key="learn" load={PARTS.learn} props={{}} />; // before there is a wallet, too
  if (wanted.value !== "" && network.value?.open) return <Later key="wanted" load={wantedRole} props={{}} />;
  if (delegation.value) return <Later load={PARTS.till} props={{}} />;
  switch (phase.value) {
    case "none":
      return <First />;
    case "locked":
      return <Locked />;
    case "unregistered":
      return <Later load={BANK} props={{}} />;
  }
  switch (page.value) {
    case "pay":
      return <Pay />;
    case "more":
      return <More />;
    case "home":
      return <Home />;
  }
  return <Later key={page.value} load={PARTS[page.value]} props={{}} />;
}

function App() {
  return (
    <div onPointerDown={touch} onKeyDown={touch}>
      <header>
        <b>Aqsha</b>
        <span class="dim">{network.value?.name}</span>
        <label>
          <span class="hidden">{t("language")}</span>
          <select value={language.value} onChange={(e) => void choose(e.currentTarget.value as Language)}>
            {LANGUAGES.map((l) => (
              <option key={l} value={l} lang={l}>
                {NAMES[l]}
              </option>
            ))}
          </select>
        </label>
      </header>
      {newer.value && (
        <p class="note" role="status">
          {t("newer")} <button onClick={takeNewer}>{t("newer.take")}</button>
        </p>
      )}
      <main>
        <Body />
      </main>
      {phase.value === "open" && !delegation.value && (
        <nav aria-label={t("app")}>
          {TABS.map((p) => (
            <a
              key={p}
              href={p === "home" ? "/wallet/" : `/wallet/${p}`}
              aria-current={page.value === p || (p === "more" && !(TABS as readonly Page[]).includes(page.value)) ? "page" : undefined}
              onClick={(e) => {
                e.preventDefault();
                go(p);
              }}
            >
              {t(`nav.${p}`)}
            </a>
          ))}
        </nav>
      )}
    </div>
  );
}

async function prepare(): Promise<void> {
  await start();
  if (!fault.value) await startDesk();
  if (!fault.value && delegated.value !== "") badLink.value = record.value !== undefined || !(await takeDelegation(delegated.value)); // a device with a wallet of its own is no till of another
  delegated.value = "";
  started.value = true;
}

startRoutes();
const prepared = prepare();
await Promise.all([choose(preferred()), soonOr(prepared)]);
const app = document.getElementById("app")!;
render(<App />, app);
keepFocus(app);
void prepared.then(() => (fault.value ? undefined : meet()));
startInstall();
whenIdle(() =>
  effect(() => {
    void language.value;
    loadRefusals().catch(() => {}); // a refusal has general words until then
  }),
);
addEventListener("pagehide", lock); // a browser may keep a page that was left, and with it the worker that has the key
addEventListener("online", () => void meet().then(refresh)); // which pays what waits
addEventListener("offline", () => {
  connected.value = false;
});
