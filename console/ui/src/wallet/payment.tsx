import { useEffect, useState } from "preact/hooks";
import { type AmountProblem, ends, moment, money, parseAmount } from "../format";
import { unhex } from "../ledger/bytes";
import { language, t } from "../words";
import { explain } from "../words/refusals";
import { codeOf } from "./codeof";
import { lines } from "./desk";
import { Refusal, isRule } from "./client";
import { freeMoney } from "./facts";
import { LearnLink, What } from "./learnlink";
import { limitsNow } from "./limits";
import { GivenTwice, quotedMemo } from "./lines";
import { nowOf, spokenFor, unsettled } from "./outbox";
import { Choice, Field, Form, Later, Picture, type Problem, Title } from "./parts";
import { contacts, nameOf, settings } from "./private";
import { type Before, refundOf, refundedBy } from "./refund";
import { Refused } from "./refused";
import { type PaymentRequest, checkRequest, numberIn, parseRequest, saidCode } from "./request";
import { again, go, requested } from "./route";
import type { PaymentRecord } from "./store";
import { keepTyped, typedIn } from "./typed";
import { answered, asOf, client, connected, history, learnPurpose, marked, moved, nodeNow, pay, payments, purposeName, reach, record, refresh, signedIn, unanswered } from "./state";

const scanner = () => import("./scanner").then((m) => m.Scanner);

/** What is known here of what was paid to the wallet: a till reads further back. */
const received = () => [...(lines.value ?? []), ...(history.value ?? [])];

/** The purpose whose money goes back where a text asks for a refund of money that is marked still; "" for one's own. */
function purposeBack(text: string): string {
  try {
    const { reference } = payeeOf(text);
    const came = reference === undefined ? undefined : refundedBy(reference, received())?.came;
    return came && came.becomes !== 0 ? String(came.becomes) : "";
  } catch {
    return "";
  }
}

/** Whom a text names: a request in a code or link, or a wallet's number. */
function payeeOf(text: string): PaymentRequest {
  const number = numberIn(text);
  return number === undefined ? parseRequest(text) : { network: record.value!.network, to: number };
}

interface Draft {
  readonly payee: string;
  readonly amount: bigint;
  readonly memo: string;
  readonly until?: number;
  readonly purpose?: number; // whose money is paid; absent for one's own
  readonly once?: boolean; // a request, which names itself by a reference or its time
}

export function Pay() {
  const [draft, setDraft] = useState<Draft | undefined>(undefined);
  const [verdict, setVerdict] = useState<PaymentRecord | undefined>(undefined);
  const asked = again.value;
  useEffect(() => {
    if (!verdict) return; // what is being typed or paid stays
    setVerdict(undefined);
    setDraft(undefined);
  }, [asked]);
  if (verdict) return <Verdict payment={nowOf(verdict, payments.value, history.value)} />;
  if (draft) return <Confirm draft={draft} back={() => setDraft(undefined)} done={(p) => (keepTyped(""), setVerdict(p))} />;
  return <Order chosen={setDraft} />;
}

function Order({ chosen }: { chosen: (d: Draft) => void }) {
  const own = record.value?.wallet ?? "";
  const [begun] = useState(() => {
    const typed = typedIn(own, requested.value);
    requested.value = "";
    return typed;
  });
  const [to, setTo] = useState(begun.to);
  const [amount, setAmount] = useState(begun.amount);
  const [memo, setMemo] = useState(begun.memo);
  const [purpose, setPurpose] = useState(() => begun.purpose || purposeBack(to));
  useEffect(() => keepTyped(own, { to, amount, memo, purpose }));
  const [scanning, setScanning] = useState(false);
  const [problems, setProblems] = useState<{ to?: Problem; amount?: Problem }>({});
  let asked: PaymentRequest | undefined;
  try {
    asked = payeeOf(to);
  } catch {
    asked = undefined;
  }
  if (scanning) {
    return (
      <Later
        load={scanner}
        props={{
          found: (text) => {
            setTo(text);
            setScanning(false);
          },
          end: () => setScanning(false),
        }}
      />
    );
  }
  return (
    <>
      <Title text="pay.title" />
      <Form
        button={t("pay.check")}
        submit={async () => {
          let request: PaymentRequest;
          try {
            request = payeeOf(to);
            checkRequest(request, unhex(record.value!.network), nodeNow());
          } catch (error) {
            return setProblems({ to: isRule(error) && error.code !== "request-unknown" ? { code: saidCode(error) } : "pay.bad-payee" });
          }
          if (request.to === record.value?.wallet) return setProblems({ to: "pay.self" });
          const parsed: bigint | AmountProblem = request.amount ?? parseAmount(amount);
          if (typeof parsed === "string") return setProblems({ amount: parsed });
          if (request.reference === undefined && long(memo.trim())) return setProblems({}); // it stands beside the field
          setProblems({});
          chosen({ payee: request.to, amount: parsed, memo: request.reference ?? memo.trim(), ...(request.until !== undefined && { until: request.until }), ...(purpose !== "" && { purpose: Number(purpose) }), ...((request.reference ?? request.until) !== undefined && { once: true }) });
        }}
        other={
          <button type="button" onClick={() => setScanning(true)}>
            {t("pay.scan")}
          </button>
        }
      >
        {contacts.value.length > 0 && (
          <Choice names label="pay.contact" value={contacts.value.some((c) => c.wallet === to) ? to : ""} change={setTo} choices={[["", "–"], ...contacts.value.map((c) => [c.wallet, c.name] as const)]} />
        )}
        <Field label="pay.to" value={to} change={setTo} problem={problems.to} />
        {marked.value.size > 0 && (
          <Choice names label="pay.money" value={purpose} change={setPurpose} choices={[["", t("pay.own-money")], ...[...marked.value.keys()].map((n) => [String(n), purposeName(n)] as const)]} />
        )}
        {asked?.amount === undefined ? (
          <Field label="pay.amount" value={amount} change={setAmount} decimal problem={problems.amount} />
        ) : (
          <p class="big">{money(asked.amount, language.value)}</p>
        )}
        {asked?.reference === undefined ? <Field label="pay.memo" value={memo} change={setMemo} problem={long(memo) ? "pay.memo-long" : undefined} /> : <p>{quotedMemo({ memo: asked.reference })}</p>}
      </Form>
    </>
  );
}

/** A memo has 256 bytes in UTF-8. */
const long = (text: string) => new TextEncoder().encode(text).length > 256;

const ASK_EVERY = 5_000;
/** A payment that takes longer is said to be under way. */
const SAID_AFTER = 1_000;

/** Refusals after which the same payment can never be made: nothing is offered then but to go back. */
const ENDED: readonly string[] = ["refund-made", "refund-payee", "refund-unknown", "request-over"];

/** What may be done about a payment that is looked at: pay it, and whether that is once more. */
export function offered(code: string | undefined, before: Before | undefined): { readonly pay: boolean; readonly again: boolean } {
  const pay = code === undefined || !ENDED.includes(code);
  return { pay, again: pay && before !== undefined };
}

function Confirm({ draft, back, done }: { draft: Draft; back: () => void; done: (p: PaymentRecord) => void }) {
  const [code, setCode] = useState<string | undefined>(undefined);
  const [compared, setCompared] = useState(false);
  const [problem, setProblem] = useState(false);
  const [before, setBefore] = useState<Before | undefined>(undefined);
  const [anew, setAnew] = useState(false);
  const [freed, setFreed] = useState(false);
  const [becomes, setBecomes] = useState<number | undefined>(undefined);
  const look = () => answered(draft).then(setBefore);
  useEffect(() => void look(), [draft]);
  useEffect(() => {
    void refresh(); // what remains is of now, not of before
    void reach();
    const timer = setInterval(() => {
      if (draft.until !== undefined && nodeNow() >= draft.until) setCode("request-over"); // it ended while it was looked at
      void reach();
    }, ASK_EVERY);
    return () => clearInterval(timer);
  }, []);
  const came = refundedBy(draft.memo, received())?.came;
  const frees = code === "refund-marked" || (came !== undefined && (draft.purpose === undefined || becomes === 0)); // a refund of marked money that would make it free
  useEffect(() => void (came && learnPurpose(came.from)), [came?.from]);
  const amount = money(draft.amount, language.value);
  const name = nameOf(draft.payee);
  const strange = name === undefined && draft.amount >= settings.value.askAbove && !payments.value.some((p) => p.payee === draft.payee && p.state === "done");
  const free = draft.purpose === undefined ? freeMoney() : marked.value.get(draft.purpose);
  const [underway, setUnderway] = useState<{ readonly left: bigint | undefined; readonly slow: boolean } | undefined>(undefined);
  const left = underway ? underway.left : free === undefined ? undefined : free - spokenFor(payments.value, history.value ?? [], draft.purpose) - draft.amount; // what is being paid may be gone from it already
  const limits = draft.purpose === undefined ? limitsNow() : undefined; // marked money may have none: the ledger says
  const may = offered(code, before);
  const overDay = limits?.dayLeft !== undefined && draft.amount > limits.dayLeft;
  return (
    <>
      <Title text="pay.check" />
      <dl class="card">
        <dt>{t("pay.payee")}</dt>
        <dd>
          <Picture of={draft.payee} /> {name !== undefined && <b>{name} </b>}
          <span class="id">{strange ? draft.payee : ends(draft.payee)}</span>
        </dd>
        <dt>{t("pay.amount")}</dt>
        <dd class="big">{amount}</dd>
        {draft.purpose !== undefined && (
          <>
            <dt>{t("pay.money")}</dt>
            <dd>
              {purposeName(draft.purpose)} <May draft={draft} purpose={draft.purpose} refused={setCode} becomes={setBecomes} />
            </dd>
          </>
        )}
        {draft.memo !== "" && (
          <>
            <dt>{t("pay.memo")}</dt>
            <dd>{quotedMemo(draft)}</dd>
          </>
        )}
        <dt>{t("pay.after")}</dt>
        <dd data-testid="left">{left === undefined ? t("unknown") : left < 0n ? explain("insufficient-funds").title : money(left, language.value)}</dd>
        {limits?.dayLeft !== undefined && (
          <>
            <dt>
              {t("pay.day-left")} <What term="limit" />
            </dt>
            <dd>{money(limits.dayLeft, language.value)}</dd>
          </>
        )}
      </dl>
      {!connected.value && (
        <p class="warn" role="alert">
          {t("pay.no-node")} {asOf.value !== undefined && t("home.stale", { time: moment(asOf.value, language.value) })}
        </p>
      )}
      <LearnLink card="final" />
      {overDay && <p class="note">{t("pay.day-over", { left: money(limits!.dayLeft!, language.value) })}</p>}
      {code !== undefined && <Refused code={code} about={draft} />}
      {frees && (
        <p class="warn" role="alert">
          {t("refund.frees", { purpose: came ? purposeName(came.from) : "…" })}
        </p>
      )}
      {before && may.again && (
        <p class="note" role="alert">
          {t(before.waits ? "pay.waits-already" : refundOf(draft.memo) === undefined ? "pay.before" : "refund.before", { when: moment(before.millis, language.value) })}
        </p>
      )}
      {may.pay ? (
        <Form
          button={t("pay.confirm", { amount })}
          submit={async () => {
            if ((strange && !compared) || (may.again && !anew) || (frees && !freed)) return setProblem(true);
            setCode(undefined);
            setUnderway({ left, slow: false });
            const timer = setTimeout(() => setUnderway({ left, slow: true }), SAID_AFTER);
            try {
              done(await pay({ ...draft, once: draft.once === true && !anew, ...(frees && { freed: true }) }));
            } catch (error) {
              setCode(codeOf(error));
              await look(); // it may have been paid meanwhile, in another tab or on another phone
            } finally {
              clearTimeout(timer);
              setUnderway(undefined);
            }
          }}
          other={
            <button type="button" onClick={back}>
              {t("back")}
            </button>
          }
        >
          {strange && <LearnLink card="fraud" />}
          {strange && <LearnLink card="pyramid" />}
          {strange && (
            <p class="field">
              <label class="check">
                <input type="checkbox" checked={compared} aria-invalid={problem && !compared} onChange={(e) => setCompared(e.currentTarget.checked)} />
                <span>{t("pay.compared")}</span>
              </label>
              <span class="problem" role="alert">
                {problem && !compared ? t("pay.compare") : ""}
              </span>
            </p>
          )}
          {may.again && (
            <p class="field">
              <label class="check">
                <input type="checkbox" checked={anew} aria-invalid={problem && !anew} onChange={(e) => setAnew(e.currentTarget.checked)} />
                <span>{t("pay.again")}</span>
              </label>
              <span class="problem" role="alert">
                {problem && !anew ? t("pay.again-say") : ""}
              </span>
            </p>
          )}
          {frees && (
            <p class="field">
              <label class="check">
                <input type="checkbox" checked={freed} aria-invalid={problem && !freed} onChange={(e) => setFreed(e.currentTarget.checked)} />
                <span>{t("refund.frees-yes")}</span>
              </label>
              <span class="problem" role="alert">
                {problem && !freed ? t("refund.frees-say") : ""}
              </span>
            </p>
          )}
          <p role="status">{unanswered.value ? t("pay.unanswered") : underway?.slow ? t("pay.going") : ""}</p>
        </Form>
      ) : (
        <p class="acts">
          <button onClick={back}>{t("back")}</button>
        </p>
      )}
    </>
  );
}

/** Whether marked money may be paid here, before anything is signed. */
function May({ draft, purpose, refused, becomes }: { draft: Draft; purpose: number; refused: (code: string) => void; becomes: (purpose: number) => void }) {
  const [may, setMay] = useState(false);
  useEffect(() => {
    void learnPurpose(purpose);
    signedIn(() => client.mayPay(purpose, draft.payee, draft.amount)).then(
      (number) => {
        setMay(true);
        becomes(number);
      },
      (error: unknown) => {
        if (error instanceof Refusal) refused(error.code);
      },
    );
  }, [draft]);
  return <span role="status">{may ? t("pay.may") : ""}</span>;
}

/** What became of a payment, and goes on to become: one that waits is paid while its page is open. */
function Verdict({ payment }: { payment: PaymentRecord | undefined }) {
  const done = payment?.state === "done";
  return (
    <>
      <Title text={done ? "pay.receipt" : "pay.title"} />
      <div class={done ? "card done" : payment && !unsettled(payment) ? "" : "card note"} role="status">
        {payment ? <State payment={payment} /> : <p class="big">{t("pay.taken-back")}</p>}
      </div>
      <GivenTwice lines={history.value ?? []} />
      <p class="acts">
        <button class="first" onClick={() => go("home")}>
          {t("nav.home")}
        </button>
        {done && <button onClick={() => go("receipt", { id: payment.id })}>{t("pay.receipt")}</button>}
        {done && nameOf(payment.payee) === undefined && <button onClick={() => go("people", { wallet: payment.payee })}>{t("people.keep", { wallet: ends(payment.payee) })}</button>}
      </p>
    </>
  );
}

/** A payment's state in words: under one live region, which stays while the state changes. */
export function State({ payment }: { payment: PaymentRecord }) {
  const amount = money(BigInt(payment.amount), language.value);
  switch (payment.state) {
    case "done":
      return (
        <>
          <p class="big">{t("pay.done", { amount })}</p>
          <p class="id dim">{payment.id}</p>
        </>
      );
    case "waiting":
      if (moved.value) {
        return (
          <>
            <p class="big">{amount}</p>
            <p>{t("line.moved")}</p>
            <LearnLink card="lost" />
          </>
        );
      }
      return (
        <>
          <p class="big">{t("pay.waits", { amount })}</p>
          <p>{t(connected.value ? "pay.waits-soon" : "pay.waits-about")}</p>
          <LearnLink card="offline" />
        </>
      );
    case "prepared":
      return (
        <>
          <p class="big">{amount}</p>
          <p>{t("pay.unanswered")}</p>
        </>
      );
  }
  return <Refused code={payment.code ?? ""} about={{ amount: BigInt(payment.amount), payee: payment.payee, ...(payment.until !== undefined && { until: payment.until }) }} />;
}
