import { useEffect, useState } from "preact/hooks";
import { date, ends, money, time } from "../format";
import { unhex } from "../ledger/bytes";
import { actBody } from "../ledger/transaction";
import { language, t } from "../words";
import { explain } from "../words/refusals";
import { type ContractLine, type Definition, Refusal, type Step, Unreached } from "./client";
import { Meaning } from "./meaning";
import { Form, Title } from "./parts";
import { nameOf } from "./private";
import { Refused } from "./refused";
import { client, record, refresh, signedIn, submitOwn } from "./state";

/** What binds the wallet: contracts, standing debits, channels; and what the person may do about each. */
export function Rules() {
  const [list, setList] = useState<readonly ContractLine[] | undefined>(undefined);
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const read = async () => {
    try {
      setList(await signedIn((wallet) => client.contracts(wallet)));
      setProblem(undefined);
    } catch (error) {
      if (!(error instanceof Unreached || error instanceof Refusal)) throw error;
      setProblem(error instanceof Refusal ? error.code : "unreached");
    }
  };
  useEffect(() => void read(), []);
  return (
    <>
      <Title text="nav.rules" />
      <p>{t("rules.about")}</p>
      {problem !== undefined && <Refused code={problem} />}
      {list === undefined && problem === undefined && <p class="skeleton">{t("loading")}</p>}
      {list?.length === 0 && <p>{t("rules.none")}</p>}
      {list?.map((c) => <Contract key={c.id} contract={c} changed={read} />)}
    </>
  );
}

/** What a wallet is told of a step of its contract: nothing of those that are others'. */
export function said(step: Step): string | undefined {
  if (step.code === "wrong-caller") return undefined;
  const { action } = step;
  if (step.possible) return step.plain ? undefined : t("rules.more", { action });
  if (step.code === "too-early" && step.fromMillis > 0) return t("rules.from", { action, date: `${date(step.fromMillis, language.value)}, ${time(step.fromMillis, language.value)}` });
  return t("rules.not-now", { action, why: explain(step.code).title });
}

function Contract({ contract, changed }: { contract: ContractLine; changed: () => Promise<void> }) {
  const own = record.value?.wallet ?? "";
  const [definition, setDefinition] = useState<Definition | undefined>(undefined);
  const [code, setCode] = useState<string | undefined>(undefined);
  const [sure, setSure] = useState<Step | undefined>(undefined);
  const [steps, setSteps] = useState<readonly Step[]>([]);
  useEffect(() => {
    client.definition(contract.definition).then(setDefinition, () => {});
  }, [contract.definition]);
  useEffect(() => {
    signedIn(() => client.steps(contract.id)).then(setSteps, () => {});
  }, [contract.id, contract.version]);
  const others = steps.map(said).filter((text) => text !== undefined);
  return (
    <section class="card">
      <h2 class="rule-text">{contract.name}</h2>
      <Meaning definition={contract.definition} otherwise={definition?.about ?? ""} />
      <dl>
        <dt>{t("rules.held")}</dt>
        <dd>{money(contract.held, language.value)}</dd>
        <dt>{t("rules.with")}</dt>
        <dd>
          {contract.parties
            .filter((p) => p !== own)
            .map((p) => nameOf(p) ?? ends(p))
            .join(", ")}
        </dd>
        <dt>{t("rules.ends")}</dt>
        <dd>{date(contract.endsMillis, language.value)}</dd>
      </dl>
      {code !== undefined && <Refused code={code} />}
      {sure ? (
        <Form
          button={t("rules.yes", { action: sure.action })}
          submit={async () => {
            setCode(undefined);
            try {
              await submitOwn((wallet, until) => actBody(unhex(contract.id, 16), contract.version, sure.action, wallet, contract.assets, until));
              setSure(undefined);
              await changed();
              await refresh();
            } catch (error) {
              if (!(error instanceof Unreached || error instanceof Refusal)) throw error;
              setCode(error instanceof Refusal ? error.code : "unreached");
            }
          }}
          other={
            <button type="button" onClick={() => setSure(undefined)}>
              {t("cancel")}
            </button>
          }
        >
          <p>{t(sure.ends ? "rules.sure-ends" : "rules.sure")}</p>
        </Form>
      ) : (
        <>
          <p class="acts">
            {steps
              .filter((s) => s.possible && s.plain)
              .map((s) => (
                <button key={s.action} onClick={() => setSure(s)}>
                  {t(s.ends ? "rules.stop" : "rules.do", { action: s.action })}
                </button>
              ))}
          </p>
          {others.map((text) => (
            <p key={text} class="dim">
              {text}
            </p>
          ))}
        </>
      )}
    </section>
  );
}
