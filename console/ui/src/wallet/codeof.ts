import { Refusal, Unreached, isRule } from "./client";
import { Locked } from "./keptkey";
import { Full, Gone } from "./store";

/** The code of what went wrong; what is a fault of the program goes on. */
export function codeOf(error: unknown): string {
  if (error instanceof Refusal || isRule(error)) return error.code;
  if (error instanceof Unreached) return "unreached";
  if (error instanceof Full) return "full";
  if (error instanceof Locked) return "wallet-locked";
  if (error instanceof Gone) return "storage-gone";
  throw error;
}
