// Lines of a history: what was paid and received, with a mark, words and the other side's name.

import { date, ends, money, time } from "../format";
import { type Key, language, t } from "../words";
import type { HistoryLine } from "./client";
import { nameOf } from "./private";
import { address, go } from "./route";
import { record } from "./state";

/** The other side of a line: the payee of what was paid, the payer of what was received. */
export function otherOf(line: HistoryLine, own: string): string | undefined {
  const payers = line.parties.slice(0, line.payers);
  const payees = line.parties.slice(line.payers);
  return (line.net > 0n ? payers : payees).find((p) => p !== own) ?? line.parties.find((p) => p !== own);
}

export function wordOf(line: HistoryLine): Key {
  if (line.kind === "") return "line.system";
  if (line.net === 0n) return line.kind === "transfer" ? "line.own" : "line.change";
  return line.net > 0n ? "line.received" : "line.paid";
}

export function Line({ line }: { line: HistoryLine }) {
  const own = record.value?.wallet ?? "";
  const other = otherOf(line, own);
  const word = wordOf(line);
  const name = other === undefined ? t(word) : (nameOf(other) ?? (line.memo || ends(other)));
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
