// The live view: one stream for the whole tab, however many parts of a page look at it.

import { signal } from "@preact/signals";
import type { Entry } from "./types";

type Hear = (entries: Entry[], skipped: number) => void;

const hearers = new Set<Hear>();
let source: EventSource | undefined;

export type Link = "off" | "on" | "broken";
export const linked = signal<Link>("off");

function open(): void {
  source = new EventSource("/api/v1/live");
  source.onopen = () => { linked.value = "on"; };
  source.onerror = () => { linked.value = "broken"; };
  source.addEventListener("requests", (event) => {
    const { requests, skipped } = JSON.parse((event as MessageEvent<string>).data) as { requests: Entry[]; skipped: number };
    for (const hear of hearers) hear(requests, skipped);
  });
}

/** Hears of every request that ends, until the function that is given back is called. */
export function follow(hear: Hear): () => void {
  hearers.add(hear);
  if (!source) open();
  return () => {
    hearers.delete(hear);
    if (hearers.size === 0) {
      source?.close();
      source = undefined;
      linked.value = "off";
    }
  };
}
