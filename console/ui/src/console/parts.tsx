import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useId, useRef, useState } from "preact/hooks";
import { language, t } from "../words";
import { explain, loadRefusals } from "../words/refusals";
import { time } from "../format";
import { Refusal } from "./api";
import { Declined } from "./passkeys";
import { account, onReturn, whoAmI } from "./state";

/** What went wrong, in words: what, why, and what can be done. */
export function Trouble({ error }: { error: unknown }) {
  const [, setLoaded] = useState(false);
  useEffect(() => void loadRefusals().then(() => setLoaded(true)), [language.value]);
  if (error === undefined) return null;
  if (error instanceof Declined) {
    return (
      <p class="problem" role="alert">
        {t("passkey.declined")}
      </p>
    );
  }
  const words = explain(error instanceof Refusal ? error.code : "unreached");
  return (
    <div class="card refused" role="alert">
      <b>{words.title}</b>
      {words.means && <p>{words.means}</p>}
      {words.todo && <p class="dim">{words.todo}</p>}
      {error instanceof Refusal && <p class="dim id">{error.code}</p>}
    </div>
  );
}

export interface Loaded<T> {
  readonly value: T | undefined;
  readonly asOf: number;
  readonly error: unknown;
  readonly again: () => Promise<void>;
}

/** Loads something, anew every so many milliseconds where that is said, and keeps what was loaded last when a later try fails. What was loaded ahead is shown at once. */
export function useLoaded<T>(load: () => Promise<T>, of: readonly unknown[], every = 0, ahead?: () => T | undefined): Loaded<T> {
  const [state, setState] = useState<{ value: T | undefined; asOf: number; error: unknown }>(() => ({ value: ahead?.(), asOf: Date.now(), error: undefined }));
  const turn = useRef(0);
  const known = useRef(state.value !== undefined);
  const again = useCallback(async () => {
    const mine = ++turn.current;
    try {
      const value = await load();
      if (mine === turn.current) setState({ value, asOf: Date.now(), error: undefined });
    } catch (error) {
      if (mine !== turn.current) return;
      if (error instanceof Refusal && error.status === 401) account.value = null; // the session is over
      if (error instanceof Refusal && error.status === 403) void whoAmI(); // another role, perhaps
      setState((s) => ({ ...s, error }));
    }
  }, of);
  useEffect(() => {
    if (!known.current) void again();
    known.current = false;
    const round = every === 0 ? undefined : setInterval(() => void (document.hidden || again()), every);
    const gone = onReturn(() => void again());
    return () => {
      gone();
      clearInterval(round);
      turn.current++;
    };
  }, [again]);
  return { ...state, again };
}

/** What was loaded, or why it was not: a skeleton first, and as of when it is where nobody answers any more. */
export function Shown<T>({ of, children }: { of: Loaded<T>; children: (value: T) => ComponentChildren }) {
  const refused = of.error instanceof Refusal;
  if (of.value === undefined || refused) {
    return of.error === undefined ? (
      <p class="skeleton" role="status">
        {t("loading")}
      </p>
    ) : (
      <>
        <Trouble error={of.error} />
        <p class="acts">
          <button onClick={() => void of.again()}>{t("again")}</button>
        </p>
      </>
    );
  }
  return (
    <>
      {of.error !== undefined && (
        <p class="note" role="status">
          {t("stale", { time: time(of.asOf, language.value) })}
        </p>
      )}
      {children(of.value)}
    </>
  );
}

/** A table that a narrow screen scrolls by itself, so that the page does not; or whose lines it stacks, each cell under its label. */
export function Table({ about, head, children, stacked = false }: { about: string; head: readonly string[]; children: ComponentChildren; stacked?: boolean }) {
  return (
    <div class={stacked ? "scroll stacked" : "scroll"} tabIndex={0} role="region" aria-label={about}>
      <table>
        <thead>
          <tr>
            {head.map((h) => (
              <th key={h} scope="col">
                {h}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

/** Asks before something that cannot be taken back. The dialog begins on what does nothing, and the focus goes back to the button that opened it;
 * when what was done took that button away, `keepFocus` has a place for it. */
export function Sure({ button, question, act }: { button: string; question: string; act: () => Promise<void> }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const asked = useId();
  return (
    <>
      <button onClick={() => dialog.current?.showModal()}>{button}</button>
      <dialog ref={dialog} class="card" aria-labelledby={asked}>
        <p id={asked}>{question}</p>
        <p class="acts">
          <button
            class="first"
            onClick={() => {
              dialog.current?.close();
              void act();
            }}
          >
            {button}
          </button>
          <button autofocus onClick={() => dialog.current?.close()}>
            {t("cancel")}
          </button>
        </p>
      </dialog>
    </>
  );
}
