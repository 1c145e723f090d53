// Nobody wrote the recovery code down: what the wallet holds is gone with this phone. Until then the page asks for no more money
// than the law lets a wallet of an unidentified person hold, and nobody for a higher level.

import { money } from "../format";
import { language, t } from "../words";
import { balance, policy, record } from "./state";

/** The level of unidentified people: the first. */
const UNIDENTIFIED = 0;

export const unsaved = () => record.value?.recoverySaved === false;

/** The most that the page lets such a wallet come to; undefined where nothing caps it, or where the limits are not known yet. */
export function most(): bigint | undefined {
  const of = policy.value?.tiers[UNIDENTIFIED]?.balanceMost;
  return unsaved() && of !== undefined && of > 0n ? of : undefined;
}

/** What the wallet's own level says against a sum: who pays it would be refused. Of an open sum it says nothing. */
function overLevel(amount: bigint | undefined): string | undefined {
  const b = balance.value;
  const most = b && policy.value?.tiers[b.tier]?.balanceMost;
  if (!most || amount === undefined || b.tiyn + amount <= most) return undefined;
  return t("ask.level", { most: money(most, language.value), left: money(b.tiyn < most ? most - b.tiyn : 0n, language.value) });
}

/** What stands against asking for a sum, none for an open one: a text. */
export function against(amount: bigint | undefined): string | undefined {
  if (!unsaved()) return overLevel(amount);
  if (!policy.value) return t("unsaved.unknown");
  const cap = most();
  if (cap === undefined) return overLevel(amount);
  const held = balance.value?.tiyn ?? 0n;
  const left = held < cap ? cap - held : 0n;
  if (amount !== undefined && amount <= left) return undefined;
  return t(amount === undefined ? "unsaved.open" : "unsaved.more", { most: money(cap, language.value), left: money(left, language.value) });
}
