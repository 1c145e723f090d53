import { useState } from "preact/hooks";
import { money, parseAmount } from "../format";
import { language, t } from "../words";
import { Field, Form, Later, type Problem, Title } from "./parts";
import { type PaymentRequest, formatRequest, refusedBy } from "./request";
import { history, record } from "./state";
import { against } from "./unsaved";
import { type Standing, standing } from "./tillbook";

const code = () => import("./code").then((m) => m.Code);

/** What came of what was asked for, as the till says it: part of it, all, too much, twice. */
function cameText(came: Standing, amount: bigint | undefined): string {
  const of = (tiyn: bigint) => money(tiyn, language.value);
  if (came.state === "back") return t("till.refunded", { amount: of(came.given) });
  if (amount !== undefined && came.state === "part") return t("till.part", { paid: of(came.paid), rest: of(amount - came.paid) });
  if (amount !== undefined && came.state === "over") return t(came.twice ? "till.twice" : "till.more", { paid: of(came.paid), over: of(came.paid - amount) });
  return t("ask.paid", { amount: of(came.paid) });
}

/** What the rule means to who asks: its own words speak to the payer, of a code. */
const beside = (code: string) => (code === "request-long" ? "ask.long" : "ask.hides");

/** The first 32 characters, none of them halved. */
const cut = (text: string) => [...text].slice(0, 32).join("");

export function Ask() {
  const [amount, setAmount] = useState("");
  const [reference, setReference] = useState("");
  const [request, setRequest] = useState<PaymentRequest | undefined>(undefined);
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  const [wrong, setWrong] = useState<Problem | undefined>(undefined); // with what it is for
  const [copied, setCopied] = useState(false);
  const r = record.value!;
  if (request) {
    const link = formatRequest(request, `${location.origin}/wallet/`);
    const came = request.reference === undefined ? undefined : standing({ reference: request.reference, amount: request.amount ?? 0n, made: 0 }, history.value ?? []);
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
        <p role="status" data-testid="came">
          {came && came.payments.length > 0 ? cameText(came, request.amount) : copied ? t("ask.copied") : ""}
        </p>
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
          setProblem(undefined);
          setWrong(undefined);
          if (typeof parsed === "string") return setProblem(parsed);
          const what = reference.trim();
          const of = { network: r.network, to: r.wallet! };
          const asked = { ...of, ...(parsed !== undefined && { amount: parsed }), ...(what && { reference: what }) };
          const refused = refusedBy(asked);
          if (refused?.field === "reference") return setWrong(beside(refused.code));
          if (refused) return setProblem({ code: refused.code });
          if (against(parsed) !== undefined) return setProblem({ said: () => against(parsed) ?? "" });
          setRequest(asked);
        }}
      >
        <Field label="pay.amount" value={amount} change={setAmount} decimal problem={problem} />
        <Field label="pay.memo" value={reference} change={(text) => setReference(cut(text))} problem={wrong} />
      </Form>
    </>
  );
}
