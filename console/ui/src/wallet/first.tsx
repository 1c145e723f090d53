// Before the wallet can pay: what it is, making it, writing its recovery down, and the bank's number for it.

import { useEffect, useId, useState } from "preact/hooks";
import type { Bytes } from "../ledger/bytes";
import { moment } from "../format";
import { language, t } from "../words";
import { Refusal, isRule } from "./client";
import { codeOf } from "./codeof";
import { LearnLink, What } from "./learnlink";
import { Choice, Field, Form, Later, type Problem, Title } from "./parts";
import { Refused } from "./refused";
import { groupsOf, normalise, recoveryCode, seedOf } from "./recovery";
import { holdsRecovery, takeBack } from "./keys";
import { applyTo, client, clockOff, dropWaiting, enter, make, meet, network, record, recoverySaved, register, seedWith, take, takeAnswer, takeWaiting, unlock, unlockByDevice } from "./state";
import { LEAST_PASSPHRASE } from "./vault";

const roles = () => import("./demo").then((m) => m.Roles);
const code = () => import("./code").then((m) => m.Code);

/** How many groups of the written code are asked back. */
const ASKED = 3;

export function First() {
  const [step, setStep] = useState<"what" | "restore" | "make">("what");
  const [seed, setSeed] = useState<Bytes | undefined>(undefined);
  if (step === "restore" && !seed) return <Restore found={(s) => setSeed(s)} back={() => setStep("what")} />;
  if (step !== "what") return <Make seed={seed} back={() => setStep("what")} />;
  return (
    <>
      <Title text="welcome.title" />
      <ul class="plain">
        <li>{t("welcome.1")}</li>
        <li>{t("welcome.2")}</li>
        <li>{t("welcome.3")}</li>
      </ul>
      <p class="acts">
        <button class="first" onClick={() => setStep("make")}>
          {t("welcome.make")}
        </button>
        <button onClick={() => setStep("restore")}>{t("welcome.restore")}</button>
      </p>
      <LearnLink card="what" />
      <LearnLink card="bank" />
      {network.value?.open && <Later load={roles} props={{}} />}
    </>
  );
}

function Restore({ found, back }: { found: (seed: Bytes) => void; back: () => void }) {
  const [code, setCode] = useState("");
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  return (
    <>
      <Title text="restore.title" />
      <Form
        button={t("next")}
        submit={async () => {
          const seed = await seedOf(code);
          if (seed) found(seed);
          else setProblem("restore.wrong");
        }}
        other={
          <button type="button" onClick={back}>
            {t("back")}
          </button>
        }
      >
        <Field label="restore.title" value={code} change={setCode} problem={problem} />
      </Form>
    </>
  );
}

function Make({ seed, back }: { seed: Bytes | undefined; back: () => void }) {
  const [first, setFirst] = useState("");
  const [second, setSecond] = useState("");
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  return (
    <>
      <Title text="make.title" />
      <p>
        {t("make.about")} <What term="passphrase" />
      </p>
      <Form
        button={t("next")}
        submit={async () => {
          if ([...first].length < LEAST_PASSPHRASE) return setProblem("make.short");
          if (first !== second) return setProblem("make.differ");
          if (!network.value) await meet();
          if (!network.value) return setProblem("unreached");
          await make(seed ?? crypto.getRandomValues(new Uint8Array(32)), first, seed !== undefined);
        }}
        other={
          <button type="button" onClick={back}>
            {t("back")}
          </button>
        }
      >
        <Field label="make.passphrase" type="password" autocomplete="new-password" value={first} change={setFirst} />
        <Field label="make.again" type="password" autocomplete="new-password" value={second} change={setSecond} problem={problem} />
      </Form>
    </>
  );
}

export function Locked() {
  const [passphrase, setPassphrase] = useState("");
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  return (
    <>
      <Title text="open.title" />
      <Form
        button={t("open.open")}
        submit={async () => {
          if (!(await unlock(passphrase))) setProblem("open.wrong");
        }}
        other={
          record.value?.passkey && (
            <button type="button" onClick={() => void unlockByDevice().then((open) => open || setProblem("passkey.not"))}>
              {t("passkey.open")}
            </button>
          )
        }
      >
        <Field label="open.passphrase" type="password" autocomplete="current-password" value={passphrase} change={setPassphrase} problem={problem} />
      </Form>
      {network.value?.open && <Later load={roles} props={{}} />}
    </>
  );
}

/** The code of the wallet's key, or of its recovery key, to write down; then some of its groups are asked back. Done says whether
 * they were known. */
export function Recovery({ seed, done, second = false }: { seed: Bytes; done: (written: boolean) => void; second?: boolean }) {
  const [code, setCode] = useState<string | undefined>(undefined);
  const [asked, setAsked] = useState<number[] | undefined>(undefined);
  const [typed, setTyped] = useState("");
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  if (code === undefined) {
    void recoveryCode(seed).then(setCode);
    return <p role="status">{t("loading")}</p>;
  }
  const groups = groupsOf(code);
  const title = second ? "second.title" : "save.title";
  const next = asked?.[0];
  if (!asked || next === undefined) {
    return (
      <>
        <Title text={title} />
        <p>{t(second ? "second.write" : "save.about")}</p>
        <ol class="groups">
          {groups.map((g, i) => (
            <li key={i}>{g}</li>
          ))}
        </ol>
        <p class="acts">
          <button class="first" onClick={() => setAsked(choose(groups.length))}>
            {t("save.written")}
          </button>
          <button onClick={() => print()}>{t("save.print")}</button>
          <button onClick={() => done(false)}>{t(second ? "cancel" : "save.later")}</button>
        </p>
      </>
    );
  }
  return (
    <>
      <Title text={title} />
      <Form
        button={t("next")}
        submit={async () => {
          if (normalise(typed) !== groups[next]) return setProblem("save.wrong");
          setTyped("");
          setProblem(undefined);
          if (asked.length > 1) return setAsked(asked.slice(1));
          if (!second) await recoverySaved();
          done(true);
        }}
        other={
          <button type="button" onClick={() => setAsked(undefined)}>
            {t("back")}
          </button>
        }
      >
        <Field label="save.ask" values={{ n: String(next + 1) }} value={typed} change={setTyped} problem={problem} />
      </Form>
    </>
  );
}

/** Different places among so many, drawn at random. */
function choose(of: number): number[] {
  const places = [...Array(of).keys()];
  const drawn: number[] = [];
  while (drawn.length < ASKED) {
    const [at] = places.splice((crypto.getRandomValues(new Uint32Array(1))[0]! % places.length) as number, 1);
    drawn.push(at!);
  }
  return drawn;
}

/** The key is made; the bank opens a wallet for it: it signs a paper, which this key signs as well. */
export function Unregistered() {
  const [paper, setPaper] = useState("");
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  const [known, setKnown] = useState(false);
  const key = `ed25519:${record.value?.publicKey.slice(2) ?? ""}`;
  const file = useId();
  if (record.value?.waits) return <KeyWaits />;
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

/** A wallet that came back from its code: its number is known already. */
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
          const id = number.trim().toLowerCase();
          if (!/^[0-9a-f]{32}$/.test(id)) return setProblem("bank.bad-number");
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

/** Opens a wallet whose key is here; says so if it is the recovery key that is here, or neither. */
async function find(wallet: string): Promise<"own" | "recovery" | "none"> {
  if (!(await enter(wallet))) return "none";
  if (await holdsRecovery(wallet)) return "recovery";
  await take(wallet);
  return "own";
}
