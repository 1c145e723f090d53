import { useEffect, useState } from "preact/hooks";
import { csv, decimal, download } from "../csv";
import { dayIn, ends, fullDate, money, parseAmount, stamp, time } from "../format";
import { counted, language, t } from "../words";
import type { HistoryLine } from "./client";
import { asked, ask, attendDesk, delegation, deskNetwork, deskWallet, endDelegation, lines, look, over } from "./desk";
import { Cells, Columns, GivenTwice, quotedMemo } from "./lines";
import { Field, Form, Later, type Problem, Title } from "./parts";
import { formatRequest } from "./request";
import { address, go, requested } from "./route";
import { connected, learnPurpose, nodeNow, purposeName } from "./state";
import { against } from "./unsaved";
import { type Asked, type Day as DayBook, type Standing, dayOf, isReference, newReference, partOf, payerOf, refundMemo, refunded, standing } from "./tillbook";

const code = () => import("./code").then((m) => m.Code);
/** Payments are heard at once; this is for when nothing can be heard. */
const EVERY = 5_000;
const keys = () => ["1", "2", "3", "4", "5", "6", "7", "8", "9", language.value === "en" ? "." : ",", "0", "⌫"];

export function Till() {
  const [open, setOpen] = useState<Asked | undefined>(undefined);
  useEffect(() => {
    if (over.value) return; // nothing is answered any more
    void look();
    const timer = setInterval(() => void look(), EVERY);
    const end = attendDesk();
    return () => {
      clearInterval(timer);
      end();
    };
  }, [delegation.value, over.value]);
  if (over.value) return <Over />;
  return open ? <Counter key={open.reference} asked={open} back={() => setOpen(undefined)} /> : <Pad open={setOpen} />;
}

function Over() {
  return (
    <>
      <Title text="till.title" />
      <p role="alert">{t("till.over")}</p>
      <p class="acts">
        <button onClick={() => void endDelegation()}>{t("till.forget")}</button>
      </p>
    </>
  );
}

/** The amount, by fingers or keyboard. */
function Pad({ open }: { open: (a: Asked) => void }) {
  const [text, setText] = useState("");
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  return (
    <>
      <Title text="till.title" />
      {delegation.value && (
        <p class="dim">
          {t("pay.payee")} <span class="id">{ends(delegation.value.wallet)}</span>
        </p>
      )}
      {!connected.value && (
        <p class="warn" role="status">
          {t("till.offline")}
        </p>
      )}
      <Form
        button={t("till.ask")}
        submit={async () => {
          const amount = parseAmount(text);
          if (typeof amount === "string") return setProblem(amount);
          if (!delegation.value && against(amount) !== undefined) return setProblem({ said: () => against(amount) ?? "" });
          const next: Asked = { reference: newReference(), amount, made: Date.now() };
          await ask(next);
          open(next);
        }}
      >
        <Field label="pay.amount" value={text} change={setText} decimal problem={problem} />
        <div class="pad" role="group" aria-label={t("till.pad")}>
          {keys().map((k) => (
            <button key={k} type="button" aria-label={k === "⌫" ? t("till.delete") : k} onClick={() => setText((old) => (k === "⌫" ? old.slice(0, -1) : old + k))}>
              {k}
            </button>
          ))}
        </div>
      </Form>
      <GivenTwice lines={lines.value ?? []} />
      <Day open={open} />
      {delegation.value && (
        <p class="acts">
          <button onClick={() => void endDelegation()}>{t("till.forget")}</button>
        </p>
      )}
    </>
  );
}

/** What is asked for now. It turns green only when a payment with this reference is durable. */
function Counter({ asked: a, back }: { asked: Asked; back: () => void }) {
  const s = standing(a, lines.value ?? []);
  const rest = a.amount - s.paid;
  const request = formatRequest({ network: deskNetwork.value, to: deskWallet.value, amount: rest > 0n ? rest : a.amount, reference: a.reference });
  const amount = money(a.amount, language.value);
  const last = s.payments.filter((p) => p.net > refunded(p, lines.value ?? [])).at(-1);
  return (
    <>
      <Title text="till.title" />
      <div class={s.state === "paid" ? "card done" : s.state === "over" ? "card note" : "card"} role="status" data-testid="till-state">
        {s.state === "paid" && <p class="big good">{t("till.paid", { amount })}</p>}
        {s.state === "less" && <p class="big">{t("till.less", { left: money(s.paid, language.value), amount })}</p>}
        {s.state === "part" && <p class="big warn">{t("till.part", { paid: money(s.paid, language.value), rest: money(rest, language.value) })}</p>}
        {s.state === "over" && <p class="big warn">{t(s.twice ? "till.twice" : "till.more", { paid: money(s.paid, language.value), over: money(-rest, language.value) })}</p>}
        {s.state === "open" && <p class="big">{amount}</p>}
        {s.state === "back" && <p class="big">{t("till.refunded", { amount: money(s.given, language.value) })}</p>}
        {s.given > 0n && s.state !== "back" && <p data-testid="given">{givenText(s)}</p>}
        <p class="dim">{a.reference}</p>
      </div>
      {(s.state === "open" || s.state === "part") && <Later key={request} load={code} props={{ text: request, label: t("ask.code", { amount: money(rest, language.value) }) }} />}
      {!connected.value && (
        <p class="warn" role="alert">
          {t("till.offline")}
        </p>
      )}
      <GivenTwice lines={lines.value ?? []} />
      {s.payments.map((p) => (
        <Payment key={p.id} payment={p} most={s.state === "over" && p === last && -rest < p.net - refunded(p, lines.value ?? []) ? -rest : undefined} />
      ))}
      <p class="acts">
        <button class={s.state === "paid" ? "first" : ""} onClick={back}>
          {t("till.next")}
        </button>
      </p>
    </>
  );
}

/** What was given back of what came, and what stays. */
export function givenText(s: Standing): string {
  return t("till.given", { given: money(s.given, language.value), left: money(s.paid, language.value) });
}

/** A payment that came, and its refund, which only the wallet's own device can sign. */
function Payment({ payment, most }: { payment: HistoryLine; most: bigint | undefined }) {
  const back = refunded(payment, lines.value ?? []);
  const to = payerOf(payment, deskWallet.value);
  const left = payment.net - back;
  const due = most ?? left;
  const { came } = payment;
  useEffect(() => void (came && learnPurpose(came.from)), [came?.from]);
  return (
    <div class="card">
      <p>
        {time(payment.millis, language.value)}, {money(payment.net, language.value)}
      </p>
      {back > 0n && <p class="dim">{t("till.refunded", { amount: money(back, language.value) })}</p>}
      {came && (
        <p class="dim" data-testid="marked">
          {t("till.marked", { purpose: purposeName(came.from) })} {left > 0n && came.becomes === 0 && t("till.marked-back")}
        </p>
      )}
      {left > 0n && to !== undefined && !delegation.value && (
        <>
          <p class="acts">
            <button onClick={() => giveBack(payment, to, due)}>{t("till.refund", { amount: money(due, language.value) })}</button>
          </p>
          <Part left={left} give={(amount) => giveBack(payment, to, amount)} />
        </>
      )}
      {left > 0n && delegation.value && <p class="dim">{t("till.owner")}</p>}
    </div>
  );
}

/** Goes on to the payment that gives back, where it is looked at and signed. */
function giveBack(payment: HistoryLine, to: string, amount: bigint): void {
  requested.value = formatRequest({ network: deskNetwork.value, to, amount, reference: refundMemo(payment) });
  go("pay");
}

/** A part of a payment, which the shopkeeper says. What is left of it is looked up in the ledger again before it is signed. */
function Part({ left, give }: { left: bigint; give: (amount: bigint) => void }) {
  const [text, setText] = useState("");
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  return (
    <details>
      <summary>{t("till.part-back")}</summary>
      <Form
        button={t("next")}
        submit={async () => {
          const amount = partOf(text, left);
          if (amount === "too-much") return setProblem({ said: () => t("till.part-most", { left: money(left, language.value) }) });
          if (typeof amount === "string") return setProblem(amount);
          give(amount);
        }}
      >
        <Field label="till.part-sum" values={{ left: money(left, language.value) }} value={text} change={setText} decimal problem={problem} />
      </Form>
    </details>
  );
}

function Day({ open }: { open: (a: Asked) => void }) {
  if (!lines.value) return <p class="skeleton">{t(connected.value ? "loading" : "unknown")}</p>;
  const today = dayIn(nodeNow());
  const day = dayOf(lines.value, today, dayIn);
  const rows = [...day.sales, ...day.refunds].sort((a, b) => (a.index < b.index ? 1 : -1));
  const unpaid = asked.value.filter((a) => dayIn(a.made) === today && ["open", "part"].includes(standing(a, lines.value ?? []).state));
  return (
    <section>
      <h2>{t("till.day")}</h2>
      <p class="printed">
        {fullDate(nodeNow(), language.value)}, <span class="id">{deskWallet.value}</span>
      </p>
      <p class="big" data-testid="day">
        {money(day.received - day.given, language.value)}
      </p>
      <p class="dim">{t("till.sum", { sales: counted("till.sales", day.sales.length), given: money(day.given, language.value) })}</p>
      {day.others.length > 0 && (
        <p class="dim" data-testid="day-others">
          {othersText(day)}
        </p>
      )}
      <Columns />
      <ul class="lines">
        {unpaid.map((a) => (
          <li key={a.reference}>
            <span class="icon" aria-hidden="true">
              …
            </span>
            <button class="link" onClick={() => open(a)}>
              {a.reference}, {time(a.made, language.value)}
            </button>
            <span class="amount">{money(a.amount, language.value)}</span>
          </li>
        ))}
        {rows.map((l) => (
          <li key={l.id}>
            <span class="icon" aria-hidden="true">
              {l.net > 0n ? "↓" : "↑"}
            </span>
            <span>
              <button class="link" disabled={l.net < 0n} onClick={() => open({ reference: l.memo, amount: asked.value.find((a) => a.reference === l.memo)?.amount ?? l.net, made: l.millis })}>
              {l.net > 0n ? l.memo : t("till.back", { reference: soldAs(lines.value?.find((p) => refundMemo(p) === l.memo)) })}, {time(l.millis, language.value)}
              </button>
              <Cells line={l} own={deskWallet.value} />
            </span>
            <span class="amount">{money(l.net, language.value)}</span>
          </li>
        ))}
      </ul>
      <p class="acts">
        <button disabled={rows.length + day.others.length === 0} onClick={() => download(`aqsha-till-${today}.csv`, "text/csv", table(rows, day))}>
          {t("history.csv")}
        </button>
        <button disabled={rows.length === 0} onClick={() => print()}>
          {t("save.print")}
        </button>
        {!delegation.value && (
          <a class="button" href={address("safety")} onClick={(e) => (e.preventDefault(), go("safety"))}>
            {t("till.cashier")}
          </a>
        )}
      </p>
    </section>
  );
}

/** What a payment is called at the till: by the till's own reference, or by what its payer wrote, as words of his. */
export const soldAs = (payment: HistoryLine | undefined) => (payment === undefined ? "" : isReference(payment.memo) ? payment.memo : quotedMemo(payment));

/** What came today without a till's code, which the day's sum leaves out. */
export function othersText(day: DayBook): string {
  return t("till.others", { payments: counted("till.sales", day.others.length), amount: money(day.otherwise, language.value) });
}

export function table(rows: readonly HistoryLine[], day: DayBook): string {
  const head = [t("csv.time"), t("csv.memo"), t("csv.other"), t("csv.amount"), t("csv.id"), t("csv.entry")];
  return csv([head, ...rows.map((l) => [stamp(l.millis), l.memo, payerOf(l, deskWallet.value) ?? "", decimal(l.net, language.value), l.id, String(l.index)]), ...(day.others.length > 0 ? [["", t("till.others-row"), "", decimal(day.otherwise, language.value), "", ""]] : [])], language.value);
}
