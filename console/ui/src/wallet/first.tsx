// Before there is a wallet on this device, or before it is open: what it is, making its key, the passphrase.

import { useState } from "preact/hooks";
import type { Bytes } from "../ledger/bytes";
import { t } from "../words";
import { codeOf } from "./codeof";
import { LearnLink, What } from "./learnlink";
import { Field, Form, Later, type Problem, Title } from "./parts";
import { madeElsewhere, make, meet, network, record, unlock, unlockByDevice } from "./state";
import { LEAST_PASSPHRASE } from "./vault";

const roles = () => import("./demo").then((m) => m.Roles);

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
          const seed = await (await import("./recovery")).seedOf(code);
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
          try {
            await make(seed ?? crypto.getRandomValues(new Uint8Array(32)), first, seed !== undefined);
          } catch (error) {
            setProblem({ code: codeOf(error) });
          }
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
      {madeElsewhere.value && <p role="alert">{t("open.elsewhere")}</p>}
      <Form
        button={t("open.open")}
        submit={async () => {
          try {
            if (!(await unlock(passphrase))) setProblem("open.wrong");
          } catch (error) {
            setProblem({ code: codeOf(error) });
          }
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
