// Before the wallet can pay: what it is, making it, writing its recovery down, and the bank's number for it.

import { useId, useState } from "preact/hooks";
import type { Bytes } from "../ledger/bytes";
import { t, wordsOf } from "../words";
import { Refusal, isRule } from "./client";
import { Field, Form, Later, Title } from "./parts";
import { groupsOf, normalise, recoveryCode, seedOf } from "./recovery";
import { make, meet, network, record, recoverySaved, register, take, unlock } from "./state";
import { LEAST_PASSPHRASE } from "./vault";

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
    </>
  );
}

function Restore({ found, back }: { found: (seed: Bytes) => void; back: () => void }) {
  const [code, setCode] = useState("");
  const [problem, setProblem] = useState<string | undefined>(undefined);
  return (
    <>
      <Title text="restore.title" />
      <Form
        button={t("next")}
        submit={async () => {
          const seed = await seedOf(code);
          if (seed) found(seed);
          else setProblem(t("restore.wrong"));
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
  const [problem, setProblem] = useState<string | undefined>(undefined);
  return (
    <>
      <Title text="make.title" />
      <p>{t("make.about")}</p>
      <Form
        button={t("next")}
        submit={async () => {
          if ([...first].length < LEAST_PASSPHRASE) return setProblem(t("make.short"));
          if (first !== second) return setProblem(t("make.differ"));
          if (!network.value) await meet();
          if (!network.value) return setProblem(t("unreached"));
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
  const [problem, setProblem] = useState<string | undefined>(undefined);
  return (
    <>
      <Title text="open.title" />
      <Form
        button={t("open.open")}
        submit={async () => {
          if (!(await unlock(passphrase))) setProblem(t("open.wrong"));
        }}
      >
        <Field label="open.passphrase" type="password" autocomplete="current-password" value={passphrase} change={setPassphrase} problem={problem} />
      </Form>
    </>
  );
}

/** The code to write down, and then some of its groups asked back. */
export function Recovery({ seed, done }: { seed: Bytes; done: () => void }) {
  const [code, setCode] = useState<string | undefined>(undefined);
  const [asked, setAsked] = useState<number[] | undefined>(undefined);
  const [typed, setTyped] = useState("");
  const [problem, setProblem] = useState<string | undefined>(undefined);
  if (code === undefined) {
    void recoveryCode(seed).then(setCode);
    return <p role="status">{t("loading")}</p>;
  }
  const groups = groupsOf(code);
  const next = asked?.[0];
  if (!asked || next === undefined) {
    return (
      <>
        <Title text="save.title" />
        <p>{t("save.about")}</p>
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
          <button onClick={done}>{t("save.later")}</button>
        </p>
      </>
    );
  }
  return (
    <>
      <Title text="save.title" />
      <Form
        button={t("next")}
        submit={async () => {
          if (normalise(typed) !== groups[next]) return setProblem(t("save.wrong"));
          setTyped("");
          setProblem(undefined);
          if (asked.length > 1) return setAsked(asked.slice(1));
          await recoverySaved();
          done();
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
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const [known, setKnown] = useState(false);
  const key = `ed25519:${record.value?.publicKey.slice(2) ?? ""}`;
  const file = useId();
  if (known) return <Known back={() => setKnown(false)} />;
  return (
    <>
      <Title text="bank.title" />
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
            setProblem(isRule(error) || error instanceof Refusal ? wordsOf(error.code) : t("unreached"));
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

/** A wallet that came back from its code: its number is known already. */
function Known({ back }: { back: () => void }) {
  const [number, setNumber] = useState("");
  const [problem, setProblem] = useState<string | undefined>(undefined);
  return (
    <>
      <Title text="bank.number" />
      <Form
        button={t("next")}
        submit={async () => {
          const id = number.trim().toLowerCase();
          if (!/^[0-9a-f]{32}$/.test(id)) return setProblem(t("bank.bad-number"));
          try {
            if (!(await take(id))) setProblem(t("bank.not-yours"));
          } catch {
            setProblem(t("unreached"));
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
