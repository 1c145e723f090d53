// Twelve cards, each about one question that people ask. Their texts are loaded when the page is.

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Language } from "../format";
import { language, t } from "../words";
import { CARDS, type Card } from "./learnlink";
import { Title } from "./parts";
import { go, params } from "./route";

export type Texts = Readonly<Record<Card, readonly string[]>>;

const LOAD: Record<Language, () => Promise<{ default: unknown }>> = {
  en: () => import("../words/learn.en.json"),
  kk: () => import("../words/learn.kk.json"),
  ru: () => import("../words/learn.ru.json"),
};

const texts = signal<{ of: Language; cards: Texts } | undefined>(undefined);
const lost = signal(false);

export function Learn() {
  const of = language.value;
  const asked = params.value.get("card") ?? "";
  const cards = texts.value?.of === of ? texts.value.cards : undefined;
  useEffect(() => {
    LOAD[of]().then(
      (m) => {
        texts.value = { of, cards: m.default as Texts };
        lost.value = false;
      },
      () => {
        lost.value = true;
      },
    );
  }, [of]);
  useEffect(() => {
    if (cards) document.getElementById(`card-${asked}`)?.querySelector<HTMLElement>("summary")?.focus();
  }, [asked, cards]);
  return (
    <>
      <Title text="nav.learn" />
      {lost.value && <p role="alert">{t("unreached")}</p>}
      {!cards && !lost.value && <p class="skeleton">{t("loading")}</p>}
      {cards &&
        CARDS.map((card) => (
          <details key={card} id={`card-${card}`} class="card" open={card === asked}>
            <summary>
              <b>{t(`learn.${card}`)}</b>
            </summary>
            {cards[card].map((text) => (
              <p key={text}>{text}</p>
            ))}
          </details>
        ))}
      <p class="acts">
        <button onClick={() => go("home")}>{t("back")}</button>
      </p>
    </>
  );
}
