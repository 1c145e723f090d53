// Lines of a history: what was paid and received, with a mark, words and the other side's name.

import { date, ends, money, time } from "../format";
import { type Key, language, t } from "../words";
import type { HistoryLine } from "./client";
import { nameOf } from "./private";
import { otherOf, refundOf } from "./refund";
import { address, go } from "./route";
import { history, record } from "./state";

/** What changed about a wallet without money. */
const CHANGES: Readonly<Record<string, Key>> = { transfer: "line.own", register: "line.opened", update: "line.level", rekey: "line.key", "cancel-rekey": "line.key-cancelled" };

export function wordOf(line: HistoryLine): Key {
  if (line.kind === "") return "line.system";
  if (line.net === 0n) return Object.hasOwn(CHANGES, line.kind) ? CHANGES[line.kind]! : "line.change";
  return line.net > 0n ? "line.received" : "line.paid";
}

/** What a payment was for. A refund names by its number what it gives back: that is said by its day and sum, where it is known. */
export function memoOf(line: { readonly memo: string }, known: readonly HistoryLine[] = history.value ?? []): string {
  const of = refundOf(line.memo);
  if (of === undefined) return line.memo;
  const payment = known.find((l) => l.id.startsWith(of));
  return payment ? t("line.refund", { day: date(payment.millis, language.value), amount: money(payment.net < 0n ? -payment.net : payment.net, language.value) }) : t("line.refund-unseen");
}

export function Line({ line }: { line: HistoryLine }) {
  const own = record.value?.wallet ?? "";
  const other = otherOf(line, own);
  const word = wordOf(line);
  const name = other === undefined ? t(word) : (nameOf(other) ?? (memoOf(line) || ends(other)));
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
          {date(line.millis, language.value)}, {time(line.millis, language.value)}
        </span>
      </span>
      <span class={line.net > 0n ? "amount good" : "amount"}>{line.net === 0n ? "" : `${line.net > 0n ? "+" : ""}${money(line.net, language.value)}`}</span>
    </li>
  );
}
