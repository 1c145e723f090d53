import { useEffect, useState } from "preact/hooks";
import { momentsIn } from "../moments";
import { language, t } from "../words";
import { whom } from "./facts";
import { client } from "./state";

/** What a purpose or a kind of contract means, in the reader's language; without a connection, what is here of it. Without: its
 * first line, the parties, stands elsewhere. */
export function Meaning({ purpose, definition, otherwise, without = false }: { purpose?: number; definition?: string; otherwise: string; without?: boolean }) {
  const lang = language.value;
  const [said, setSaid] = useState<{ lang: string; lines: readonly string[] } | undefined>(undefined);
  useEffect(() => {
    const of = purpose !== undefined ? { purpose } : { definition: definition ?? "" };
    client.explain(of, lang).then((lines) => setSaid({ lang, lines }), () => {});
  }, [purpose, definition, lang]);
  if (said?.lang !== lang) return otherwise === "" ? null : <p class="rule-text">{otherwise}</p>;
  const shown = definition === undefined ? said.lines.length : SHOWN;
  return (
    <>
      <Lines of={said.lines.slice(without ? 1 : 0, shown)} />
      {said.lines.length > shown && (
        <details>
          <summary>{t("rules.exactly")}</summary>
          <Lines of={said.lines.slice(shown)} />
        </details>
      )}
    </>
  );
}

/** Of a contract its parties and its purpose are shown; how its program says it stands below, for who wants to know. */
const SHOWN = 2;

function Lines({ of }: { of: readonly string[] }) {
  return (
    <>
      {of.map((line) => (
        <p class="rule-text" key={line}>
          {momentsIn(line, language.value).replace(/[0-9a-f]{32}/g, whom)}
        </p>
      ))}
    </>
  );
}
