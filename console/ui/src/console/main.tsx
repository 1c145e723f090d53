import { effect } from "@preact/signals";
import { render } from "preact";
import { LANGUAGES, type Language } from "../format";
import { choose, language, preferred, speakFrom, t } from "../words";
import { loadRefusals } from "../words/refusals";
import { Later } from "../wallet/parts";
import { keepFocus } from "../focus";
import { soonOr, whenIdle } from "../pace";
import { Overview, lookAhead } from "./overview";
import { Trouble } from "./parts";
import { Refusal } from "./api";
import { type Page, account, address, go, loadNetwork, network, offered, onReturn, page, startRoutes, wanted, whoAmI } from "./state";
import "./console.css";

const NAMES: Record<Language, string> = { kk: "Қазақша", ru: "Русский", en: "English" };
const NAV = ["overview", "staff", "audit", "account", "sign-in"] as const satisfies readonly Page[];

const PARTS = {
  "sign-in": () => import("./signin").then((m) => m.SignIn),
  account: () => import("./account").then((m) => m.AccountPage),
  staff: () => import("./staff").then((m) => m.StaffPage),
  audit: () => import("./audit").then((m) => m.AuditPage),
};

const wantedPage = () => import("./signin").then((m) => m.Wanted);

/** Why a page is not shown to who asks: nobody is signed in, or somebody who may not. */
function Barred({ to }: { to: Page }) {
  const nobody = account.value == null;
  return (
    <>
      <h1>{t(`nav.${to}`)}</h1>
      <Trouble error={nobody ? new Refusal(401, "sign-in-first") : new Refusal(403, "forbidden")} />
      {nobody && (
        <p class="acts">
          <a class="button" href="/sign-in" onClick={follow("sign-in")}>
            {t("nav.sign-in")}
          </a>
        </p>
      )}
    </>
  );
}

const follow = (to: Page) => (e: Event) => {
  e.preventDefault();
  go(to);
};

function Body() {
  const to = page.value;
  if (wanted.value !== "" && network.value?.open && account.value?.part !== wanted.value) return <Later key="wanted" load={wantedPage} props={{}} />;
  if (to === "overview") return <Overview />;
  if (account.value === undefined) {
    return (
      <p class="skeleton" role="status">
        {t("loading")}
      </p>
    );
  }
  if (to !== "sign-in" && !offered(to)) return <Barred to={to} />;
  return <Later key={to} load={PARTS[to]} props={{}} />;
}

function Shell() {
  return (
    <div class="console">
      <header>
        <b>Aqsha</b>
        <span class="dim">{network.value?.name}</span>
        {account.value && <span class="dim quoted">{account.value.name}</span>}
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
      <div class="shell">
        <nav aria-label={t("app")}>
          {NAV.filter(offered).map((p) => (
            <a key={p} href={address(p)} aria-current={page.value === p ? "page" : undefined} onClick={follow(p)}>
              {t(`nav.${p}`)}
            </a>
          ))}
          <a href="/explorer">{t("nav.explorer")}</a>
          <a href="/wallet/">{t("nav.wallet")}</a>
          <a href="/docs">{t("nav.docs")}</a>
        </nav>
        <main>
          {network.value?.open && <p class="note">{t("open")}</p>}
          {account.value?.demo && <p class="note">{t("demo.here")}</p>}
          <Body />
        </main>
      </div>
    </div>
  );
}

speakFrom({ en: () => import("../words/console.en.json"), kk: () => import("../words/console.kk.json"), ru: () => import("../words/console.ru.json") });
startRoutes();
const asked = [whoAmI(), loadNetwork(), ...(page.value === "overview" ? [lookAhead()] : [])];
await Promise.all([choose(preferred()), soonOr(Promise.allSettled(asked))]);
const app = document.getElementById("app")!;
render(<Shell />, app);
keepFocus(app);
onReturn(() => void whoAmI());
effect(() => {
  void language.value;
  document.title = `${t(`nav.${page.value}`)} · Aqsha`;
});
whenIdle(() =>
  effect(() => {
    void language.value;
    loadRefusals().catch(() => {}); // a refusal has general words until then
  }),
);
