// The end of a cashier's device, also where the node knows it no more; and the steps of a contract that are a wallet's own.

import { describe, expect, it } from "vitest";
import { Client, Refusal } from "./client";

const answering = (status: number, code?: string) => new Client("", "https://tenge.example.kz", async () => new Response(code === undefined ? null : JSON.stringify({ code, detail: "" }), { status }));

describe("ending a delegation", () => {
  const wallet = "aa".repeat(16);

  it("is done when the node ends it, and when it knows none of that id", async () => {
    await expect(answering(204).revoke(wallet, "ab")).resolves.toBeUndefined();
    await expect(answering(404, "not-found").revoke(wallet, "ab")).resolves.toBeUndefined();
  });

  it("is not done when the node refuses, or has no such address", async () => {
    await expect(answering(403, "forbidden").revoke(wallet, "ab")).rejects.toThrow(Refusal);
    await expect(answering(404, "no-route").revoke(wallet, "ab")).rejects.toThrow(Refusal);
  });
});

describe("the steps of a contract", () => {
  const [sender, receiver] = ["aa".repeat(16), "bb".repeat(16)];
  const by: Record<string, string> = { leave: sender, release: receiver };

  /** A node that is open to read: unless a wallet is named it looks at each action for the party that may. */
  const open = new Client("", "https://tenge.example.kz", async (path) => {
    const as = new URL(String(path), "https://x").searchParams.get("as");
    const step = (action: string) => ({ action, caller: as ?? by[action], possible: as === null || as === by[action], ...(as !== null && as !== by[action] && { problem: { code: "wrong-caller" } }) });
    return new Response(JSON.stringify({ steps: Object.keys(by).map(step) }));
  });

  it("are offered to the party that may take them", async () => {
    const offered = async (wallet: string) => (await open.steps("cc".repeat(16), wallet)).filter((s) => s.possible).map((s) => s.action);
    expect(await offered(sender)).toEqual(["leave"]);
    expect(await offered(receiver)).toEqual(["release"]);
  });

  it("that were looked at for somebody else are nobody's here", async () => {
    const deaf = new Client("", "https://tenge.example.kz", async () => new Response(JSON.stringify({ steps: [{ action: "release", caller: receiver, possible: true }] })));
    expect(await deaf.steps("cc".repeat(16), sender)).toEqual([]);
  });
});
