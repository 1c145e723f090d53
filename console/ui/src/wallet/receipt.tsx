import { useEffect, useState } from "preact/hooks";
import { download } from "../csv";
import { ends, fullDate, money, time } from "../format";
import type { Bytes } from "../ledger/bytes";
import { language, t } from "../words";
import { type ContractLine, type HistoryLine, Refusal, Unreached } from "./client";
import { whom } from "./facts";
import { isPayment } from "./kinds";
import { quotedMemo, wordOf } from "./lines";
import { LearnLink, What } from "./learnlink";
import { Form, Picture, Title } from "./parts";
import { nameOf } from "./private";
import { otherOf } from "./refund";
import { Refused } from "./refused";
import { go, params } from "./route";
import { bankOf, client, history, record, signedIn } from "./state";

type Verdict = { readonly holds: boolean; readonly size: bigint } | "unreached" | string;

/** Checks a file as anybody could, without the node that made it: by the second implementation of the rules. */
async function check(file: Bytes, network: string, id: string): Promise<{ holds: boolean; size: bigint }> {
  const { receipt } = await import("../../../../verify/js/proof.js");
  const shown = receipt(file, network);
  return { holds: shown !== undefined && shown.id === id, size: shown?.size ?? 0n };
}

export function ReceiptPage() {
  const id = params.value.get("id") ?? "";
  const own = record.value?.wallet ?? "";
  const [line, setLine] = useState<HistoryLine | undefined>(history.value?.find((l) => l.id === id));
  const [problem, setProblem] = useState<string | undefined>(undefined);
  useEffect(() => {
    if (line || !/^[0-9a-f]{64}$/.test(id)) return;
    signedIn((wallet) => client.line(wallet, id)).then(
      (found) => (found ? setLine(found) : setProblem("not-found")),
      (error: unknown) => setProblem(error instanceof Refusal ? error.code : "unreached"),
    );
  }, [id]);
  if (!/^[0-9a-f]{64}$/.test(id)) return <Missing code="not-found" />;
  if (!line) return problem === undefined ? <p class="skeleton">{t("loading")}</p> : <Missing code={problem} />;
  const other = otherOf(line, own);
  const absolute = line.net < 0n ? -line.net : line.net;
  return (
    <>
      <Title text="pay.receipt" />
      <dl class="card">
        <dt>{t(wordOf(line))}</dt>
        <dd class="big">{money(absolute, language.value)}</dd>
        <div class="printed">
          <dt>{t(line.net > 0n ? "receipt.to" : "receipt.from")}</dt>
          <dd>
            {(nameOf(own) ?? bankOf(own)) !== undefined && <b class="quoted">{nameOf(own) ?? bankOf(own)} </b>}
            <span class="id">{own}</span>
          </dd>
        </div>
        {other !== undefined && (
          <>
            <dt>{t(!isPayment(line) ? "rules.with" : line.net > 0n ? "receipt.from" : "receipt.to")}</dt>
            <dd>
              <Picture of={other} /> {(nameOf(other) ?? bankOf(other)) !== undefined && <b class="quoted">{nameOf(other) ?? bankOf(other)} </b>}
              <span class="id">{other}</span>
            </dd>
          </>
        )}
        {line.contract !== undefined && <OfContract id={line.contract} line={line} />}
        {line.memo !== "" && (
          <>
            <dt>{t("pay.memo")}</dt>
            <dd>{quotedMemo(line)}</dd>
          </>
        )}
        <dt>{t("receipt.when")}</dt>
        <dd>
          {fullDate(line.millis, language.value)}, {time(line.millis, language.value)}
        </dd>
        <dt>{t(isPayment(line) ? "receipt.number" : "receipt.entry")}</dt>
        <dd class="id">{line.id}</dd>
      </dl>
      <Proof line={line} />
      <p class="acts">
        <button onClick={() => print()}>{t("save.print")}</button>
        {other !== undefined && nameOf(other) === undefined && <SaveContact wallet={other} />}
        <button onClick={() => go("history")}>{t("back")}</button>
      </p>
    </>
  );
}

/** Where the money of a contract is: in it, until it pays somebody. What it did not pay may come back. */
function OfContract({ id, line }: { id: string; line: HistoryLine }) {
  const [now, setNow] = useState<ContractLine | "ended" | undefined>(undefined);
  useEffect(() => {
    signedIn((wallet) => client.contracts(wallet)).then((list) => setNow(list.find((c) => c.id === id) ?? "ended"), () => {}); // without a connection it is not said
  }, [id]);
  const sum = (tiyn: bigint) => money(tiyn, language.value);
  return (
    <>
      <dt>{t("receipt.contract")}</dt>
      <dd>
        <span class="id">{id}</span>
        {line.paidOut?.map((p, i) => (
          <p key={i}>{t("receipt.paid-out", { name: whom(p.wallet), sum: sum(p.amount) })}</p>
        ))}
        {line.kind !== "" && line.net < 0n && <p>{t("receipt.in-contract")}</p>}
        {now === "ended" && <p>{t("receipt.contract-over")}</p>}
        {typeof now === "object" && <p>{t("receipt.holds", { sum: sum(now.held) })}</p>}
        {typeof now === "object" && now.standing && <p>{t("receipt.may-take", { name: whom(now.standing.payee), sum: sum(now.standing.mayTake) })}</p>}
      </dd>
    </>
  );
}

function SaveContact({ wallet }: { wallet: string }) {
  return <button onClick={() => go("people", { wallet })}>{t("people.keep", { wallet: ends(wallet) })}</button>;
}

function Missing({ code }: { code: string }) {
  return (
    <>
      <Title text="pay.receipt" />
      <Refused code={code} />
      <p class="acts">
        <button onClick={() => go("history")}>{t("back")}</button>
      </p>
    </>
  );
}

function Proof({ line }: { line: HistoryLine }) {
  const [verdict, setVerdict] = useState<Verdict | undefined>(undefined);
  const file = () => signedIn(() => client.receiptFile(line.id));
  const guarded = async (work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Unreached || error instanceof Refusal)) throw error;
      setVerdict(error instanceof Refusal ? error.code : "unreached");
    }
  };
  return (
    <section class="card">
      <h2>
          {t("proof.title")} <What term="proof" />
        </h2>
        {line.net < 0n && <LearnLink card="proof" />}
      <p>{t(isPayment(line) ? "proof.about" : "proof.entry")}</p>
      {typeof verdict === "string" && <Refused code={verdict} />}
      {typeof verdict === "object" && (
        <p class={verdict.holds ? "good" : "problem"} role="status">
          {verdict.holds ? t(isPayment(line) ? "proof.holds" : "proof.entry-holds", { size: String(verdict.size) }) : t("proof.fails")}
        </p>
      )}
      <Form
        button={t("proof.check")}
        submit={() => guarded(async () => setVerdict(await check(await file(), record.value!.network, line.id)))}
        other={
          <button type="button" onClick={() => void guarded(async () => download(`receipt-${line.id.slice(0, 8)}.aqsha`, "application/cbor", await file()))}>
            {t("proof.file")}
          </button>
        }
      >
        {null}
      </Form>
    </section>
  );
}
