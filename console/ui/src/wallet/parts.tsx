import type { ComponentChildren, ComponentType } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { type Key, t } from "../words";
import { inShort } from "../words/refusals";

/** A page's heading, which takes the focus when the page comes. */
export function Title({ text }: { text: Key }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), [text]);
  return (
    <h1 ref={heading} tabIndex={-1}>
      {t(text)}
    </h1>
  );
}

/** What is wrong with a field: a text, or the code of a rule. Not its words: another language may be chosen while it stands there. */
export type Problem = Key | { readonly code: string } | { readonly said: () => string };

interface FieldProps {
  label: Key;
  value: string;
  change: (text: string) => void;
  type?: "text" | "password";
  problem?: Problem | undefined;
  decimal?: boolean;
  values?: Record<string, string>;
  autocomplete?: string;
}

export function Field({ label, value, change, type = "text", problem, decimal, values, autocomplete = "off" }: FieldProps) {
  const id = useId();
  const attributes = {
    id,
    value,
    autocomplete,
    autocapitalize: "off" as const,
    spellcheck: false,
    "aria-invalid": problem !== undefined,
    "aria-describedby": `${id}-problem`,
    onInput: (e: { currentTarget: HTMLInputElement }) => change(e.currentTarget.value),
  };
  return (
    <p class="field">
      <label for={id}>{t(label, values)}</label>
      {type === "password" ? <input type="password" {...attributes} /> : <input type="text" inputMode={decimal ? "decimal" : "text"} {...attributes} />}
      <span id={`${id}-problem`} class="problem" role="alert">
        {problem === undefined ? "" : typeof problem === "string" ? t(problem) : "said" in problem ? problem.said() : inShort(problem.code)}
      </span>
    </p>
  );
}

/** A form whose button works once at a time. */
export function Form({ submit, button, children, other }: { submit: () => Promise<void>; button: string; children: ComponentChildren; other?: ComponentChildren }) {
  const [busy, setBusy] = useState(false);
  return (
    <form
      noValidate
      onSubmit={(e) => {
        e.preventDefault();
        if (busy) return;
        setBusy(true);
        void submit().finally(() => setBusy(false));
      }}
    >
      {children}
      <p class="acts">
        <button class="first" type="submit" disabled={busy} aria-busy={busy}>
          {button}
        </button>
        {other}
      </p>
    </form>
  );
}

/** A part that is loaded when it is needed first. */
export function Later<P extends object>({ load, props }: { load: () => Promise<ComponentType<P>>; props: P }) {
  const [part, setPart] = useState<{ of: ComponentType<P> } | undefined>(undefined);
  const [lost, setLost] = useState(false);
  useEffect(() => {
    load().then(
      (of) => setPart({ of }),
      () => setLost(true),
    );
  }, []);
  if (lost) return <p role="alert">{t("unreached")}</p>;
  if (!part) return <p role="status">{t("loading")}</p>;
  const Part = part.of;
  return <Part {...props} />;
}

interface ChoiceProps {
  label: Key;
  value: string;
  change: (value: string) => void;
  choices: readonly (readonly [string, string])[];
  names?: boolean; // they are of people or banks, in whatever language
}

export function Choice({ label, value, change, choices, names = false }: ChoiceProps) {
  const id = useId();
  return (
    <p class="field">
      <label for={id}>{t(label)}</label>
      <select id={id} class={names ? "names" : ""} value={value} onChange={(e) => change(e.currentTarget.value)}>
        {choices.map(([v, text]) => (
          <option key={v} value={v}>
            {text}
          </option>
        ))}
      </select>
    </p>
  );
}

const SIDE = 5;

/** A small picture made of a wallet's number, so that another number is seen to be another. It stands beside the number. */
export function Picture({ of }: { of: string }) {
  let path = "";
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const column = Math.min(x, SIDE - 1 - x); // mirrored: easier to remember
      if (Number.parseInt(of[y * 3 + column] ?? "0", 16) & 1) path += `M${x} ${y}h1v1h-1z`;
    }
  }
  return (
    <svg class={`picture tint${Number.parseInt(of[31] ?? "0", 16) % 6}`} aria-hidden="true" viewBox="-0.5 -0.5 6 6" shape-rendering="crispEdges">
      <path d={path} fill="currentColor" />
    </svg>
  );
}
