import { useState } from "preact/hooks";
import { amountOf } from "../json";
import { csv, decimal, download } from "../csv";
import { money, moment } from "../format";
import { type Key, language, t } from "../words";
import { explain, loadRefusals } from "../words/refusals";
import { Choice, Later, Title } from "../wallet/parts";
import { type Json, ask } from "./api";
import { Shown, Table, useLoaded } from "./parts";
import { account, params, setParam } from "./state";

const EVERY = 5_000; // milliseconds between looks at what moves

interface Now {
  readonly circulating: bigint;
  readonly live: bigint;
  readonly issued: bigint;
  readonly redeemed: bigint;
  readonly tokens: number;
  readonly wallets: number;
  readonly blocks: readonly { readonly height: string; readonly timeMillis: number; readonly entries: number; readonly root: string }[];
}

async function loadNow(): Promise<Now> {
  const [s, b] = (await Promise.all([ask("/v1/supply"), ask("/v1/blocks?limit=5")])) as [Json, Json[]];
  return {
    circulating: amountOf(s.circulating),
    live: amountOf(s.live),
    issued: amountOf(s.issued),
    redeemed: amountOf(s.redeemed),
    tokens: Number(s.tokens),
    wallets: Number(s.wallets),
    blocks: b.map((one) => ({ height: String(one.height), timeMillis: Number(one.time_millis), entries: Number(one.count), root: String(one.root) })),
  };
}

let ahead: Now | undefined;

/** Asks for what the page shows before its words are there: both are then shown together. */
export async function lookAhead(): Promise<void> {
  ahead = await loadNow();
}

/** What was loaded ahead, once: who comes back to the page later sees what is so then. */
function takeAhead(): Now | undefined {
  const now = ahead;
  ahead = undefined;
  return now;
}

export const MEASURES = ["payments", "value", "active", "held", "velocity", "refusals"] as const;

interface Row {
  readonly date: string;
  readonly of: string; // a refusal's code; "" for all together
  readonly value: bigint | undefined; // undefined where too few wallets would be told of
  readonly ratio: number | undefined;
}

interface Series {
  readonly unit: string;
  readonly rows: readonly Row[];
  readonly parts: readonly Row[]; // of refusals: by code
}

function rowsOf(s: Json): readonly Row[] {
  return (s.rows as Json[]).map((r) => ({ date: String(r.date), of: String(r.of ?? ""), value: r.value === undefined ? undefined : amountOf(r.value), ratio: r.ratio === undefined ? undefined : Number(r.ratio) }));
}

async function loadSeries(measure: string, step: string): Promise<Series> {
  const path = `/v1/series/${measure}?step=${step}`;
  if (measure !== "refusals") {
    const s = (await ask(path)) as Json;
    return { unit: String(s.unit), rows: rowsOf(s), parts: [] };
  }
  const [s, parts] = (await Promise.all([ask(path), ask(`${path}&by=code`), loadRefusals().catch(() => {})])) as [Json, Json, unknown];
  return { unit: String(s.unit), rows: rowsOf(s), parts: rowsOf(parts) };
}

/** What the table lists: each period, and behind it what it consists of. */
function linesOf({ rows, parts }: Series): readonly Row[] {
  return rows.flatMap((r) => [r, ...parts.filter((p) => p.date === r.date)]);
}

/** A refusal in words, or all of them together. */
function whyOf(row: Row): string {
  return row.of === "" ? t("series.all") : explain(row.of).title;
}

function inWords(row: Row, unit: string): string {
  if (row.value === undefined && row.ratio === undefined) return t("series.few");
  if (row.value !== undefined) return unit === "tiyn" ? money(row.value, language.value) : String(row.value);
  return (row.ratio ?? 0).toFixed(3);
}

/** Bars, the highest as high as the picture, and how high that is. What they show stands in the table below, so a reader of the screen hears that. */
function Bars({ rows, unit }: { rows: readonly Row[]; unit: string }) {
  const heights = rows.map((r) => (r.value === undefined ? (r.ratio ?? 0) : Number(r.value)));
  const top = Math.max(...heights, 1e-9);
  const highest = rows[heights.indexOf(Math.max(...heights))]!;
  if (heights.every((h) => h === 0)) return <p class="dim">{t("series.zero", { from: rows[0]!.date, to: rows.at(-1)!.date })}</p>;
  return (
    <>
      <svg class="bars" viewBox={`0 0 ${rows.length * 10} 100`} preserveAspectRatio="none" aria-hidden="true">
        {heights.map((h, i) => (
          <rect key={rows[i]!.date} x={i * 10 + 1} width="8" y={99 - (h / top) * 98} height={(h / top) * 98 + 1} />
        ))}
      </svg>
      <p class="dim">{t("series.span", { from: rows[0]!.date, to: rows.at(-1)!.date, most: inWords(highest, unit) })}</p>
    </>
  );
}

function SeriesCard() {
  const measure = MEASURES.find((m) => m === params.value.get("measure")) ?? "payments";
  const step = ["day", "week", "month"].find((s) => s === params.value.get("step")) ?? "day";
  return (
    <section class="card" aria-label={t("series.title")}>
      <h2>{t("series.title")}</h2>
      <div class="row">
        <Choice label="series.measure" value={measure} change={(m) => setParam("measure", m)} choices={MEASURES.map((m) => [m, t(`measure.${m}`)] as const)} />
        <Choice label="series.step" value={step} change={(s) => setParam("step", s)} choices={["day", "week", "month"].map((s) => [s, t(`step.${s}` as Key)] as const)} />
      </div>
      <Days key={`${measure} ${step}`} measure={measure} step={step} />
    </section>
  );
}

/** What was counted. Another measure begins anew: what it was before is never shown under another name. */
function Days({ measure, step }: { measure: (typeof MEASURES)[number]; step: string }) {
  const loaded = useLoaded(() => loadSeries(measure, step), [account.value?.id]);
  const why = measure === "refusals";
  return (
      <Shown of={loaded}>
        {({ rows, unit, parts }) =>
          rows.length === 0 ? (
            <p class="dim">{t("series.empty")}</p>
          ) : (
            <>
              {rows.every((r) => r.value === undefined && r.ratio === undefined) ? <p class="dim">{t(why ? "series.hidden-refused" : "series.hidden")}</p> : <Bars rows={rows} unit={unit} />}
              {why && <p class="dim">{t("series.counted-here")}</p>}
              <details>
                <summary>{t("series.table")}</summary>
                <Table about={t(`measure.${measure}`)} head={[t("series.date"), ...(why ? [t("series.why")] : []), t(`measure.${measure}`)]}>
                  {linesOf({ unit, rows, parts }).map((r) => (
                    <tr key={r.date + r.of}>
                      <td>{r.date}</td>
                      {why && <td>{whyOf(r)}</td>}
                      <td class="n">{inWords(r, unit)}</td>
                    </tr>
                  ))}
                </Table>
                <p class="acts">
                  <button
                    onClick={() =>
                      download(`${measure}.csv`, "text/csv", csv([["date", ...(why ? ["code"] : []), measure], ...linesOf({ unit, rows, parts }).map((r) => [r.date, ...(why ? [r.of] : []), r.value === undefined ? String(r.ratio ?? "").replace(".", language.value === "en" ? "." : ",") : unit === "tiyn" ? decimal(r.value, language.value) : String(r.value)])], language.value))
                    }
                  >
                    {t("csv")}
                  </button>
                </p>
              </details>
            </>
          )
        }
      </Shown>
  );
}

interface Link {
  readonly kind: string;
  readonly role: string;
  readonly path: string;
}

interface Step {
  readonly name: string;
  readonly title: string; // in English
  readonly titles: Readonly<Record<string, string>>;
  readonly state: string;
  readonly links: readonly Link[];
}

const LINKS: Readonly<Record<string, Key>> = {
  wallet: "story.link.wallet",
  receipt: "story.link.receipt",
  refusal: "story.link.refusal",
  history: "story.link.history",
  contract: "story.link.contract",
  supply: "story.link.supply",
  log: "story.link.log",
  notes: "story.link.notes",
  purses: "story.link.purses",
  trail: "story.link.trail",
};

/** Pages of this node to which the story may lead. */
const PLACES = /^\/(wallet\/|explorer(#|$)|audit$|\?|$)/;

/** Where a link of the story leads: to a page, as one of the story's people where it is somebody's. */
function placeOf({ path, role }: Link): string {
  const to = new URL(path, location.origin);
  if (role !== "") to.searchParams.set("as", role);
  return to.pathname + to.search + to.hash;
}

function Links({ of }: { of: readonly Link[] }) {
  const known = of.filter((l) => Object.hasOwn(LINKS, l.kind) && PLACES.test(l.path));
  return (
    <>
      {known.map((l) => (
        <>
          {" "}
          <a key={l.path + l.role} class="quoted" href={placeOf(l)}>
            {t(LINKS[l.kind]!, { name: l.role })}
          </a>
        </>
      ))}
    </>
  );
}

/** The story of a development network, as far as it was played. */
function Story() {
  const loaded = useLoaded(async () => ((await ask("/v1/story")) as Json[]).map((s): Step => ({ name: String(s.name), title: String(s.title), titles: (s.titles ?? {}) as Record<string, string>, state: String(s.state), links: (s.links as Json[]).map((l) => ({ kind: String(l.kind), role: String(l.role ?? ""), path: String(l.path) })) })), []);
  if (!loaded.value || loaded.value.length === 0) return null;
  return (
    <details class="card">
      <summary>{t("story.title")}</summary>
      <ol>
        {loaded.value.map((s) => (
          <li key={s.name}>
            {s.titles[language.value] ?? <span lang="en">{s.title}</span>} {s.state === "played" && <span class="good">✓ {t("story.played")}</span>}
            <Links of={s.links} />
          </li>
        ))}
      </ol>
    </details>
  );
}

const served = () => import("../wallet/served").then((m) => m.Served);

/** The hash of the pages, which is asked for by who opens it. */
function Pages() {
  const [open, setOpen] = useState(false);
  return (
    <details class="card" onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary>{t("pages.title")}</summary>
      {open && <Later load={served} props={{}} />}
    </details>
  );
}

export function Overview() {
  const loaded = useLoaded(loadNow, [account.value?.id], EVERY, takeAhead);
  return (
    <>
      <Title text="overview.title" />
      <Shown of={loaded}>
        {(now) => (
          <>
            <div class="grid">
              <div class="card">
                <p class="dim">{t("overview.circulating")}</p>
                <p class="big">{money(now.circulating, language.value)}</p>
                <p class="dim">{t("overview.issued", { issued: money(now.issued, language.value), redeemed: money(now.redeemed, language.value) })}</p>
              </div>
              <div class="card">
                <p class="dim">{t("overview.live")}</p>
                <p class={now.live === now.circulating ? "big good" : "big problem"}>{t(now.live === now.circulating ? "overview.equal" : "overview.unequal")}</p>
                <p class="dim">{money(now.live, language.value)}</p>
              </div>
              <div class="card">
                <p class="dim">{t("overview.wallets")}</p>
                <p class="big">{now.wallets}</p>
                <p class="dim">{t("overview.tokens", { count: String(now.tokens) })}</p>
              </div>
            </div>
            <h2>{t("overview.blocks")}</h2>
            <Table stacked about={t("overview.blocks")} head={[t("overview.height"), t("overview.time"), t("overview.entries"), t("overview.root")]}>
              {now.blocks.map((b) => (
                <tr key={b.height}>
                  <td data-label={t("overview.height")} class="n">{b.height}</td>
                  <td data-label={t("overview.time")}>{moment(b.timeMillis, language.value)}</td>
                  <td data-label={t("overview.entries")} class="n">{b.entries}</td>
                  <td data-label={t("overview.root")} class="id">{b.root.slice(0, 16)}…</td>
                </tr>
              ))}
            </Table>
          </>
        )}
      </Shown>
      <SeriesCard />
      <Story />
      <Pages />
    </>
  );
}
