// The end of a cashier's device, also where the node knows it no more.

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
