import { useEffect, useState } from "preact/hooks";
import { date, ends, money, time } from "../format";
import { type Key, language, t } from "../words";
import { Recovery } from "./first";
import { Field, Form, Title } from "./parts";
import { go } from "./route";
import type { HistoryLine } from "./client";
import type { PaymentRecord } from "./store";
import { asOf, balance, connected, history, lock, payments, record, refresh, seedWith } from "./state";

const EVERY = 5_000;

export function Home() {
  useEffect(() => {
    void refresh();
    const timer = setInterval(() => void refresh(), EVERY);
    return () => clearInterval(timer);
  }, []);
  const b = balance.value;
  return (
    <>
      <h1 class="hidden" tabIndex={-1}>
        {t("nav.home")}
      </h1>
      <section class="card">
        <p class="dim">{t("home.available")}</p>
        <p class="big" data-testid="balance">
          {b ? money(b.tiyn, language.value) : <span class="skeleton">{t("unknown")}</span>}
        </p>
        {asOf.value !== undefined && (
          <p class={connected.value ? "dim" : "dim warn"} role={connected.value ? undefined : "status"}>
            {t(connected.value ? "home.asof" : "home.stale", { time: time(asOf.value, language.value) })}
          </p>
        )}
        {asOf.value === undefined && !connected.value && <p class="warn">{t("unreached")}</p>}
      </section>
      {record.value?.recoverySaved === false && (
        <p class="note">
          {t("home.save")} <button onClick={() => go("safety")}>{t("safety.code")}</button>
        </p>
      )}
      <p class="acts">
        <button class="first" onClick={() => go("pay")}>
          {t("nav.pay")}
        </button>
        <button onClick={() => go("ask")}>{t("ask.title")}</button>
      </p>
      <History />
    </>
  );
}

function History() {
  const lines = history.value;
  const waiting = payments.value.filter((p) => p.state !== "done");
  return (
    <section>
      <h2>{t("home.history")}</h2>
      {lines === undefined && waiting.length === 0 ? (
        <p class="skeleton">{t("loading")}</p>
      ) : lines?.length === 0 && waiting.length === 0 ? (
        <p>{t("home.empty")}</p>
      ) : (
        <ul class="lines">
          {waiting.map((p) => (
            <Waiting key={p.id} payment={p} />
          ))}
          {lines?.map((l) => <Line key={String(l.index)} line={l} />)}
        </ul>
      )}
    </section>
  );
}

const WORDS: Record<PaymentRecord["state"], Key> = { prepared: "line.pending", refused: "line.refused", lapsed: "line.lapsed", done: "line.paid" };
const ICONS: Record<PaymentRecord["state"], string> = { prepared: "…", refused: "✕", lapsed: "✕", done: "↑" };

function Waiting({ payment }: { payment: PaymentRecord }) {
  return (
    <li>
      <span class="icon" aria-hidden="true">
        {ICONS[payment.state]}
      </span>
      <span>
        <b>{payment.memo || ends(payment.payee)}</b>
        <br />
        <span class="dim">
          {t(WORDS[payment.state])}, {time(payment.made, language.value)}
        </span>
      </span>
      <span class="amount">{money(-BigInt(payment.amount), language.value)}</span>
    </li>
  );
}

function Line({ line }: { line: HistoryLine }) {
  const own = record.value?.wallet ?? "";
  const other = line.parties.find((p) => p !== own);
  const word: Key = line.kind === "" ? "line.system" : line.net > 0n ? "line.received" : line.net < 0n ? "line.paid" : "line.own";
  return (
    <li>
      <span class="icon" aria-hidden="true">
        {line.net > 0n ? "↓" : line.net < 0n ? "↑" : "·"}
      </span>
      <span>
        <b>{line.memo || (other === undefined ? t(word) : ends(other))}</b>
        <br />
        <span class="dim">
          {t(word)}, {date(line.millis, language.value)}, {time(line.millis, language.value)}
        </span>
      </span>
      <span class={line.net > 0n ? "amount good" : "amount"}>{line.net > 0n ? `+${money(line.net, language.value)}` : money(line.net, language.value)}</span>
    </li>
  );
}

export function Safety() {
  const [passphrase, setPassphrase] = useState("");
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const [seed, setSeed] = useState<Awaited<ReturnType<typeof seedWith>>>(undefined);
  if (seed) {
    return (
      <Recovery
        seed={seed}
        done={() => {
          seed.fill(0);
          setSeed(undefined);
        }}
      />
    );
  }
  return (
    <>
      <Title text="safety.title" />
      <section class="card">
        <h2>{t("safety.number")}</h2>
        <p class="id">{record.value?.wallet}</p>
      </section>
      <section class="card">
        <h2>{t("safety.code")}</h2>
        <Form
          button={t("safety.code")}
          submit={async () => {
            const opened = await seedWith(passphrase);
            setPassphrase("");
            setProblem(opened ? undefined : t("open.wrong"));
            setSeed(opened);
          }}
        >
          <Field label="open.passphrase" type="password" autocomplete="current-password" value={passphrase} change={setPassphrase} problem={problem} />
        </Form>
      </section>
      <section class="card">
        <h2>{t("safety.sees")}</h2>
        <ul class="plain">
          <li>{t("safety.bank")}</li>
          <li>{t("safety.public")}</li>
          <li>{t("safety.page")}</li>
        </ul>
      </section>
      <p class="acts">
        <button onClick={lock}>{t("safety.lock")}</button>
      </p>
    </>
  );
}
