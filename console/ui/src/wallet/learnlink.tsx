import { useId } from "preact/hooks";
import { type Key, known, t } from "../words";
import { address, go } from "./route";

/** The cards of Learn, in the order in which they are read. */
export const CARDS = ["what", "bank", "sees", "marked", "final", "secrets", "lost", "second", "fraud", "pyramid", "offline", "proof"] as const;
export type Card = (typeof CARDS)[number];

/** A link to a card from where its question arises. */
export function LearnLink({ card }: { card: Card }) {
  const query = { card };
  return (
    <p>
      <a
        href={address("learn", query)}
        onClick={(e) => {
          e.preventDefault();
          go("learn", query);
        }}
      >
        {t(`learn.${card}`)}
      </a>
    </p>
  );
}

/** The words that are explained where they stand. */
export const TERMS = ["passphrase", "recovery", "second", "number", "marked", "proof", "limit", "cashier"] as const;
export type Term = (typeof TERMS)[number];

/** A sign beside a word, which tells by key, tap or click what the word means. It closes by Escape and by a tap elsewhere; the focus
 * goes back by itself, as the browser's popovers do. */
export function What({ term }: { term: Term }) {
  const id = useId();
  const text: Key | undefined = known(`term.${term}`) ? (`term.${term}` as Key) : undefined;
  if (text === undefined) return null;
  return (
    <>
      <button type="button" class="what" popovertarget={id} aria-label={t("term.what", { term: t(`term-name.${term}`) })}>
        ?
      </button>
      <span id={id} popover="auto" class="tip" role="note">
        <b>{t(`term-name.${term}`)}</b>
        <br />
        {t(text)}
      </span>
    </>
  );
}
