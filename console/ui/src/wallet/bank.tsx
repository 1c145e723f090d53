// A key without a wallet yet: the wallet that it opens is found again, or a bank opens one for it.

import { useEffect, useId, useState } from "preact/hooks";
import { moment } from "../format";
import { unhex } from "../ledger/bytes";
import { language, t } from "../words";
import { applyTo, dropWaiting, register, takeAnswer, takeWaiting } from "./applying";
import { type Keyed, Refusal, isRule } from "./client";
import { codeOf } from "./codeof";
import { holdsRecovery, takeBack } from "./keys";
import { LearnLink } from "./learnlink";
import { Choice, Field, Form, Later, type Problem, Title } from "./parts";
import { Refused } from "./refused";
import { numberIn } from "./request";
import { change, client, clockOff, enter, record, seedWith, signer, take } from "./state";

const code = () => import("./code").then((m) => m.Code);

/** The key is made; the bank opens a wallet for it: it signs a paper, which this key signs as well. */
export function Unregistered() {
  const [paper, setPaper] = useState("");
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  const [known, setKnown] = useState(false);
  const key = `ed25519:${record.value?.publicKey.slice(2) ?? ""}`;
  const file = useId();
  if (record.value?.waits) return <KeyWaits />;
  if (record.value?.restored) return <Found />;
  if (known) return <Known back={() => setKnown(false)} />;
  return (
    <>
      <Title text="bank.title" />
      <Apply />
      <h2>{t("bank.at")}</h2>
      <p>{t("bank.about")}</p>
      <Later load={code} props={{ text: key, label: t("bank.code") }} />
      <p class="id" data-testid="public-key">
        {key}
      </p>
      <Form
        button={t("next")}
        submit={async () => {
          try {
            await register(paper);
          } catch (error) {
            setProblem({ code: isRule(error) || error instanceof Refusal ? error.code : "unreached" });
          }
        }}
        other={
          <button type="button" onClick={() => setKnown(true)}>
            {t("bank.have")}
          </button>
        }
      >
        <p class="field">
          <label for={file}>{t("bank.file")}</label>
          <input
            id={file}
            type="file"
            accept="application/json,.json"
            onChange={(e) => {
              void e.currentTarget.files?.[0]?.text().then(setPaper);
            }}
          />
        </p>
        <Field label="bank.paper" value={paper} change={setPaper} problem={problem} />
      </Form>
    </>
  );
}

const EVERY = 2_000;
/** So long after its time a new key is said not to have come. */
const LATE = 20_000;

/** Asks a bank over the network, and takes its paper when it has signed one. */
function Apply() {
  const [banks, setBanks] = useState<readonly { id: string; name: string }[]>([]);
  const [bank, setBank] = useState("");
  const [name, setName] = useState("");
  const [code, setCode] = useState<string | undefined>(undefined);
  const [reason, setReason] = useState<string | undefined>(undefined);
  const asked = record.value?.application;
  useEffect(() => {
    client.banks().then(
      (list) => {
        setBanks(list);
        setBank((old) => old || (list[0]?.id ?? ""));
      },
      () => {}, // the bank's paper opens a wallet too
    );
  }, []);
  useEffect(() => {
    if (!asked) return;
    const look = async () => {
      try {
        const refused = await takeAnswer();
        if (refused !== undefined) setReason(refused);
      } catch (error) {
        if (error instanceof Refusal) setCode(error.code);
      }
    };
    const timer = setInterval(() => void look(), EVERY);
    return () => clearInterval(timer);
  }, [asked?.id]);
  if (banks.length === 0 && !asked) return null;
  return (
    <section class="card">
      <h2>{t("apply.title")}</h2>
      {code !== undefined && <Refused code={code} />}
      {reason !== undefined && (
        <p class="problem" role="alert">
          {t("apply.refused", { reason })}
        </p>
      )}
      {asked ? (
        <p role="status">{t("apply.waits", { bank: banks.find((b) => b.id === asked.bank)?.name ?? "" })}</p>
      ) : (
        <Form
          button={t("apply.ask")}
          submit={async () => {
            setCode(undefined);
            setReason(undefined);
            try {
              await applyTo(bank, name.trim());
            } catch (error) {
              setCode(codeOf(error));
            }
          }}
        >
          <Choice names label="apply.bank" value={bank} change={setBank} choices={banks.map((b) => [b.id, b.name] as const)} />
          <Field label="apply.name" value={name} change={(text) => setName([...text].slice(0, 30).join(""))} />
        </Form>
      )}
    </section>
  );
}

/** A bank gave this key to a wallet, and until it is in force who has the old key can cancel. */
function KeyWaits() {
  const { wallet, due } = record.value!.waits!;
  const [late, setLate] = useState(false);
  useEffect(() => {
    const look = async () => {
      const now = Date.now() + clockOff.value;
      if (now < due) return;
      if (!(await takeWaiting()) && now > due + LATE) setLate(true);
    };
    const timer = setInterval(() => void look().catch(() => {}), EVERY); // without a connection it looks on
    return () => clearInterval(timer);
  }, []);
  return (
    <>
      <Title text="waits.title" />
      <div class="card" role="status">
        <p>{t("waits.until", { when: moment(due, language.value) })}</p>
        <p>{t("waits.about")}</p>
        <LearnLink card="lost" />
        <p class="id">{wallet}</p>
      </div>
      {late && <p role="alert">{t("waits.late")}</p>}
      <p class="acts">
        <button onClick={() => void dropWaiting()}>{t("back")}</button>
      </p>
    </>
  );
}

/** The wallet's recovery key is on this device: it gives the wallet a new key, which stays here. */
function TakeBack({ wallet }: { wallet: string }) {
  const [passphrase, setPassphrase] = useState("");
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  const [code, setCode] = useState<string | undefined>(undefined);
  return (
    <>
      <Title text="take-back.title" />
      <p>{t("take-back.about")}</p>
      <LearnLink card="second" />
      {code !== undefined && <Refused code={code} />}
      <Form
        button={t("safety.new-key")}
        submit={async () => {
          setCode(undefined);
          if ((await seedWith(passphrase)) === undefined) return setProblem("open.wrong");
          try {
            (await takeBack(wallet, passphrase)).fill(0); // its code is asked to be written down from the first page
          } catch (error) {
            setCode(codeOf(error));
          }
        }}
      >
        <Field label="open.passphrase" type="password" autocomplete="current-password" value={passphrase} change={setPassphrase} problem={problem} />
      </Form>
    </>
  );
}

/** A key that came back from its code: the wallet that it opens is looked for, and nothing else is opened in its place unasked. */
function Found() {
  const [found, setFound] = useState<readonly Keyed[] | undefined>(undefined);
  const [recovers, setRecovers] = useState<string | undefined>(undefined);
  const [code, setCode] = useState<string | undefined>(undefined);
  const [known, setKnown] = useState(false);
  const open = async (w: Keyed) => {
    if (!w.recovery) await takeFound(w.wallet);
    else if (await enter(w.wallet)) setRecovers(w.wallet);
  };
  const look = async () => {
    setCode(undefined);
    setFound(undefined);
    try {
      const list = await client.keyed(unhex(record.value!.network), signer.value!);
      setFound(list);
      if (list.length === 1) await open(list[0]!);
    } catch (error) {
      setCode(codeOf(error));
    }
  };
  useEffect(() => void look(), []);
  if (recovers !== undefined) return <TakeBack wallet={recovers} />;
  if (known) return <Known back={() => setKnown(false)} />;
  return (
    <>
      <Title text="found.title" />
      {code !== undefined && <Refused code={code} />}
      {code === undefined && (found === undefined || found.length === 1) && <p role="status">{t("loading")}</p>}
      {found?.length === 0 && (
        <div class="card note" role="alert">
          <p>{t("found.none")}</p>
          <p>{t("found.none-about")}</p>
        </div>
      )}
      {found && found.length > 1 && (
        <>
          <p>{t("found.which")}</p>
          <p class="acts">
            {found.map((w) => (
              <button key={w.wallet} onClick={() => void open(w)}>
                <span class="id">{w.wallet}</span>
              </button>
            ))}
          </p>
        </>
      )}
      <p class="acts">
        {(code !== undefined || found?.length === 0) && <button onClick={() => void look()}>{t("found.again")}</button>}
        {found?.length === 0 && <button onClick={() => setKnown(true)}>{t("bank.number")}</button>}
        {found?.length === 0 && <button onClick={() => void change({ restored: false })}>{t("found.new")}</button>}
      </p>
    </>
  );
}

/** A wallet that came back from its code, and that nobody found: its number is known already. */
function Known({ back }: { back: () => void }) {
  const [number, setNumber] = useState("");
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  const [recovers, setRecovers] = useState<string | undefined>(undefined);
  if (recovers !== undefined) return <TakeBack wallet={recovers} />;
  return (
    <>
      <Title text="bank.number" />
      <Form
        button={t("next")}
        submit={async () => {
          const id = numberIn(number);
          if (id === undefined) return setProblem("bank.bad-number");
          try {
            const found = await find(id);
            if (found === "recovery") setRecovers(id);
            else if (found === "none") setProblem("bank.not-yours");
          } catch {
            setProblem("unreached");
          }
        }}
        other={
          <button type="button" onClick={back}>
            {t("back")}
          </button>
        }
      >
        <Field label="bank.number" value={number} change={setNumber} problem={problem} />
      </Form>
    </>
  );
}

/** Opens a wallet that was found, and brings back what its phone laid down with the bank. */
async function takeFound(wallet: string): Promise<void> {
  await take(wallet);
  await (await import("./backup")).bringBack().catch((error: unknown) => {
    codeOf(error); // the wallet is open without it; Safety says whether it is on
  });
}

/** Opens a wallet whose key is here; says so if it is the recovery key that is here, or neither. */
async function find(wallet: string): Promise<"own" | "recovery" | "none"> {
  if (!(await enter(wallet))) return "none";
  if (await holdsRecovery(wallet)) return "recovery";
  await takeFound(wallet);
  return "own";
}
