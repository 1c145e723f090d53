import type { ComponentChildren, ComponentType } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { type Key, t } from "../words";

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

interface FieldProps {
  label: Key;
  value: string;
  change: (text: string) => void;
  type?: "text" | "password";
  problem?: string | undefined;
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
        {problem}
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
