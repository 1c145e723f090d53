// @vitest-environment node
// Many events are few looks.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { inTurn, paced } from "./turns";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("looks", () => {
  it("are one at a time, and one behind it for all who ask meanwhile, whether or not the first succeeds", async () => {
    const ends: { done: () => void; fail: (e: Error) => void }[] = [];
    const look = inTurn(() => new Promise<void>((done, fail) => ends.push({ done, fail })));
    const first = look();
    const others = Array.from({ length: 400 }, () => look());
    expect(ends).toHaveLength(1);
    ends[0]!.fail(new Error("no"));
    await expect(first).rejects.toThrow("no");
    await vi.waitFor(() => expect(ends).toHaveLength(2));
    ends[1]!.done();
    await Promise.all(others);
    void look();
    expect(ends).toHaveLength(3);
  });

  it("that are never answered do not keep the next from beginning", async () => {
    let begun = 0;
    const look = inTurn(() => (begun++, new Promise(() => {})));
    void look();
    void look();
    await vi.advanceTimersByTimeAsync(20_001);
    expect(begun).toBe(2);
  });

  it("of events are a second apart, the last event included", () => {
    let looks = 0;
    const heard = paced(() => looks++, 1_000);
    for (let i = 0; i < 3_000; i++) heard();
    expect(looks).toBe(1);
    vi.advanceTimersByTime(1_000);
    expect(looks).toBe(2);
    vi.advanceTimersByTime(10_000);
    expect(looks).toBe(2);
  });
});
