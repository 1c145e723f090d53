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

interface Parts {
  readonly day: number;
  readonly month: number; // 1 to 12
  readonly clock: string; // 24 hours
}

// A formatter takes a cheap phone milliseconds to make, and a list asks for many times: each is made once, when it is first needed.
let clock: Intl.DateTimeFormat | undefined;
let calendar: Intl.DateTimeFormat | undefined;

/** A time taken apart at the network's zone. Names of months are our own: browsers write Kazakh ones as "M11". */
function partsOf(millis: number): Parts {
  clock ??= new Intl.DateTimeFormat("en-GB", { timeZone: ZONE, day: "numeric", month: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const parts = clock.formatToParts(millis);
  const of = (type: string) => parts.find((p) => p.type === type)?.value ?? "";
  return { day: Number(of("day")), month: Number(of("month")), clock: `${of("hour")}:${of("minute")}` };
}

const MONTHS: Record<Language, readonly string[]> = {
  en: ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"],
  kk: ["қаңтар", "ақпан", "наурыз", "сәуір", "мамыр", "маусым", "шілде", "тамыз", "қыркүйек", "қазан", "қараша", "желтоқсан"],
  ru: ["января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября", "октября", "ноября", "декабря"],
};

export function time(millis: number, _: Language): string {
  return partsOf(millis).clock;
}

/** A day so near, before or after, is meant when no year is said. */
const NEAR = 100 * 86_400_000;

function dayOfYear(millis: number, language: Language): string {
  const { day, month } = partsOf(millis);
  return `${day}${NBSP}${MONTHS[language][month - 1]}`;
}

/** A day: within this year's near months without its year, for a phone is narrow; any other with it. */
export function date(millis: number, language: Language, now = Date.now()): string {
  const near = Math.abs(millis - now) <= NEAR && dayIn(millis).slice(0, 4) === dayIn(now).slice(0, 4);
  return near ? dayOfYear(millis, language) : fullDate(millis, language);
}

/** A day with its year, for what is kept. */
export function fullDate(millis: number, language: Language): string {
  const year = dayIn(millis).slice(0, 4);
  return language === "kk" ? `${year}${NBSP}жылғы ${dayOfYear(millis, language)}` : `${dayOfYear(millis, language)}${NBSP}${year}`;
}

/** A time for tables, as RFC 3339 writes it with the network's zone: 2026-11-29T01:00:00+05:00. */
export function stamp(millis: number): string {
  const zoned = new Intl.DateTimeFormat("en-GB", { timeZone: ZONE, timeZoneName: "longOffset" }).formatToParts(millis).find((p) => p.type === "timeZoneName")?.value ?? "";
  const clock = new Intl.DateTimeFormat("en-GB", { timeZone: ZONE, hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }).format(millis);
  return `${dayIn(millis)}T${clock}${zoned.replace("GMT", "") || "Z"}`;
}

/** A day and its time, for what is to come. */
export function moment(millis: number, language: Language): string {
  return `${date(millis, language)}, ${time(millis, language)}`;
}

/** The day that it is at the network, as 2026-11-29. */
export function dayIn(millis: number): string {
  calendar ??= new Intl.DateTimeFormat("en-CA", { timeZone: ZONE, year: "numeric", month: "2-digit", day: "2-digit" });
  return calendar.format(millis);
}

/** The two ends of an id, which a person can compare. */
export function ends(id: string): string {
  return id.length <= 12 ? id : `${id.slice(0, 4)}…${id.slice(-4)}`;
}
