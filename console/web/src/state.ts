// Where one is, and what is asked for again and again.

import { signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Signal } from "@preact/signals";
import type { Failure } from "./api";

export interface Place { page: string; rest: string; query: URLSearchParams }

/** What was escaped; a text that nobody escaped is what it is. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function read(): Place {
  const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const at = path.indexOf("/");
  const page = at < 0 ? path : path.slice(0, at);
  return { page, rest: at < 0 ? "" : decoded(path.slice(at + 1)), query: new URLSearchParams(query) };
}

export const place = signal<Place>(read());
addEventListener("hashchange", () => { place.value = read(); });

export function link(page: string, query: Record<string, string | null | undefined> = {}): string {
  const all = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value) all.set(name, value);
  const text = all.toString();
  return `#/${page}${text ? `?${text}` : ""}`;
}

/** The same page with another query; no step back leads to the one before. */
export function requery(page: string, query: Record<string, string | null | undefined>): void {
  history.replaceState(null, "", link(page, query));
  place.value = read();
}

/** A fault of ours looks like a failure of the gateway's, without a code. */
function failureOf(error: unknown): Failure {
  return error instanceof Error && "code" in error ? (error as Failure) : (Object.assign(new Error(String(error)), { status: 0, code: "fault" }) as Failure);
}

export interface Loaded<T> { data: T | undefined; failure: Failure | undefined; again: () => void }

/** Loads at once, whenever `on` changes, and every so many milliseconds while the tab is seen; what was there stays until there is something new. */
export function useLoaded<T>(load: (abort: AbortSignal) => Promise<T>, on: unknown[], every = 0): Loaded<T> {
  const data: Signal<T | undefined> = useSignal(undefined);
  const failure: Signal<Failure | undefined> = useSignal(undefined);
  const turn = useSignal(0);
  const now = turn.value;
  useEffect(() => {
    const abort = new AbortController();
    let timer = 0;
    const go = async () => {
      try {
        if (!document.hidden || data.peek() === undefined) {
          data.value = await load(abort.signal);
          failure.value = undefined;
        }
      } catch (error) {
        if (abort.signal.aborted) return;
        failure.value = failureOf(error);
      }
      if (every && !abort.signal.aborted) timer = setTimeout(go, every);
    };
    void go();
    return () => { abort.abort(); clearTimeout(timer); };
  }, [...on, now]);
  return { data: data.value, failure: failure.value, again: () => { turn.value++; } };
}
