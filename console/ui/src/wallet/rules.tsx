import { useEffect, useRef, useState } from "preact/hooks";
import { date, ends, moment, money, time } from "../format";
import { unhex } from "../ledger/bytes";
import { actBody } from "../ledger/transaction";
import { type Key, language, t } from "../words";
import { explain } from "../words/refusals";
import { type ContractLine, type Definition, Refusal, type Standing, type Step, Unreached } from "./client";
import { actName, isShipped, loadActs, partyNames } from "./acts";
import { Meaning } from "./meaning";
import { Form, Title } from "./parts";
import { nameOf } from "./private";
import { Refused } from "./refused";
import { asOf, client, nodeNow, record, refresh, signedIn, submitOwn } from "./state";

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
  useEffect(() => void read(), [asOf.value]); // what the other side did shows too
  useEffect(() => {
    const look = () => void read(); // also what moved no money, of which nothing is heard
    addEventListener("focus", look);
    return () => removeEventListener("focus", look);
  }, []);
  return (
    <>
      <Title text="nav.rules" />
      <p>{t("rules.about")}</p>
      {problem !== undefined && <Refused code={problem} />}
      {list === undefined && problem === undefined && <p class="skeleton">{t("loading")}</p>}
      {list?.length === 0 && <p>{t("rules.none")}</p>}
      {list && [...list].sort((a, b) => Number(b.standing !== undefined) - Number(a.standing !== undefined)).map((c) => <Contract key={c.id} contract={c} changed={read} />)}
    </>
  );
}

/** What a wallet is told of a step of its contract: nothing of those that are others'. */
export function said(step: Step, definition: string): string | undefined {
  if (step.code === "wrong-caller") return undefined;
  const action = actName(step.action, definition);
  if (step.possible) return step.plain ? undefined : t("rules.more", { action });
  if (step.code === "too-early" && step.fromMillis > 0) return t("rules.from", { action, date: `${date(step.fromMillis, language.value)}, ${time(step.fromMillis, language.value)}` });
  return t("rules.not-now", { action, why: explain(step.code).title });
}

const KINDS: Readonly<Record<Standing["kind"], Key>> = { debit: "rules.kind-debit", channel: "rules.kind-channel", metered: "rules.kind-metered", order: "rules.kind-order", escrow: "rules.kind-escrow" };

/** What the wallet may do about a contract of a known kind, in words of this page; another contract's actions have the names of its definition. */
const ACTS: Readonly<Record<Standing["kind"], Readonly<Record<string, { readonly does: Key; readonly sure?: Key }>>>> = {
  debit: { revoke: { does: "rules.revoke" }, charge: { does: "rules.charge", sure: "rules.sure-charge" } },
  metered: { accept: { does: "rules.accept-bill", sure: "rules.sure-accept" } },
  order: { accept: { does: "rules.accept-delivery", sure: "rules.sure-accept" } },
  escrow: {},
  channel: { leave: { does: "rules.leave", sure: "rules.sure-leave" }, finish: { does: "rules.finish" }, release: { does: "rules.release", sure: "rules.sure-release" } },
};

function does(step: Step, s: Standing | undefined, definition: string): string {
  const own = s && ACTS[s.kind][step.action];
  if (own) return t(own.does, { sum: money(s.each > 0n ? s.each : s.owed, language.value) });
  return t(step.ends ? "rules.stop" : "rules.do", { action: actName(step.action, definition) });
}

function sureOf(step: Step, s: Standing | undefined): Key {
  return (s && ACTS[s.kind][step.action]?.sure) ?? (step.ends ? "rules.sure-ends" : "rules.sure");
}

/** Who takes money of whom by it, and how much yet. */
function Takes({ standing: s, own }: { standing: Standing; own: string }) {
  const who = (wallet: string) => (wallet === own ? t("rules.you") : (nameOf(wallet) ?? ends(wallet)));
  return (
    <dl data-testid={`standing-${s.kind}`}>
      <dt>{t("rules.takes")}</dt>
      <dd>{who(s.payee)}</dd>
      <dt>{t("rules.pays")}</dt>
      <dd>{who(s.payer)}</dd>
      <dt>{t("rules.may")}</dt>
      <dd>{money(s.mayTake, language.value)}</dd>
      {(s.kind === "debit" || s.kind === "channel") && (
        <>
          <dt>{t("rules.taken")}</dt>
          <dd>{money(s.taken, language.value)}</dd>
        </>
      )}
      {(s.kind === "metered" || s.kind === "order") && (
        <>
          <dt>{t("rules.owed")}</dt>
          <dd>
            {s.owed > 0n ? money(s.owed, language.value) : t("rules.owed-none")}
            {s.disputed && <p>{t("rules.disputed")}</p>}
          </dd>
        </>
      )}
      {s.of > 0 && (
        <>
          <dt>{t("rules.delivered")}</dt>
          <dd>{t("rules.done-of", { done: String(s.done), of: String(s.of) })}</dd>
        </>
      )}
      {s.dueMillis > 0 && (
        <>
          <dt>{t("rules.due")}</dt>
          <dd>{moment(s.dueMillis, language.value)}</dd>
        </>
      )}
      {s.each > 0n && (
        <>
          <dt>{t("rules.each")}</dt>
          <dd>{money(s.each, language.value)}</dd>
        </>
      )}
      {s.fromMillis > 0 && (
        <>
          <dt>{t(s.kind === "channel" ? "rules.left" : s.kind === "debit" ? "rules.next" : "rules.collect")}</dt>
          <dd>{moment(s.fromMillis, language.value)}</dd>
        </>
      )}
    </dl>
  );
}

/** The longest that a browser's timer waits, about 24 days. */
const MOST_WAIT = 2 ** 31 - 1;

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
    const look = () => void signedIn((wallet) => client.steps(contract.id, wallet)).then(setSteps, () => {});
    look();
    addEventListener("focus", look);
    return () => removeEventListener("focus", look);
  }, [contract.id, contract.version, asOf.value]);
  const section = useRef<HTMLElement>(null);
  const asked = useRef<string | undefined>(undefined);
  useEffect(() => {
    if (sure) section.current?.querySelector<HTMLElement>("form button")?.focus(); // what was pressed is gone
    else if (asked.current !== undefined) (section.current?.querySelector<HTMLElement>(`[data-act="${CSS.escape(asked.current)}"]`) ?? section.current?.querySelector("h2"))?.focus();
    asked.current = sure?.action;
  }, [sure]);
  const due = Math.min(...steps.filter((s) => !s.possible && s.fromMillis > nodeNow()).map((s) => s.fromMillis));
  useEffect(() => {
    if (due === Infinity) return;
    const timer = setTimeout(() => signedIn((wallet) => client.steps(contract.id, wallet)).then(setSteps, () => {}), Math.min(due - nodeNow() + 1_000, MOST_WAIT));
    return () => clearTimeout(timer);
  }, [due]);
  useEffect(() => void loadActs().catch(() => {}), [language.value]); // without a connection names stand as they are written
  const { standing } = contract;
  const others = standing?.kind === "debit" || standing?.kind === "channel" ? [] : steps.map((s) => said(s, contract.definition)).filter((text) => text !== undefined); // of what is known the page says all itself
  return (
    <section class="card" ref={section}>
      {standing ? <h2 tabIndex={-1}>{t(KINDS[standing.kind])}</h2> : <h2 class="rule-text" tabIndex={-1}>{contract.name}</h2>}
      {standing && <Takes standing={standing} own={own} />}
      {definition && definition.parties.length > 0 && <p>{t("rules.between", { parties: partyNames(definition.parties, contract.definition) })}</p>}
      {!isShipped(contract.definition) && <p class="dim">{t("rules.own-names")}</p>}
      <Meaning definition={contract.definition} without={definition !== undefined && definition.parties.length > 0} otherwise={definition?.about ?? ""} />
      <dl>
        <dt>{t("rules.held")}</dt>
        <dd>{money(contract.held, language.value)}</dd>
        <dt>{t("rules.with")}</dt>
        <dd>
          {[...new Set(contract.parties)]
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
          button={standing && ACTS[standing.kind][sure.action] ? does(sure, standing, contract.definition) : t("rules.yes", { action: actName(sure.action, contract.definition) })}
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
          <p>{t(sureOf(sure, standing))}</p>
        </Form>
      ) : (
        <>
          <p class="acts">
            {steps
              .filter((s) => s.possible && s.plain)
              .map((s) => (
                <button key={s.action} data-act={s.action} onClick={() => setSure(s)}>
                  {does(s, standing, contract.definition)}
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
