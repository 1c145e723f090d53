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

/** How often the page looks, in milliseconds: what moved no money of this wallet itself makes no event, neither a bill nor what a payee took. */
const LOOK_EVERY = 5_000;

/** What binds the wallet: contracts, standing debits, channels; and what the person may do about each. */
export function Rules() {
  const [list, setList] = useState<readonly ContractLine[] | undefined>(undefined);
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const [refused, setRefused] = useState<{ readonly of: string; readonly code: string } | undefined>(undefined);
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
    const look = () => void (document.hidden || read());
    addEventListener("focus", look);
    const round = setInterval(look, LOOK_EVERY);
    return () => {
      removeEventListener("focus", look);
      clearInterval(round);
    };
  }, []);
  return (
    <>
      <Title text="nav.rules" />
      <p>{t("rules.about")}</p>
      {problem !== undefined && <Refused code={problem} />}
      {list && refused && !list.some((c) => c.id === refused.of) && <Refused code={refused.code} /> /* it ended meanwhile */}
      {list === undefined && problem === undefined && <p class="skeleton">{t("loading")}</p>}
      {list?.length === 0 && <p>{t("rules.none")}</p>}
      {list && [...list].sort((a, b) => Number(b.standing !== undefined) - Number(a.standing !== undefined)).map((c) => <Contract key={c.id} contract={c} changed={read} refused={refused?.of === c.id ? refused.code : undefined} refuse={(code) => setRefused(code === undefined ? undefined : { of: c.id, code })} />)}
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
  metered: { accept: { does: "rules.accept-bill", sure: "rules.sure-accept" }, collect: { does: "rules.collect-bill", sure: "rules.sure-charge" } },
  order: { accept: { does: "rules.accept-delivery", sure: "rules.sure-accept" }, collect: { does: "rules.collect-delivery", sure: "rules.sure-charge" } },
  escrow: {},
  channel: { leave: { does: "rules.leave", sure: "rules.sure-leave" }, finish: { does: "rules.finish" }, release: { does: "rules.release", sure: "rules.sure-release" } },
};

function does(step: Step, s: Standing | undefined, definition: string): string {
  const own = s && ACTS[s.kind][step.action];
  if (own) return t(own.does, { sum: money(s.each > 0n ? s.each : s.owed, language.value) });
  return t(step.ends ? "rules.stop" : "rules.do", { action: actName(step.action, definition) });
}

/** Whether an answer to a bill or a delivery is meant of which there is none: "nothing is owed" says that already. */
const nothingFor = (step: Step, s: Standing | undefined) => (s?.kind === "metered" || s?.kind === "order") && s.owed === 0n && (step.action === "accept" || step.action === "dispute");

/** What the button of the second question says. */
function yes(step: Step, of: ContractLine): string {
  return of.standing && ACTS[of.standing.kind][step.action] ? does(step, of.standing, of.definition) : t("rules.yes", { action: actName(step.action, of.definition) });
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

interface ContractProps {
  readonly contract: ContractLine;
  readonly changed: () => Promise<void>;
  /** Why the last act on it was refused: the page's own, for what is refused may have ended meanwhile. */
  readonly refused: string | undefined;
  readonly refuse: (code: string | undefined) => void;
}

function Contract({ contract, changed, refused, refuse }: ContractProps) {
  const own = record.value?.wallet ?? "";
  const [definition, setDefinition] = useState<Definition | undefined>(undefined);
  const [asking, setAsking] = useState<{ readonly step: Step; readonly of: ContractLine } | undefined>(undefined); // what is signed is what was asked, also when the contract changes meanwhile
  const [steps, setSteps] = useState<readonly Step[]>([]);
  useEffect(() => {
    client.definition(contract.definition).then(setDefinition, () => {});
  }, [contract.definition]);
  const look = () => void signedIn((wallet) => client.steps(contract.id, wallet)).then(setSteps, () => {});
  useEffect(() => {
    look();
    addEventListener("focus", look);
    return () => removeEventListener("focus", look);
  }, [contract.id, contract.version, asOf.value]);
  const section = useRef<HTMLElement>(null);
  const asked = useRef<string | undefined>(undefined);
  useEffect(() => {
    if (asking) section.current?.querySelector<HTMLElement>("form button")?.focus(); // what was pressed is gone
    else if (asked.current !== undefined) (section.current?.querySelector<HTMLElement>(`[data-act="${CSS.escape(asked.current)}"]`) ?? section.current?.querySelector("h2"))?.focus();
    asked.current = asking?.step.action;
  }, [asking]);
  const due = Math.min(...steps.filter((s) => !s.possible && s.fromMillis > nodeNow()).map((s) => s.fromMillis));
  useEffect(() => {
    if (due === Infinity) return;
    const timer = setTimeout(look, Math.min(due - nodeNow() + 1_000, MOST_WAIT));
    return () => clearTimeout(timer);
  }, [due]);
  useEffect(() => void loadActs().catch(() => {}), [language.value]); // without a connection names stand as they are written
  const { standing } = contract;
  const others = standing?.kind === "debit" || standing?.kind === "channel" ? [] : steps.filter((s) => s.possible || !nothingFor(s, standing)).map((s) => said(s, contract.definition)).filter((text) => text !== undefined); // of what is known the page says all itself
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
      {refused !== undefined && <Refused code={refused} />}
      {asking ? (
        <Form
          button={yes(asking.step, asking.of)}
          submit={async () => {
            refuse(undefined);
            try {
              await submitOwn((wallet, until) => actBody(unhex(asking.of.id, 16), asking.of.version, asking.step.action, wallet, asking.of.assets, until));
              setAsking(undefined);
              await changed();
              await refresh();
            } catch (error) {
              if (!(error instanceof Unreached || error instanceof Refusal)) throw error;
              refuse(error instanceof Refusal ? error.code : "unreached");
              if (!(error instanceof Refusal)) return; // nobody said no: it is asked once more as it is
              setAsking(undefined); // what was asked about has changed
              await changed();
              look();
            }
          }}
          other={
            <button type="button" onClick={() => setAsking(undefined)}>
              {t("cancel")}
            </button>
          }
        >
          <p>{t(sureOf(asking.step, asking.of.standing))}</p>
        </Form>
      ) : (
        <>
          <p class="acts">
            {steps
              .filter((s) => s.possible && s.plain)
              .map((s) => (
                <button key={s.action} data-act={s.action} onClick={() => setAsking({ step: s, of: contract })}>
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
