import { useEffect, useState } from "preact/hooks";
import { sha256 } from "@noble/hashes/sha2.js";
import { hex } from "../ledger/bytes";
import { t } from "../words";

const PATIENCE = 20_000; // milliseconds
const LINE = /^[0-9a-f]{64} {2}[\w./-]+$/;

/** The SHA-256 of the list of files that this node says it serves (docs/FORMATS.md, "Pages"); undefined where it has none, or answers with no list. Computed with a library: without HTTPS a browser gives a page no hashes. */
export async function servedHash(): Promise<string | undefined> {
  const response = await fetch("/v1/pages", { credentials: "omit", cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
  const list = new Uint8Array(await response.arrayBuffer());
  const lines = new TextDecoder().decode(list).split("\n");
  if (!response.ok || lines.pop() !== "" || lines.length === 0 || !lines.every((line) => LINE.test(line))) return undefined;
  return hex(sha256(list));
}

/** What the pages of this node are, and how to compare them with those of a program that somebody built himself. */
export function Served() {
  const [hash, setHash] = useState<string | undefined>(undefined);
  const [none, setNone] = useState(false);
  useEffect(() => {
    servedHash().then(
      (h) => (h === undefined ? setNone(true) : setHash(h)),
      () => setNone(true),
    );
  }, []);
  return (
    <>
      <p class="id" data-testid="pages-hash" role="status">
        {none ? t("pages.none") : hash === undefined ? t("loading") : `SHA-256 ${hash}`}
      </p>
      <p>{t("pages.compare", { command: "aqsha version" })}</p>
      <p class="dim">{t("pages.lie")}</p>
    </>
  );
}
