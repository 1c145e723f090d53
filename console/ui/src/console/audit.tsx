import { useState } from "preact/hooks";
import { csv, download } from "../csv";
import { moment } from "../format";
import { type Key, known, language, t } from "../words";
import { Field, Title } from "../wallet/parts";
import { type Json, ask } from "./api";
import { Shown, Table, Trouble, useLoaded } from "./parts";
import { account, params, setParam } from "./state";
import { extended, remember, seen } from "./trail";

interface Line {
  readonly index: number;
  readonly timeMillis: number;
  readonly act: string;
  readonly by: string;
  readonly name: string;
  readonly what: string;
}

interface Trail {
  readonly size: number;
  readonly verdict: "first" | "extended" | "changed";
  readonly lines: readonly Line[];
}

const PART = 50;

function lineOf(e: Json): Line {
  const r = e.entry as Json;
  return { index: Number(e.index), timeMillis: Number(r.time_millis), act: String(r.act), by: String(r.by ?? ""), name: String(r.name ?? ""), what: String(r.what ?? "") };
}

/** The newest part of the trail, and whether it extends what this browser saw before. One that does not is not remembered. */
async function load(): Promise<Trail> {
  const before = seen();
  let a: Json;
  try {
    a = (await ask(`/v1/audit?limit=${PART}${before ? `&since=${before.size}` : ""}`)) as Json;
  } catch (error) {
    if (!before) throw error;
    a = (await ask(`/v1/audit?limit=${PART}`)) as Json; // it has become shorter, or nothing is answered at all
  }
  const [size, root] = [Number(a.size), String(a.root)];
  const good = !before || (await extended(before.size, before.root, size, root, (a.consistency as string[]).map(String)));
  if (good) remember({ size, root });
  return { size, verdict: !before ? "first" : good ? "extended" : "changed", lines: (a.entries as Json[]).map(lineOf) };
}

function actInWords(act: string): string {
  const key = `act.${act}`;
  return known(key) ? t(key as Key) : act;
}

/** Who did what: newest first, searched in what was loaded, older lines on demand. */
export function AuditPage() {
  const loaded = useLoaded(load, [account.value?.id]);
  const [older, setOlder] = useState<readonly Line[]>([]);
  const [error, setError] = useState<unknown>(undefined);
  const query = (params.value.get("q") ?? "").toLowerCase();
  const more = async (before: number) => {
    setError(undefined);
    try {
      const a = (await ask(`/v1/audit?limit=${PART}&before=${before}`)) as Json;
      setOlder([...older, ...(a.entries as Json[]).map(lineOf)]);
    } catch (e) {
      setError(e);
    }
  };
  return (
    <>
      <Title text="audit.title" />
      <p>{t("audit.about")}</p>
      <Shown of={loaded}>
        {({ verdict, size, lines }) => {
          const all = [...lines, ...older];
          const shown = all.filter((l) => [actInWords(l.act), l.name, l.what, l.by].some((text) => text.toLowerCase().includes(query)));
          const last = all.at(-1)?.index ?? 0;
          return (
            <>
              {verdict === "changed" ? (
                <p class="card refused" role="alert">
                  <b>{t("audit.changed")}</b>
                </p>
              ) : (
                <p class="good">
                  <span aria-hidden="true">✓ </span>
                  {t(verdict === "first" ? "audit.first" : "audit.extended", { size: String(size) })}
                </p>
              )}
              <Field label="search" value={params.value.get("q") ?? ""} change={(q) => setParam("q", q)} />
              {shown.length === 0 ? (
                <p class="dim">{t("audit.nothing")}</p>
              ) : (
                <Table about={t("audit.title")} head={[t("audit.time"), t("audit.what"), t("audit.whom"), t("audit.detail")]}>
                  {shown.map((l) => (
                    <tr key={l.index}>
                      <td>{moment(l.timeMillis, language.value)}</td>
                      <td>{actInWords(l.act)}</td>
                      <td class="quoted">{l.name}</td>
                      <td class="id">{l.what}</td>
                    </tr>
                  ))}
                </Table>
              )}
              <p class="acts">
                {last > 0 && <button onClick={() => void more(last)}>{t("older")}</button>}
                <button
                  onClick={() =>
                    download("audit.csv", "text/csv", csv([["index", "time_millis", "act", "by", "name", "what"], ...shown.map((l) => [String(l.index), String(l.timeMillis), l.act, l.by, l.name, l.what])]))
                  }
                >
                  {t("csv")}
                </button>
              </p>
              <Trouble error={error} />
            </>
          );
        }}
      </Shown>
    </>
  );
}
