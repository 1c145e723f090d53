// Writes to-check.md: every text of the pages in three languages side by side, for native readers.

import { readFileSync, writeFileSync } from "node:fs";

const read = (name) => JSON.parse(readFileSync(new URL(name, import.meta.url), "utf8"));
const cell = (text) => text.replaceAll("|", "\\|");
const rows = (key, ...texts) => `| ${key} | ${texts.map(cell).join(" | ")} |\n`;
const [en, kk, ru] = ["en", "kk", "ru"].map((l) => read(`${l}.json`));
let out = "# Texts for native readers\n\nWritten by `npm run words`. What refusals mean stands in `/words` and [CODES](../../../../docs/CODES.md).\n\n| Key | English | Қазақша | Русский |\n|---|---|---|---|\n";
for (const key of Object.keys(en)) out += rows(key, en[key], kk[key], ru[key]);
out += "\n## The node's other pages\n\n| Key | English | Қазақша | Русский |\n|---|---|---|---|\n";
const [oen, okk, oru] = ["en", "kk", "ru"].map((l) => read(`console.${l}.json`));
for (const key of Object.keys(oen)) out += rows(key, oen[key], okk[key], oru[key]);
out += "\n## Learn\n\n| Card | English | Қазақша | Русский |\n|---|---|---|---|\n";
const [cen, ckk, cru] = ["en", "kk", "ru"].map((l) => read(`learn.${l}.json`));
for (const card of Object.keys(cen)) cen[card].forEach((text, i) => (out += rows(card, text, ckk[card][i], cru[card][i])));
out += "\n## Acts and parties of contracts\n\n| Key | English | Қазақша | Русский |\n|---|---|---|---|\n";
const [aen, akk, aru] = ["en", "kk", "ru"].map((l) => read(`acts.${l}.json`));
for (const key of Object.keys(aen)) out += rows(key, aen[key], akk[key], aru[key]);
out += "\n## The command line\n\n| Key | English | Қазақша | Русский |\n|---|---|---|---|\n";
const [wen, wkk, wru] = ["en", "kk", "ru"].map((l) => read(`../../../../words/${l}.json`));
const said = (text) => (typeof text === "string" ? text : Object.entries(text).map(([form, one]) => `${form}: ${one}`).join("; "))
  .replaceAll("\t", " · ");
for (const section of Object.keys(wen)) {
  if (["code", "money", "explain", "page"].includes(section)) continue; // in CODES
  for (const key of Object.keys(wen[section])) out += rows(`${section}.${key}`, said(wen[section][key]), said(wkk[section][key]), said(wru[section][key]));
}
writeFileSync(new URL("to-check.md", import.meta.url), out);
