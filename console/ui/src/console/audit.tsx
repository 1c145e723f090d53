import { useState } from "preact/hooks";
import { csv, download } from "../csv";
import { ends, moment, stamp } from "../format";
import { type Key, known, language, t } from "../words";
import { Field, Title } from "../wallet/parts";
import { type Json, ask } from "./api";
import { Shown, Table, Trouble, useLoaded } from "./parts";
import { rolesInWords } from "./roles";
import { account, params, setParam } from "./state";
import { extended, remember, seen } from "./trail";

export interface Line {
  readonly index: number;
  readonly timeMillis: number;
  readonly act: string;
  readonly by: string; // the account, and what it is called
  readonly byName: string;
  readonly name: string;
  readonly what: string;
  readonly whom: string; // of which account
  readonly roles: readonly string[];
  readonly bank: string;
}

interface Trail {
  readonly size: number;
  readonly verdict: "first" | "extended" | "changed";
  readonly lines: readonly Line[];
}

const PART = 50;

function lineOf(e: Json): Line {
  const r = e.entry as Json;
  return { index: Number(e.index), timeMillis: Number(r.time_millis), act: String(r.act), by: String(r.by ?? ""), byName: String(e.by_name ?? ""), name: String(r.name ?? ""), what: String(r.what ?? ""), whom: String(r.account ?? ""), roles: ((r.roles ?? []) as unknown[]).map(String), bank: String(r.bank ?? "") };
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

/** What was changed of an account: its roles before, where an older line that is here says so, and after. */
export function changeInWords(l: Line, all: readonly Line[]): string {
  if (l.roles.length === 0) return l.what;
  const inWords = (of: Line) => rolesInWords(of.roles) + (of.bank === "" ? "" : `, ${ends(of.bank)}`);
  const before = l.act === "roles-changed" ? all.find((o) => o.index < l.index && o.whom === l.whom && o.roles.length > 0) : undefined;
  return before ? `${inWords(before)} → ${inWords(l)}` : inWords(l);
}

/** Who did it: an account by its name, or who sat at the machine itself. */
function who(l: Line): string {
  return l.by === "" ? t("audit.machine") : l.byName || ends(l.by);
}

function matches(l: Line, all: readonly Line[], query: string): boolean {
  return [actInWords(l.act), l.name, l.what, l.by, who(l), changeInWords(l, all)].some((text) => text.toLowerCase().includes(query));
}

/** The lines as a file has them: in words, with times that spreadsheets read, and the accounts' numbers. */
export function table(lines: readonly Line[], all: readonly Line[]): string[][] {
  const head = ["№", t("audit.time"), t("audit.by"), `${t("audit.by")}, №`, t("audit.what"), t("audit.whom"), `${t("audit.whom")}, №`, t("audit.detail")];
  return [head, ...lines.map((l) => [String(l.index), stamp(l.timeMillis), who(l), l.by, actInWords(l.act), l.name, l.whom, changeInWords(l, all)])];
}

/** What was loaded and all that is older. */
async function whole(loaded: readonly Line[]): Promise<readonly Line[]> {
  const every = [...loaded];
  for (let last = every.at(-1)?.index ?? 0; last > 0; last = every.at(-1)!.index) {
    const part = ((await ask(`/v1/audit?limit=${PART}&before=${last}`)) as Json).entries as Json[];
    if (part.length === 0) break;
    every.push(...part.map(lineOf));
  }
  return every;
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
          const shown = all.filter((l) => matches(l, all, query));
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
                <Table stacked about={t("audit.title")} head={[t("audit.time"), t("audit.by"), t("audit.what"), t("audit.whom"), t("audit.detail")]}>
                  {shown.map((l) => (
                    <tr key={l.index}>
                      <td data-label={t("audit.time")}>{moment(l.timeMillis, language.value)}</td>
                      <td data-label={t("audit.by")} class="quoted">
                        {who(l)}
                      </td>
                      <td data-label={t("audit.what")}>{actInWords(l.act)}</td>
                      <td data-label={t("audit.whom")} class="quoted">
                        {l.name}
                      </td>
                      <td data-label={t("audit.detail")} class="id">
                        {changeInWords(l, all)}
                      </td>
                    </tr>
                  ))}
                </Table>
              )}
              <p class="acts">
                {last > 0 && <button onClick={() => void more(last)}>{t("older")}</button>}
                <button
                  onClick={() =>
                    void whole(all).then(
                      (every) => download("audit.csv", "text/csv", csv(table(every.filter((l) => matches(l, every, query)), every), language.value)),
                      setError, // no part of it passes for the whole
                    )
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
