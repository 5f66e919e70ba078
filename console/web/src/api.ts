// Asking the gateway. What goes wrong is told in the words of whoever knows, or else in ours.

import { signal } from "@preact/signals";
import { decoded } from "./state";
import type { Welcome, Who } from "./types";

export class Failure extends Error {
  constructor(readonly status: number, readonly code: string, message: string) {
    super(message);
  }
}

/** Who is signed in; `undefined`: nobody has asked yet, `null`: nobody is. */
export const who = signal<Who | null | undefined>(undefined);

/** How one signs in, as far as it is known. */
export const welcome = signal<Welcome>({ token: "Token", hint: "", holders: true });

/** How often a question is asked again of a server that answers four of one session at a time. */
const AGAIN = 5;

async function ask<T>(method: string, path: string, body?: unknown, abort?: AbortSignal, asked = 0): Promise<T> {
  const headers: Record<string, string> = { "x-fairlead-console": "1" };
  if (body !== undefined) headers["content-type"] = "application/json";
  let answer: Response;
  try {
    answer = await fetch(`/api/v1/${path}`, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal: abort, credentials: "same-origin" });
  } catch (error) {
    if (abort?.aborted) throw error;
    throw new Failure(0, "unreachable", "the gateway does not answer: is it running, and is the port-forward still there?");
  }
  if (answer.status === 204) return undefined as T;
  const told = await answer.json().catch(() => null);
  if (answer.ok) return told as T;
  const failure = new Failure(answer.status, told?.error?.code ?? "unknown", told?.error?.message ?? `the gateway answered ${answer.status}`);
  if (failure.code === "too_many_questions" && asked < AGAIN) {
    await new Promise((wake) => setTimeout(wake, 150 * 2 ** asked));
    abort?.throwIfAborted();
    return ask(method, path, body, abort, asked + 1);
  }
  if (told?.signIn) welcome.value = told.signIn;
  if (failure.code === "signed_out" && who.value) who.value = null;
  throw failure;
}

export const get = <T>(path: string, abort?: AbortSignal) => ask<T>("GET", path, undefined, abort);
export const post = <T>(path: string, body: unknown, abort?: AbortSignal) => ask<T>("POST", path, body, abort);

export async function begin(): Promise<void> {
  // A link may bring a token; it is used once, and stands in no history. Whoever is signed in stays who they are: somebody else's link makes
  // nobody look, or write, as somebody else.
  const brought = /^#(token|key)=(.+)$/.exec(location.hash);
  if (brought) history.replaceState(null, "", "/");
  try {
    who.value = await get<Who>("session");
    return;
  } catch {
    // Nobody is.
  }
  try {
    who.value = brought ? await post<Who>("session", { [brought[1]!]: decoded(brought[2]!) }) : null;
  } catch {
    who.value = null;
  }
}

export async function signOut(): Promise<void> {
  await ask("DELETE", "session").catch(() => undefined);
  who.value = null;
}
