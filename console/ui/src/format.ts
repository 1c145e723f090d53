// Money, times and ids as people of each language write them. Amounts are tiyn in bigint everywhere; nothing here rounds.

export type Language = "en" | "kk" | "ru";
export const LANGUAGES: readonly Language[] = ["kk", "ru", "en"];

const NBSP = "\u00a0";
const MOST = (1n << 63n) - 1n;

/** An amount with its sign of money: "1 234 567,50 ₸", in English "1,234,567.50 ₸". */
export function money(tiyn: bigint, language: Language): string {
  const [group, point] = language === "en" ? [",", "."] : [NBSP, ","];
  const absolute = tiyn < 0n ? -tiyn : tiyn;
  const whole = String(absolute / 100n).replace(/\B(?=(\d{3})+$)/g, group);
  return `${tiyn < 0n ? "−" : ""}${whole}${point}${String(absolute % 100n).padStart(2, "0")}${NBSP}₸`;
}

export type AmountProblem = "amount-empty" | "amount-form" | "amount-decimals" | "amount-zero" | "amount-large";

/** Reads what somebody typed: digits in groups or not, comma or point, at most two decimals. */
export function parseAmount(text: string): bigint | AmountProblem {
  const plain = text.replace(/[\s\u00a0\u202f]/g, "").replace(/₸$/, "");
  if (plain === "") return "amount-empty";
  const form = /^([0-9]+)(?:[.,]([0-9]*))?$/.exec(plain);
  if (!form) return "amount-form";
  const decimals = form[2] ?? "";
  if (decimals.length > 2) return "amount-decimals";
  const tiyn = BigInt(form[1]!) * 100n + BigInt(decimals.padEnd(2, "0"));
  if (tiyn === 0n) return "amount-zero";
  return tiyn > MOST ? "amount-large" : tiyn;
}

/** The network's day and clock, whatever zone the phone is in. */
const ZONE = "Asia/Almaty";

export function time(millis: number, language: Language): string {
  return new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, { timeZone: ZONE, hour: "2-digit", minute: "2-digit" }).format(millis);
}

/** The day within a year: histories are short, and a phone is narrow. */
export function date(millis: number, language: Language): string {
  return new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, { timeZone: ZONE, day: "numeric", month: "long" }).format(millis);
}

/** The two ends of an id, which a person can compare. */
export function ends(id: string): string {
  return id.length <= 12 ? id : `${id.slice(0, 4)}…${id.slice(-4)}`;
}
