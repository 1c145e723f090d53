// What the node says that it serves, and what is no such list.

import { createHash } from "node:crypto";
import { afterEach, describe, expect, it, vi } from "vitest";
import { servedHash } from "./served";

const list = `${"ab".repeat(32)}  assets/wallet-AbCd.js\n${"cd".repeat(32)}  wallet/index.html\n`;

function answering(content: string, status = 200) {
  const asked = vi.fn(async () => new Response(content, { status }));
  vi.stubGlobal("fetch", asked);
  return asked;
}

describe("the hash of the pages", () => {
  afterEach(() => vi.unstubAllGlobals());

  it("is that of the bytes which the node answers", async () => {
    const asked = answering(list);
    expect(await servedHash()).toBe(createHash("sha256").update(list).digest("hex"));
    expect(asked).toHaveBeenCalledWith("/v1/pages", expect.objectContaining({ cache: "no-store", credentials: "omit" }));
    answering(list.replace("ab", "ac"));
    expect(await servedHash()).toBe(createHash("sha256").update(list.replace("ab", "ac")).digest("hex"));
  });

  it("is none where the node has no pages, refuses, or answers with something else", async () => {
    for (const [content, status] of [["", 200], [list, 404], [`{"code":"no-route"}`, 404], ["<!doctype html>\n", 200], [list.trimEnd(), 200], [`${list}\n`, 200], [list.toUpperCase(), 200]] as const) {
      answering(content, status);
      expect([content, await servedHash()]).toEqual([content, undefined]);
    }
  });
});
