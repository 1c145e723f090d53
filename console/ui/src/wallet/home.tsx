import { useEffect } from "preact/hooks";
import { date, money, time } from "../format";
import { type Key, language, t } from "../words";
import { explain } from "../words/refusals";
import { differenceInWords, factsOf, freeMoney } from "./facts";
import { LearnLink, What } from "./learnlink";
import { GivenTwice, Line, calledHere, quotedMemo } from "./lines";
import { Meaning } from "./meaning";
import { ELSEWHERE, listed, rowsOf } from "./outbox";
import { Refused } from "./refused";
import { address, go } from "./route";
import type { PaymentRecord } from "./store";
import { asOf, balance, cameBack, cancelWaiting, clockOff, connected, history, learnPurpose, marked, moved, payments, purposeName, purposeOf, record, refresh, toSign } from "./state";
import { most } from "./unsaved";

/** What happens is heard at once; this is for when nothing can be heard. */
const EVERY = 5_000;
/** A clock that is so far off is said: what is signed names a time. */
const CLOCK_SAID = 2 * 60_000;
const SHOWN = 10;

/** A time of today, or with its day. */
function when(millis: number): string {
  const at = time(millis, language.value);
  return date(millis, language.value) === date(Date.now(), language.value) ? at : `${date(millis, language.value)}, ${at}`;
}

/** Money that may be spent for its purpose only. */
function Marked({ purpose, sum }: { purpose: number; sum: bigint }) {
  useEffect(() => void learnPurpose(purpose), [purpose]);
  const about = purposeOf(purpose);
  return (
    <section class="card">
      <p class="dim">
        {t("home.marked", { name: purposeName(purpose) })} <What term="marked" />
      </p>
      <p class="big">{money(sum, language.value)}</p>
      <details>
        <summary>{t("home.where")}</summary>
        <Meaning purpose={purpose} otherwise={about && about.about !== "" ? about.about : t("home.where-unknown")} />
        <LearnLink card="marked" />
      </details>
    </section>
  );
}

/** What may be spent, and when that was so. */
function Money({ free }: { free: bigint | undefined }) {
  return (
    <section class="card">
      <p class="dim">{t("home.available")}</p>
      <p class="big" data-testid="balance">
        {free !== undefined ? money(free, language.value) : <span class="skeleton">{t("unknown")}</span>}
      </p>
      {asOf.value !== undefined && (
        <p class={connected.value ? "dim" : "dim warn"} role={connected.value ? undefined : "status"}>
          {t(connected.value ? "home.asof" : "home.stale", { time: when(asOf.value) })}
        </p>
      )}
      {asOf.value === undefined && !connected.value && <p class="warn">{t("unreached")}</p>}
    </section>
  );
}

export function Home() {
  useEffect(() => {
    void refresh();
    const timer = setInterval(() => void refresh(), EVERY);
    return () => clearInterval(timer);
  }, []);
  const b = balance.value;
  const free = freeMoney();
  const cap = most();
  return (
    <>
      <h1 class="hidden" tabIndex={-1}>
        {t("nav.home")}
      </h1>
      {moved.value ? (
        <>
          <Refused code="wallet-moved" />
          {asOf.value !== undefined && <p class="dim">{t("home.moved", { when: when(asOf.value) })}</p>}
        </>
      ) : (
        <Money free={free} />
      )}
      {[...marked.value].map(([purpose, sum]) => (
        <Marked key={purpose} purpose={purpose} sum={sum} />
      ))}
      {toSign.value > 0 && (
        <p class="note">
          {t("home.drafts")} <button onClick={() => go("drafts")}>{t("nav.drafts")}</button>
        </p>
      )}
      {b?.pending && (
        <p class="note">
          {t("home.pending")} <button onClick={() => go("safety")}>{t("nav.safety")}</button>
        </p>
      )}
      {Math.abs(clockOff.value) > CLOCK_SAID && <p class="note">{t("clock", { difference: differenceInWords(clockOff.value) })}</p>}
      {cameBack.value && (
        <p class="note" role="status">
          {t("backup.back")} <button onClick={() => (cameBack.value = false)}>{t("backup.seen")}</button>
        </p>
      )}
      {b?.frozen && <p class="note">{t("home.frozen")}</p>}
      {record.value?.recoverySaved === false && (
        <div class="note" role="status">
          <p>{b ? t("unsaved.risk", { sum: money(b.tiyn, language.value) }) : t("home.save")}</p>
          {cap !== undefined && <p>{t("unsaved.cap", { most: money(cap, language.value) })}</p>}
          <button onClick={() => go("safety")}>{t("safety.code")}</button>
        </div>
      )}
      {!moved.value && (
        <p class="acts">
          <button class="first" onClick={() => go("pay")}>
            {t("nav.pay")}
          </button>
          <button onClick={() => go("ask")}>{t("ask.title")}</button>
        </p>
      )}
      <GivenTwice lines={history.value ?? []} />
      <History />
    </>
  );
}

function History() {
  const lines = history.value;
  const waiting = listed(payments.value, lines ?? [], Date.now());
  return (
    <section>
      <h2>{t("home.history")}</h2>
      {lines === undefined && waiting.length === 0 ? (
        <p class="skeleton">{t("loading")}</p>
      ) : lines?.length === 0 && waiting.length === 0 ? (
        <p>{t("home.empty")}</p>
      ) : (
        <ul class="lines">
          {rowsOf(waiting, lines?.slice(0, SHOWN) ?? []).map((row) => ("net" in row ? <Line key={String(row.index)} line={row} /> : <Waiting key={row.id} payment={row} />))}
        </ul>
      )}
      {lines && lines.length > SHOWN && (
        <p>
          <a href={address("history")} onClick={(e) => (e.preventDefault(), go("history"))}>
            {t("home.all")}
          </a>
        </p>
      )}
    </section>
  );
}

const WORDS: Record<PaymentRecord["state"], Key> = { waiting: "line.waiting", prepared: "pay.unanswered", refused: "line.refused", lapsed: "line.lapsed", done: "line.paid" };
const ICONS: Record<PaymentRecord["state"], string> = { waiting: "◷", prepared: "…", refused: "✕", lapsed: "✕", done: "↑" };

function wordOf(payment: PaymentRecord): Key {
  if (moved.value && payment.state === "waiting") return "line.moved";
  return payment.code === ELSEWHERE ? "line.elsewhere" : WORDS[payment.state];
}

export function Waiting({ payment }: { payment: PaymentRecord }) {
  return (
    <li>
      <span class="icon" aria-hidden="true">
        {ICONS[payment.state]}
      </span>
      <span>
        <b>{calledHere(payment.payee)}</b>
        <br />
        {payment.memo !== "" && (
          <>
            <span class="dim">{quotedMemo(payment)}</span>
            <br />
          </>
        )}
        <span class="dim">
          {payment.state === "prepared" ? `${time(payment.made, language.value)}. ${t("pay.unanswered")}` : `${t(wordOf(payment))}, ${time(payment.made, language.value)}`}
        </span>
        {payment.code !== undefined && (
          <details>
            <summary>{explain(payment.code).title}</summary>
            {factsOf(payment.code, { amount: BigInt(payment.amount), payee: payment.payee, ...(payment.until !== undefined && { until: payment.until }) }).map((fact) => (
              <p key={fact}>{fact}</p>
            ))}
            {payment.code !== ELSEWHERE && <p>{explain(payment.code).money}</p>}
          </details>
        )}
        {payment.state === "waiting" && !moved.value && (
          <>
            <br />
            <button onClick={() => void cancelWaiting(payment.id)}>{t("line.take-back")}</button>
          </>
        )}
      </span>
      <span class="amount">{money(-BigInt(payment.amount), language.value)}</span>
    </li>
  );
}
