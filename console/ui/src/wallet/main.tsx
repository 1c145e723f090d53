import { render } from "preact";
import { LANGUAGES, type Language } from "../format";
import { choose, language, t } from "../words";
import { First, Locked, Unregistered } from "./first";
import { Home, Safety } from "./home";
import { Ask, Pay } from "./payment";
import { type Page, go, page, startRoutes } from "./route";
import { fault, network, phase, start, started, touch } from "./state";
import "./wallet.css";

const NAMES: Record<Language, string> = { kk: "Қазақша", ru: "Русский", en: "English" };
const TABS: readonly Page[] = ["home", "pay", "ask", "safety"];

function Body() {
  if (fault.value) return <p role="alert">{t(fault.value)}</p>;
  if (!started.value) return <p class="skeleton">{t("loading")}</p>;
  switch (phase.value) {
    case "none":
      return <First />;
    case "locked":
      return <Locked />;
    case "unregistered":
      return <Unregistered />;
  }
  switch (page.value) {
    case "pay":
      return <Pay />;
    case "ask":
      return <Ask />;
    case "safety":
      return <Safety />;
  }
  return <Home />;
}

function App() {
  return (
    <div onPointerDown={touch} onKeyDown={touch}>
      <header>
        <b>Aqsha</b>
        <span class="dim">{network.value?.name}</span>
        <label>
          <span class="hidden">{t("language")}</span>
          <select value={language.value} onChange={(e) => choose(e.currentTarget.value as Language)}>
            {LANGUAGES.map((l) => (
              <option key={l} value={l} lang={l}>
                {NAMES[l]}
              </option>
            ))}
          </select>
        </label>
      </header>
      <main>
        <Body />
      </main>
      {phase.value === "open" && (
        <nav aria-label={t("app")}>
          {TABS.map((p) => (
            <a
              key={p}
              href={p === "home" ? "/wallet/" : `/wallet/${p}`}
              aria-current={page.value === p ? "page" : undefined}
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

startRoutes();
choose(language.value);
void start();
render(<App />, document.getElementById("app")!);
