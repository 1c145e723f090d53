// Tables as files (RFC 4180), which spreadsheets open: a text that would be read as a formula there is kept a text. Where the decimal
// sign is a comma, in Kazakh and Russian, spreadsheets want a semicolon between cells. The mark at the beginning says UTF-8 to them.

import type { Language } from "./format";

function cell(value: string, separator: string): string {
  const safe = /^[=+\-@\t\r]/.test(value) && !/^-?\d+([.,]\d+)?$/.test(value) ? `'${value}` : value;
  return /["\r\n']/.test(safe) || safe.includes(separator) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function csv(rows: readonly (readonly string[])[], language: Language): string {
  const separator = language === "en" ? "," : ";";
  return `\ufeff${rows.map((r) => r.map((value) => cell(value, separator)).join(separator)).join("\r\n")}\r\n`;
}

/** Tenge without groups, with the decimal sign of a language: with a point programs read them. */
export function decimal(tiyn: bigint, language: Language = "en"): string {
  const absolute = tiyn < 0n ? -tiyn : tiyn;
  return `${tiyn < 0n ? "-" : ""}${absolute / 100n}${language === "en" ? "." : ","}${String(absolute % 100n).padStart(2, "0")}`;
}

/** Hands a file to the person. */
export function download(name: string, type: string, content: BlobPart): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
