// A code that is written down, and asked back.

import { useState } from "preact/hooks";
import type { Bytes } from "../ledger/bytes";
import { t } from "../words";
import { Field, Form, type Problem, Title } from "./parts";
import { groupsOf, normalise, recoveryCode } from "./recovery";
import { record, recoverySaved } from "./state";

/** How many groups of the written code are asked back. */
const ASKED = 3;

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
        {record.value?.wallet !== undefined && (
          <p>
            {t("save.number")} <span class="id">{record.value.wallet}</span>
          </p>
        )}
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
