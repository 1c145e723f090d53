// What the wallet's level lets it pay now. Nothing is 0: without a limit.

import { balance, clockOff, policy } from "./state";

export interface Limits {
  readonly name: string;
  readonly paymentMost?: bigint;
  readonly dayMost?: bigint;
  readonly dayLeft?: bigint;
  readonly paymentsPerDay?: number;
}

const DAY = 86_400_000;

/** The day that the ledger counts, by its own clock and offset. */
function today(offset: number): number {
  return Math.floor((Date.now() + clockOff.value + offset) / DAY);
}

export function limitsNow(): Limits | undefined {
  const p = policy.value;
  const b = balance.value;
  const tier = b && p?.tiers[b.tier];
  if (!p || !b || !tier) return undefined;
  const paid = b.day === today(p.dayOffsetMillis) ? b.paidToday : 0n;
  const left = tier.dayMost - paid;
  return {
    name: tier.name,
    ...(tier.paymentMost > 0n && { paymentMost: tier.paymentMost }),
    ...(tier.dayMost > 0n && { dayMost: tier.dayMost, dayLeft: left < 0n ? 0n : left }),
    ...(tier.paymentsPerDay > 0 && { paymentsPerDay: tier.paymentsPerDay }),
  };
}
