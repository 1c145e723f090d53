import { t } from "../words";
import { explain } from "../words/refusals";
import { type About, factsOf } from "./facts";
import { type Card, LearnLink } from "./learnlink";
import { type Page, go } from "./route";

/** The card that answers what a refusal makes people ask. */
const CARDS: Readonly<Record<string, Card>> = {
  marked: "marked",
  "wrong-mark": "marked",
  "purpose-forbids": "marked",
  "hops-used": "marked",
  "insufficient-funds": "marked",
  "rekey-pending": "lost",
  "sign-in-refused": "lost",
  "wallet-moved": "lost",
  "token-not-live": "final",
  expired: "offline",
  unreached: "offline",
  "draft-recovery": "second",
  "draft-key": "secrets",
  "request-foreign": "fraud",
};

/** The page on which something can be done about it. */
const PLACES: Readonly<Record<string, Page & ("safety" | "pay")>> = { "rekey-pending": "safety", "sign-in-refused": "safety", "request-over": "pay" };

function under<T>(table: Readonly<Record<string, T>>, code: string): T | undefined {
  return Object.hasOwn(table, code) ? table[code] : undefined;
}

/** A refusal: what happened, whether money moved, why, what can be done, and the code to quote. */
export function Refused({ code, about = {} }: { code: string; about?: About }) {
  const { title, money, means, todo } = explain(code);
  const card = under(CARDS, code);
  const place = under(PLACES, code);
  return (
    <div class="card refused" role="alert">
      <b>{title}</b>
      <p>{money}</p>
      {factsOf(code, about).map((fact) => (
        <p key={fact}>{fact}</p>
      ))}
      {means !== undefined && <p>{means}</p>}
      {todo !== undefined && <p>{todo}</p>}
      {place && (
        <p class="acts">
          <button type="button" onClick={() => go(place)}>
            {t(`nav.${place}`)}
          </button>
        </p>
      )}
      {card && <LearnLink card={card} />}
      <p class="dim quoted">{t("refusal.code", { code })}</p>
    </div>
  );
}
