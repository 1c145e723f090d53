// Lines of a history: what was paid and received, with a mark, words and the other side's name.

import { date, ends, money, time } from "../format";
import { type Key, language, t } from "../words";
import type { HistoryLine } from "./client";
import { whom } from "./facts";
import { isPayment, wordOf } from "./kinds";
import { nameOf } from "./private";
import { otherOf, overRefunded, refundOf } from "./refund";
import { address, go, params, setParam } from "./route";
import { bankOf, history, record } from "./state";

export { wordOf };

/** What a payment was for. A refund names by its number what it gives back: that is said by its day and sum, where it is known. */
export function memoOf(line: { readonly memo: string }, known: readonly HistoryLine[] = history.value ?? []): string {
  const of = refundOf(line.memo);
  if (of === undefined) return line.memo;
  const payment = known.find((l) => l.id.startsWith(of));
  return payment ? t("line.refund", { day: date(payment.millis, language.value), amount: money(payment.net < 0n ? -payment.net : payment.net, language.value) }) : t("line.refund-unseen");
}

/** What a payment was for, as lists and receipts show it: in quotation marks, since it is what somebody wrote, and no word of this page.
 * Marks inside are made others, so that no text leaves its own. */
export function quotedMemo(line: { readonly memo: string }, known?: readonly HistoryLine[]): string {
  if (line.memo === "" || refundOf(line.memo) !== undefined) return memoOf(line, known);
  return t("rules.quoted", { name: line.memo.replace(/[«»“”„‟″〝〞]/g, "'") });
}

/** What stands where a name stands: the person's own word for a wallet, a bank's name, or the ends of its number; never a memo. */
export const calledHere = (wallet: string) => nameOf(wallet) ?? bankOf(wallet) ?? ends(wallet);

/** Says loudly that something was given back twice, to everybody who sees the history: the ledger has no rule against it. */
export function GivenTwice({ lines }: { lines: readonly HistoryLine[] }) {
  return overRefunded(lines).map(({ payment, over }) => (
    <div key={payment.id} class="card refused" role="alert">
      <b>{t("refund.twice", { over: money(over, language.value) })}</b>
      <p>{t("refund.twice-about", { amount: money(payment.net, language.value), day: date(payment.millis, language.value), time: time(payment.millis, language.value) })}</p>
    </div>
  ));
}

/** What a list shows beside what it always does, as its address says. */
export type Column = "memo" | "other" | "id" | "entry";
const COLUMN_NAMES: Record<Column, Key> = { memo: "csv.memo", other: "csv.other", id: "csv.id", entry: "csv.entry" };

export function chosenColumns(): readonly Column[] {
  const said = new Set((params.value.get("cols") ?? "").split(","));
  return (Object.keys(COLUMN_NAMES) as Column[]).filter((c) => said.has(c));
}

function choose(column: Column, shown: boolean): void {
  const others = chosenColumns().filter((c) => c !== column);
  setParam("cols", (shown ? [...others, column] : others).join(","));
}

export function Columns() {
  const chosen = chosenColumns();
  return (
    <details>
      <summary>{t("columns.title")}</summary>
      <fieldset>
        <legend class="hidden">{t("columns.title")}</legend>
        {(Object.keys(COLUMN_NAMES) as Column[]).map((c) => (
          <label key={c} class="check">
            <input type="checkbox" checked={chosen.includes(c)} onChange={(e) => choose(c, e.currentTarget.checked)} />
            <span>{t(COLUMN_NAMES[c])}</span>
          </label>
        ))}
      </fieldset>
    </details>
  );
}

/** The chosen columns of a line, each with its name. */
export function Cells({ line, own }: { line: HistoryLine; own: string }) {
  const values: Record<Column, string> = { memo: quotedMemo(line), other: otherOf(line, own) ?? "", id: line.id, entry: String(line.index) };
  return chosenColumns().map((c) => (
    <span key={c} class="cell dim">
      {t(COLUMN_NAMES[c])}: <span class={c === "memo" ? "" : "id"}>{values[c] || "–"}</span>
    </span>
  ));
}

/** With whom a contract is, or whom it paid, where a line says so. */
function withWhom(line: HistoryLine, own: string): string {
  const other = otherOf(line, own) ?? line.paidOut?.[0]?.wallet;
  return other === undefined ? "" : `${t("line.with", { name: whom(other) })}, `;
}

export function Line({ line, columns = false }: { line: HistoryLine; columns?: boolean }) {
  const own = record.value?.wallet ?? "";
  const other = isPayment(line) ? otherOf(line, own) : undefined; // where a contract's money is, nobody was paid
  const word = wordOf(line);
  const bank = other === undefined ? undefined : bankOf(other);
  const name = other === undefined ? t(word) : calledHere(other);
  const query = { id: line.id };
  return (
    <li>
      <span class="icon" aria-hidden="true">
        {line.net > 0n ? "↓" : line.net < 0n ? "↑" : "·"}
      </span>
      <span>
        {line.kind === "" ? (
          <b>{name}</b>
        ) : (
          <a
            class={name === bank ? "quoted" : ""}
            href={address("receipt", query)}
            onClick={(e) => {
              e.preventDefault();
              go("receipt", query);
            }}
          >
            {name}
          </a>
        )}
        <br />
        <span class="dim">
          {name !== t(word) && `${t(word)}, `}
          {!isPayment(line) && withWhom(line, own)}
          <span class="when">
            {date(line.millis, language.value)}, {time(line.millis, language.value)}
          </span>
        </span>
        {line.memo !== "" && !(columns && chosenColumns().includes("memo")) && (
          <>
            <br />
            <span class="dim">{quotedMemo(line)}</span>
          </>
        )}
        {columns && <Cells line={line} own={own} />}
      </span>
      <span class={line.net > 0n ? "amount good" : "amount"}>{line.net === 0n ? "" : `${line.net > 0n ? "+" : ""}${money(line.net, language.value)}`}</span>
    </li>
  );
}
