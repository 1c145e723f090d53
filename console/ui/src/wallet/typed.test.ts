// @vitest-environment node
import { expect, it } from "vitest";
import { keepTyped, typedIn } from "./typed";

it("what was typed is there again after another page or a lock, for the same wallet, until it was paid", () => {
  const typed = { to: "02".repeat(16), amount: "150", memo: "нан", purpose: "3" };
  const nothing = { to: "", amount: "", memo: "", purpose: "" };
  keepTyped("a", typed);
  expect([typedIn("a", ""), typedIn("b", "")]).toEqual([typed, nothing]);
  expect(typedIn("a", "aqsha:x")).toEqual({ ...nothing, to: "aqsha:x" }); // a request is another payment
  keepTyped("a");
  expect(typedIn("a", "")).toEqual(nothing);
});
