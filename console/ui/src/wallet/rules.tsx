import { useEffect, useState } from "preact/hooks";
import { date, ends, money } from "../format";
import { unhex } from "../ledger/bytes";
import { actBody } from "../ledger/transaction";
import { language, t } from "../words";
import { type Action, type ContractLine, type Definition, Refusal, Unreached } from "./client";
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

/** The actions that a party of a contract may take with a tap: they take nothing. */
export function actionsOf(contract: ContractLine, definition: Definition, own: string): Action[] {
  const roles = definition.parties.filter((_, i) => contract.parties[i] === own);
  return definition.actions.filter((a) => a.plain && (a.by.length === 0 || a.by.some((by) => roles.includes(by))));
}

function Contract({ contract, changed }: { contract: ContractLine; changed: () => Promise<void> }) {
  const own = record.value?.wallet ?? "";
  const [definition, setDefinition] = useState<Definition | undefined>(undefined);
  const [code, setCode] = useState<string | undefined>(undefined);
  const [sure, setSure] = useState<Action | undefined>(undefined);
  useEffect(() => {
    client.definition(contract.definition).then(setDefinition, () => {});
  }, [contract.definition]);
  const actions = definition ? actionsOf(contract, definition, own) : [];
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
          button={t("rules.yes", { action: sure.name })}
          submit={async () => {
            setCode(undefined);
            try {
              await submitOwn((wallet, until) => actBody(unhex(contract.id, 16), contract.version, sure.name, wallet, contract.assets, until));
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
        <p class="acts">
          {actions.map((a) => (
            <button key={a.name} onClick={() => setSure(a)}>
              {t(a.ends ? "rules.stop" : "rules.do", { action: a.name })}
            </button>
          ))}
        </p>
      )}
    </section>
  );
}
