import { useEffect, useState } from "preact/hooks";
import { language } from "../words";
import { whom } from "./facts";
import { client } from "./state";

/** What a purpose or a kind of contract means, in the reader's language; without a connection, what is here of it. */
export function Meaning({ purpose, definition, otherwise }: { purpose?: number; definition?: string; otherwise: string }) {
  const lang = language.value;
  const [said, setSaid] = useState<{ lang: string; lines: readonly string[] } | undefined>(undefined);
  useEffect(() => {
    const of = purpose !== undefined ? { purpose } : { definition: definition ?? "" };
    client.explain(of, lang).then((lines) => setSaid({ lang, lines }), () => {});
  }, [purpose, definition, lang]);
  if (said?.lang !== lang) return otherwise === "" ? null : <p class="rule-text">{otherwise}</p>;
  return (
    <>
      {said.lines.map((line) => (
        <p class="rule-text" key={line}>
          {line.replace(/[0-9a-f]{32}/g, whom)}
        </p>
      ))}
    </>
  );
}
