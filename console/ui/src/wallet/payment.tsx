import { useState } from "preact/hooks";
import { type AmountProblem, ends, money, parseAmount } from "../format";
import { unhex } from "../ledger/bytes";
import { language, t, wordsOf } from "../words";
import { Refusal, Unreached, isRule } from "./client";
import { Field, Form, Later, Title } from "./parts";
import { type PaymentRequest, checkRequest, formatRequest, parseRequest } from "./request";
import { go, requested } from "./route";
import type { PaymentRecord } from "./store";
import { balance, history, network, pay, record } from "./state";

const scanner = () => import("./scanner").then((m) => m.Scanner);
const code = () => import("./code").then((m) => m.Code);

/** Whom a text names: a request in a code or link, or a wallet's number. */
function payeeOf(text: string): PaymentRequest {
  const plain = text.trim();
  if (/^[0-9a-f]{32}$/.test(plain)) return { network: record.value!.network, to: plain };
  return parseRequest(plain);
}

interface Draft {
  readonly payee: string;
  readonly amount: bigint;
  readonly memo: string;
}

export function Pay() {
  const [draft, setDraft] = useState<Draft | undefined>(undefined);
  const [verdict, setVerdict] = useState<PaymentRecord | undefined>(undefined);
  if (verdict) return <Verdict payment={verdict} />;
  if (draft) return <Confirm draft={draft} back={() => setDraft(undefined)} done={setVerdict} />;
  return <Order chosen={setDraft} />;
}

function Order({ chosen }: { chosen: (d: Draft) => void }) {
  const [to, setTo] = useState(() => {
    const brought = requested.value;
    requested.value = "";
    return brought;
  });
  const [amount, setAmount] = useState("");
  const [memo, setMemo] = useState("");
  const [scanning, setScanning] = useState(false);
  const [problems, setProblems] = useState<{ to?: string; amount?: string }>({});
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
            checkRequest(request, unhex(record.value!.network), network.value?.timeMillis ?? Date.now());
          } catch (error) {
            return setProblems({ to: isRule(error) && error.code !== "request-unknown" ? wordsOf(error.code) : t("pay.bad-payee") });
          }
          if (request.to === record.value?.wallet) return setProblems({ to: t("pay.self") });
          const parsed: bigint | AmountProblem = request.amount ?? parseAmount(amount);
          if (typeof parsed === "string") return setProblems({ amount: t(parsed) });
          setProblems({});
          chosen({ payee: request.to, amount: parsed, memo: request.reference ?? memo.trim() });
        }}
        other={
          <button type="button" onClick={() => setScanning(true)}>
            {t("pay.scan")}
          </button>
        }
      >
        <Field label="pay.to" value={to} change={setTo} problem={problems.to} />
        {asked?.amount === undefined ? (
          <Field label="pay.amount" value={amount} change={setAmount} decimal problem={problems.amount} />
        ) : (
          <p class="big">{money(asked.amount, language.value)}</p>
        )}
        {asked?.reference === undefined ? <Field label="pay.memo" value={memo} change={(m) => setMemo(cut(m))} /> : <p>{asked.reference}</p>}
      </Form>
    </>
  );
}

/** A memo has 256 bytes in UTF-8. */
function cut(text: string): string {
  let short = text;
  while (new TextEncoder().encode(short).length > 256) short = [...short].slice(0, -1).join("");
  return short;
}

function Confirm({ draft, back, done }: { draft: Draft; back: () => void; done: (p: PaymentRecord) => void }) {
  const [code, setCode] = useState<string | undefined>(undefined);
  const amount = money(draft.amount, language.value);
  const left = balance.value && balance.value.tiyn - draft.amount;
  return (
    <>
      <Title text="pay.check" />
      <dl class="card">
        <dt>{t("pay.payee")}</dt>
        <dd class="id">{ends(draft.payee)}</dd>
        <dt>{t("pay.amount")}</dt>
        <dd class="big">{amount}</dd>
        {draft.memo !== "" && (
          <>
            <dt>{t("pay.memo")}</dt>
            <dd>{draft.memo}</dd>
          </>
        )}
        <dt>{t("pay.after")}</dt>
        <dd>{left === undefined ? t("unknown") : left < 0n ? wordsOf("insufficient-funds") : money(left, language.value)}</dd>
      </dl>
      {code !== undefined && <Refused code={code} />}
      <Form
        button={t("pay.confirm", { amount })}
        submit={async () => {
          setCode(undefined);
          try {
            done(await pay(draft));
          } catch (error) {
            if (!(error instanceof Refusal || error instanceof Unreached)) throw error;
            setCode(error instanceof Refusal ? error.code : "unreached");
          }
        }}
        other={
          <button type="button" onClick={back}>
            {t("back")}
          </button>
        }
      >
        {null}
      </Form>
    </>
  );
}

function Refused({ code }: { code: string }) {
  return (
    <div class="card refused" role="alert">
      <b>{wordsOf(code)}</b>
      <p>{t("refusal.nothing")}</p>
      <p class="dim">{t("refusal.code", { code })}</p>
    </div>
  );
}

function Verdict({ payment }: { payment: PaymentRecord }) {
  const amount = money(BigInt(payment.amount), language.value);
  return (
    <>
      <Title text="pay.receipt" />
      {payment.state === "done" ? (
        <div class="card done" role="status">
          <p class="big">{t("pay.done", { amount })}</p>
          <p class="id dim">{payment.id}</p>
        </div>
      ) : (
        <Refused code={payment.code ?? ""} />
      )}
      <p class="acts">
        <button class="first" onClick={() => go("home")}>
          {t("nav.home")}
        </button>
      </p>
    </>
  );
}

export function Ask() {
  const [amount, setAmount] = useState("");
  const [reference, setReference] = useState("");
  const [request, setRequest] = useState<PaymentRequest | undefined>(undefined);
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const [copied, setCopied] = useState(false);
  const r = record.value!;
  if (request) {
    const link = formatRequest(request, `${location.origin}/wallet/`);
    const paid = history.value?.find((l) => l.net === request.amount && l.memo === request.reference && request.reference !== undefined);
    const label = request.amount === undefined ? t("ask.any") : t("ask.code", { amount: money(request.amount, language.value) });
    return (
      <>
        <Title text="ask.title" />
        <p>{t("ask.about")}</p>
        <Later load={code} props={{ text: formatRequest(request), label }} />
        <p class="big">{request.amount === undefined ? t("ask.any") : money(request.amount, language.value)}</p>
        <p class="id" data-testid="request">
          {link}
        </p>
        <p role="status">{paid ? t("ask.paid", { amount: money(paid.net, language.value) }) : copied ? t("ask.copied") : ""}</p>
        <p class="acts">
          <button class="first" onClick={() => void navigator.clipboard.writeText(link).then(() => setCopied(true))}>
            {t("ask.copy")}
          </button>
          <button onClick={() => setRequest(undefined)}>{t("back")}</button>
        </p>
      </>
    );
  }
  return (
    <>
      <Title text="ask.title" />
      <Form
        button={t("next")}
        submit={async () => {
          const parsed = amount.trim() === "" ? undefined : parseAmount(amount);
          if (typeof parsed === "string") return setProblem(t(parsed));
          setRequest({ network: r.network, to: r.wallet!, ...(parsed !== undefined && { amount: parsed }), ...(reference.trim() !== "" && { reference: reference.trim() }) });
        }}
      >
        <Field label="pay.amount" value={amount} change={setAmount} decimal problem={problem} />
        <Field label="pay.memo" value={reference} change={(text) => setReference(text.slice(0, 32))} />
      </Form>
    </>
  );
}
