import { useEffect, useState } from "preact/hooks";
import { csv, decimal, download } from "../csv";
import { date, stamp, time } from "../format";
import { counted, language, t } from "../words";
import { type HistoryLine, Refusal, Unreached } from "./client";
import { Columns, GivenTwice, Line, memoOf, wordOf } from "./lines";
import { Choice, Field, Title } from "./parts";
import { nameOf } from "./private";
import { otherOf } from "./refund";
import { params, setParam } from "./route";
import { asOf, bankOf, client, history, record, signedIn } from "./state";

const PAGE = 100;
const MOST_LINES = 10_000;

export type Way = "" | "in" | "out";

/** Whether a line is one that is looked for: by its way, and by words in its memo, the other side's name or number. */
export function wanted(line: HistoryLine, text: string, way: Way, own: string): boolean {
  if (way === "in" && line.net <= 0n) return false;
  if (way === "out" && line.net >= 0n) return false;
  const other = otherOf(line, own) ?? "";
  const all = `${line.memo}\n${memoOf(line)}\n${other}\n${nameOf(other) ?? bankOf(other) ?? ""}\n${line.id}\n${decimal(line.net)}`.toLowerCase();
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => all.includes(word));
}

function table(lines: readonly HistoryLine[], own: string): string {
  const head = [t("csv.time"), t("csv.what"), t("csv.other"), t("csv.name"), t("csv.memo"), t("csv.amount"), t("csv.id"), t("csv.entry")];
  return csv([
    head,
    ...lines.map((l) => {
      const other = otherOf(l, own) ?? "";
      return [stamp(l.millis), t(wordOf(l, lines)), other, nameOf(other) ?? bankOf(other) ?? "", memoOf(l, lines), decimal(l.net, language.value), l.id, String(l.index)];
    }),
  ], language.value);
}

export function HistoryPage() {
  const own = record.value?.wallet ?? "";
  const [lines, setLines] = useState<readonly HistoryLine[] | undefined>(history.value);
  const [next, setNext] = useState<bigint | undefined>(undefined);
  const [stale, setStale] = useState(false);
  const [busy, setBusy] = useState(false);
  const text = params.value.get("q") ?? "";
  const way = (params.value.get("way") ?? "") as Way;
  const more = async (before?: bigint) => {
    if (busy) return;
    setBusy(true);
    try {
      const page = await signedIn((wallet) => client.history(wallet, PAGE, before));
      setLines((old) => (before === undefined ? page.lines : [...(old ?? []), ...page.lines]));
      setNext(page.next);
      setStale(false);
    } catch (error) {
      if (!(error instanceof Unreached || error instanceof Refusal)) throw error;
      setStale(true);
    } finally {
      setBusy(false);
    }
  };
  useEffect(() => void more(), []);
  const found = lines?.filter((l) => wanted(l, text, way, own));
  return (
    <>
      <Title text="nav.history" />
      <Field label="history.search" value={text} change={(v) => setParam("q", v)} />
      <Choice
        label="history.way"
        value={way}
        change={(v) => setParam("way", v)}
        choices={[
          ["", t("history.all")],
          ["in", t("line.in")],
          ["out", t("line.out")],
        ]}
      />
      <Columns />
      <GivenTwice lines={lines ?? []} />
      {stale && (
        <p class="warn" role="status">
          {asOf.value === undefined ? t("unreached") : t("home.stale", { time: `${date(asOf.value, language.value)}, ${time(asOf.value, language.value)}` })}
        </p>
      )}
      {found === undefined ? (
        <p class="skeleton">{stale ? t("unknown") : t("loading")}</p>
      ) : (
        <>
          <p class="dim" role="status">
            {counted("history.found", found.length)}
          </p>
          <ul class="lines">
            {found.map((l) => (
              <Line key={String(l.index)} line={l} columns />
            ))}
          </ul>
          <p class="acts">
            {next !== undefined && (lines?.length ?? 0) < MOST_LINES && (
              <button disabled={busy} onClick={() => void more(next)}>
                {t("history.older")}
              </button>
            )}
            <button disabled={found.length === 0} onClick={() => download("aqsha-history.csv", "text/csv", table(found, own))}>
              {t("history.csv")}
            </button>
          </p>
        </>
      )}
    </>
  );
}
