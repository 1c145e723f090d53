// Days and times that a node writes as numbers, for people.

import { type Language, fullDate, time } from "./format";

/** A day as the node counts it, 2026-11-30, in words with its year; anything else as it is. */
export function dayOf(text: string, language: Language): string {
  const millis = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T12:00:00+05:00`) : NaN;
  return Number.isNaN(millis) ? text : fullDate(millis, language);
}

/** A text in which times stand as 2026-11-30 09:00 (UTC+05), with them in words; midnight is the day alone. */
export function momentsIn(text: string, language: Language): string {
  return text.replace(/\b(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}) \(UTC\+05\)/g, (whole, day: string, clock: string) => {
    const millis = Date.parse(`${day}T${clock}:00+05:00`);
    if (Number.isNaN(millis)) return whole;
    return clock === "00:00" ? fullDate(millis, language) : `${fullDate(millis, language)}, ${time(millis, language)}`;
  });
}
