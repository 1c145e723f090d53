// The node as its own pages ask it: the browser sends the session's cookie along by itself, with requests of this site alone.

import { parse, plainAll, stringify } from "../json";

/** The node's no: problem details of RFC 9457. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
  ) {
    super(code);
  }
}

/** Nobody was reached, or the answer was lost. */
export class Unreached extends Error {}

export type Json = Readonly<Record<string, unknown>>;

const PATIENCE = 20_000; // milliseconds

/** Asks the node; undefined where it answers with nothing. */
export async function ask(path: string, method = "GET", body?: unknown): Promise<unknown> {
  let response: Response;
  let content: string;
  try {
    response = await fetch(path, {
      method,
      credentials: "same-origin",
      cache: "no-store",
      signal: AbortSignal.timeout(PATIENCE),
      ...(body !== undefined && { headers: { "Content-Type": "application/json" }, body: stringify(body) }),
    });
    content = await response.text();
  } catch {
    throw new Unreached("nobody answers");
  }
  if (response.status === 204) return undefined;
  let value: unknown;
  try {
    value = plainAll(parse(content));
  } catch {
    if (response.ok) throw new Unreached("no answer of a node");
    throw new Refusal(response.status, "internal");
  }
  if (!response.ok) throw new Refusal(response.status, String((value as Json).code ?? "internal"));
  return value;
}
