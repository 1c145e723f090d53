import { useEffect, useState } from "preact/hooks";
import { csv, decimal, download } from "../csv";
import { date, stamp, time } from "../format";
import { counted, language, t } from "../words";
import { type HistoryLine, type HistoryPage, Refusal, Unreached } from "./client";
import { Columns, GivenTwice, Line, memoOf, wordOf } from "./lines";
import { Choice, Field, Title } from "./parts";
import { nameOf } from "./private";
import { otherOf } from "./refund";
import { params, setParam } from "./route";
import { asOf, bankOf, client, history, record, signedIn } from "./state";

const PAGE = 100;
const LARGE_PAGE = 200;

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

/** Reads a history on to its end, page by page, and says each time how far it is. What is given back is whole, or it throws. */
export async function readOn(read: (before: bigint) => Promise<HistoryPage>, have: readonly HistoryLine[], next: bigint | undefined, heard: (lines: readonly HistoryLine[], next: bigint | undefined) => void): Promise<readonly HistoryLine[]> {
  const lines = [...have];
  while (next !== undefined) {
    const page: HistoryPage = await read(next);
    lines.push(...page.lines);
    next = page.next;
    heard([...lines], next);
  }
  return lines;
}

/** How many were found among how many, and whether those are all. */
export function foundText(found: number, lookedThrough: number, all: boolean, searching: boolean): string {
  const count = counted("history.found", found);
  if (all) return count;
  return `${count}. ${searching ? t("history.looked", { count: String(lookedThrough) }) : t("history.newest")}`;
}

export function table(lines: readonly HistoryLine[], own: string): string {
  const head = [t("csv.time"), t("csv.what"), t("csv.other"), t("csv.name"), t("csv.memo"), t("csv.amount"), t("csv.id"), t("csv.entry")];
  return csv([
    head,
    ...lines.map((l) => {
      const other = otherOf(l, own) ?? "";
      return [stamp(l.millis), t(wordOf(l, lines)), other, nameOf(other) ?? bankOf(other) ?? "", memoOf(l, lines), decimal(l.net, language.value), l.id, String(l.index)];
    }),
  ], language.value);
}

export function HistoryList() {
  const own = record.value?.wallet ?? "";
  const [lines, setLines] = useState<readonly HistoryLine[] | undefined>(history.value);
  const [next, setNext] = useState<bigint | undefined>(undefined);
  const [whole, setWhole] = useState(false);
  const [stale, setStale] = useState(false);
  const [busy, setBusy] = useState<"" | "older" | "all">("");
  const [shown, setShown] = useState(PAGE);
  const text = params.value.get("q") ?? "";
  const way = (params.value.get("way") ?? "") as Way;
  const guarded = async <T,>(what: "older" | "all", work: () => Promise<T>): Promise<T | undefined> => {
    if (busy) return undefined;
    setBusy(what);
    try {
      const done = await work();
      setStale(false);
      return done;
    } catch (error) {
      if (!(error instanceof Unreached || error instanceof Refusal)) throw error;
      setStale(true);
      return undefined;
    } finally {
      setBusy("");
    }
  };
  const more = (before?: bigint) =>
    guarded("older", async () => {
      const page = await signedIn((wallet) => client.history(wallet, PAGE, before));
      setLines((old) => (before === undefined ? page.lines : [...(old ?? []), ...page.lines]));
      setNext(page.next);
      setWhole(page.next === undefined);
    });
  /** All lines, also those that were not looked at yet; undefined, and it is said, when they could not be had. */
  const all = () =>
    guarded("all", () =>
      readOn((before) => signedIn((wallet) => client.history(wallet, LARGE_PAGE, before)), lines ?? [], next, (read, on) => {
        setLines(read);
        setNext(on);
        setWhole(on === undefined);
      }),
    );
  const save = async () => {
    const read = whole ? lines : next === undefined ? undefined : await all();
    if (read) download("aqsha-history.csv", "text/csv", table(read.filter((l) => wanted(l, text, way, own)), own));
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
            {busy === "all" ? t("history.reading", { count: String(lines?.length ?? 0) }) : foundText(found.length, lines?.length ?? 0, whole, text !== "" || way !== "")}
          </p>
          {(text !== "" || way !== "") && next !== undefined && (
            <p>
              <button disabled={busy !== ""} onClick={() => void all()}>
                {t("history.look-all")}
              </button>
            </p>
          )}
          <ul class="lines">
            {found.slice(0, shown).map((l) => (
              <Line key={String(l.index)} line={l} columns />
            ))}
          </ul>
          <p class="acts">
            {(next !== undefined || found.length > shown) && (
              <button
                disabled={busy !== ""}
                onClick={() => {
                  if (found.length < shown + PAGE && next !== undefined) void more(next);
                  setShown(shown + PAGE);
                }}
              >
                {t("history.older")}
              </button>
            )}
            <button disabled={busy !== "" || (whole ? found.length === 0 : next === undefined)} onClick={() => void save()}>
              {t("history.csv")}
            </button>
          </p>
        </>
      )}
    </>
  );
}
