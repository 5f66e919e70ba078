// What pages are made of.

import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import type { Failure } from "./api";
import { amount, away, clock, count, dollars, percent, short, span, usd } from "./format";
import { link } from "./state";
import type { Attempt, Entry, Limit } from "./types";

export function Panel({ title, aside, children, id }: { title: string; aside?: ComponentChildren; children: ComponentChildren; id?: string }) {
  return (
    <section class="panel" id={id} aria-label={title}>
      <header><h2>{title}</h2>{aside && <div class="aside">{aside}</div>}</header>
      {children}
    </section>
  );
}

export function Title({ children, about }: { children: string; about?: ComponentChildren }) {
  return <div class="title"><h1>{children}</h1>{about && <p>{about}</p>}</div>;
}

export function Empty({ children }: { children: ComponentChildren }) {
  return <div class="empty">{children}</div>;
}

export function Wrong({ failure, again }: { failure: Failure | undefined; again?: () => void }) {
  if (!failure) return null;
  return (
    <div class="wrong" role="alert">
      <span class="mark" aria-hidden="true">!</span>
      <span>{failure.message}</span>
      {again && <button type="button" onClick={again}>Try again</button>}
    </div>
  );
}

export function Loading() {
  return <div class="loading" role="status">Loading</div>;
}

/** A state: a shape, a word and a colour, so that none of them is needed to tell it. */
const STATES: Record<string, [string, string]> = {
  closed: ["good", "●"], ok: ["good", "●"], matched: ["good", "●"], ready: ["good", "●"], this: ["good", "●"],
  recovered: ["warn", "◆"], ramping: ["warn", "▲"], probing: ["warn", "◐"], resting: ["warn", "◆"], previous: ["warn", "◆"], incomplete: ["warn", "◆"], constrains: ["warn", "◆"], hedged: ["calm", "◇"],
  open: ["bad", "■"], benched: ["bad", "■"], failed: ["bad", "■"], refused: ["bad", "■"], nothing: ["bad", "■"], error: ["bad", "■"],
};

export function State({ of, say, more }: { of: string; say?: string; more?: string }) {
  const [tone, shape] = STATES[of] ?? ["calm", "○"];
  return <span class={`state ${tone}`} title={more}><i aria-hidden="true">{shape}</i>{say ?? of}</span>;
}

export function outcome(entry: Entry): string {
  const sent = entry.attempts.filter((attempt) => attempt.sent);
  if (entry.status >= 400) return sent.length ? "failed" : "refused";
  if (entry.status === 0 || !entry.complete) return "incomplete";
  return sent.some((attempt) => attempt.outcome !== "ok" && attempt.outcome !== "hedged") ? "recovered" : "ok";
}

export function Bar({ part, label }: { part: number; label: string }) {
  const share = Math.max(0, Math.min(1, Number.isFinite(part) ? part : 0));
  const tone = part >= 1 ? "bad" : part >= 0.8 ? "warn" : "good";
  return (
    <span class={`bar ${tone}`} role="meter" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(share * 100)}>
      <i style={{ width: `${share * 100}%` }} />
    </span>
  );
}

export function Spark({ values, tone = "line" }: { values: (number | null)[]; tone?: string }) {
  const known = values.map((value) => value ?? 0);
  const top = Math.max(...known, 1e-9);
  const at = (index: number, value: number) => `${((index / Math.max(1, known.length - 1)) * 100).toFixed(2)},${(23 - (value / top) * 21).toFixed(2)}`;
  const points = known.map((value, index) => at(index, value)).join(" ");
  return (
    <svg class={`spark ${tone}`} viewBox="0 0 100 24" preserveAspectRatio="none" aria-hidden="true">
      <polygon points={`0,24 ${points} 100,24`} />
      <polyline points={points} />
    </svg>
  );
}

export interface Column<T> { head: string; cell: (row: T) => ComponentChildren; number?: boolean; attempts?: boolean; sort?: (row: T) => number | string; wide?: boolean }

export function Table<T>({ rows, columns, id, label, empty }: { rows: T[]; columns: Column<T>[]; id: (row: T) => string; label: string; empty?: ComponentChildren }) {
  const [order, setOrder] = useState<{ at: number; down: boolean } | null>(null);
  if (!rows.length && empty) return <Empty>{empty}</Empty>;
  const by = order && columns[order.at]?.sort;
  const sorted = by
    ? [...rows].sort((one, other) => {
        const [a, b] = [by(one), by(other)];
        return (a < b ? -1 : a > b ? 1 : 0) * (order.down ? -1 : 1);
      })
    : rows;
  const press = (at: number) => setOrder((now) => (now?.at === at ? (now.down ? { at, down: false } : null) : { at, down: true }));
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={label}>
      <table>
        <thead>
          <tr>
            {columns.map((column, at) => (
              <th scope="col" class={column.number ? "number" : ""} aria-sort={order?.at === at ? (order.down ? "descending" : "ascending") : undefined}>
                {column.sort ? <button type="button" onClick={() => press(at)}>{column.head}{order?.at === at && <i aria-hidden="true">{order.down ? "▾" : "▴"}</i>}</button> : column.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sorted.map((row) => (
            <tr key={id(row)}>
              {columns.map((column) => <td class={`${column.number ? "number" : ""}${column.wide ? " wide" : ""}${column.attempts ? " tries" : ""}`}>{column.cell(row)}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Copy({ text, label = "Copy" }: { text: string; label?: string }) {
  const [done, setDone] = useState(false);
  const timer = useRef(0);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Without https a browser may have no clipboard for scripts.
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    setDone(true);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setDone(false), 1500);
  };
  return <button type="button" onClick={copy}><span aria-live="polite">{done ? "Copied" : label}</span></button>;
}

export function Code({ text, label, tools }: { text: string; label: string; tools?: ComponentChildren }) {
  return (
    <div class="code">
      <div class="tools">{tools}<Copy text={text} /></div>
      <pre tabIndex={0} aria-label={label}>{text}</pre>
    </div>
  );
}

export function Field({ label, children, hint }: { label: string; children: ComponentChildren; hint?: string }) {
  return <label class="field"><span>{label}</span>{children}{hint && <small>{hint}</small>}</label>;
}

interface InputProps {
  name: string; id?: string; value?: string; placeholder?: string; required?: boolean; words?: (string | null)[];
  onInput?: (event: TargetEvent) => void; onChange?: (event: TargetEvent) => void;
}
type TargetEvent = Event & { currentTarget: HTMLInputElement };

/** A field for a text, which offers what is known. */
export function Input({ words, onInput, onChange, ...rest }: InputProps) {
  const known = [...new Set(words)].filter((word): word is string => !!word).slice(0, 500);
  const list = known.length ? `words-${rest.name}` : undefined;
  return (
    <>
      <input type="text" spellcheck={false} autocomplete="off" {...rest} list={list} onInput={onInput as never} onChange={onChange as never} />
      {list && <datalist id={list}>{known.map((word) => <option value={word} />)}</datalist>}
    </>
  );
}

/** A name that may be long: cut where there is no room, and whole when it is pointed at. */
export function Clip({ text, strong, faint }: { text: string; strong?: boolean; faint?: boolean }) {
  return <span class={`clip${strong ? " strong" : ""}${faint ? " faint" : ""}`} title={text}>{text}</span>;
}

/** The attempts of a request in a line: what a list has to show, for a fallback is told nowhere else. */
export function Attempts({ of }: { of: Attempt[] }) {
  if (!of.length) return <span class="faint">none</span>;
  return (
    <span class="attempts">
      {of.map((attempt) => (
        <span class={attempt.outcome === "ok" ? "good" : attempt.outcome === "hedged" ? "calm" : attempt.sent ? "bad" : "calm"} title={`${attempt.provider ?? "no provider"} ${attempt.model}, ${span(attempt.ended_us - attempt.started_us)}`}>
          {attempt.target}<b>=</b>{attempt.outcome}
        </span>
      ))}
    </span>
  );
}

export function answeredBy(entry: Entry): string {
  const last = entry.attempts.findLast((attempt) => attempt.outcome === "ok");
  return last ? last.model : "";
}

export const requestColumns = (whole: boolean): Column<Entry>[] => [
  { head: "Time", cell: (entry) => <a class="mono" href={link(`requests/${entry.id}`)}>{clock(entry.started_unix_us)}</a> },
  { head: "Outcome", cell: (entry) => <><State of={outcome(entry)} /><span class="faint">{entry.status ? ` ${entry.status}` : ""}</span></> },
  { head: "Model", cell: (entry) => <><Clip text={entry.model ?? "-"} strong />{answeredBy(entry) && answeredBy(entry) !== entry.model && <Clip text={`→ ${answeredBy(entry)}`} faint />}</> },
  { head: "Key", cell: (entry) => (entry.key ? <Clip text={entry.key} /> : <span class="faint">none</span>) },
  { head: "Attempts", attempts: true, cell: (entry) => <Attempts of={entry.attempts} /> },
  ...(whole
    ? [{ head: "First", number: true, cell: (entry: Entry) => span(entry.first_content_us), sort: (entry: Entry) => entry.first_content_us ?? -1 }]
    : []),
  { head: "Took", number: true, cell: (entry) => span(entry.duration_us), sort: (entry) => entry.duration_us },
  ...(whole
    ? [
        { head: "Tokens in / out", number: true, cell: (entry: Entry) => (entry.tokens ? `${entry.tokens.estimated ? "≈ " : ""}${count(entry.tokens.input)} / ${count(entry.tokens.output)}` : "-"), sort: (entry: Entry) => (entry.tokens?.input ?? 0) + (entry.tokens?.output ?? 0) },
        { head: "Cost", number: true, cell: (entry: Entry) => `${entry.cost?.estimated ? "≈ " : ""}${dollars(entry.cost?.nanos)}`, sort: (entry: Entry) => entry.cost?.nanos ?? -1 },
      ]
    : []),
];

export function used(limit: Limit): number {
  const most = Number(limit.limit);
  return most > 0 ? Number(limit.used) / most : Number(limit.used) > 0 ? 1 : 0;
}

export function limitName(limit: Limit): string {
  if (limit.kind === "budget") return `${limit.name} (budget)`;
  if (limit.kind === "concurrency") return "at a time";
  return `${limit.name} (${limit.unit.replace("_", " ")} per ${Number(limit.perSeconds)} s)`;
}

/** At the pace since the window began: how much it will be at its end. */
export function forecast(limit: Limit): string | null {
  if (!limit.window || limit.kind !== "budget") return null;
  const [start, end] = limit.window.map((text) => Date.parse(text) / 1000) as [number, number];
  const passed = Date.now() / 1000 - start;
  if (passed < 60 || end <= start || Number(limit.used) === 0) return null;
  return `${usd((Number(limit.used) / passed) * (end - start))} at the end at this pace`;
}

export function Limits({ limits, whose = true }: { limits: Limit[]; whose?: boolean }) {
  return (
    <Table
      label="Limits" rows={limits} id={(limit) => `${limit.level} ${limit.holder} ${limit.kind} ${limit.name}`}
      columns={[
        ...(whose ? [{ head: "Of", cell: (limit: Limit) => <><Clip text={short(limit.holder)} strong /><Clip text={`${limit.level} in ${limit.holder.split("/")[0]}`} faint /></>, sort: (limit: Limit) => limit.holder }] : [{ head: "Of", cell: (limit: Limit) => `${limit.level} ${short(limit.holder)}` }]),
        { head: "Limit", cell: limitName },
        { head: "Used", cell: (limit) => <Bar part={used(limit)} label={`${limit.holder} ${limit.name}`} />, sort: used },
        { head: "Share", number: true, cell: (limit) => percent(Number(limit.used), Number(limit.limit)), sort: used },
        { head: "Used / limit", number: true, cell: (limit) => `${amount(limit.used, limit.unit)} / ${amount(limit.limit, limit.unit)}` },
        { head: "Left", number: true, cell: (limit) => amount(limit.remaining, limit.unit) },
        { head: "Begins anew", cell: (limit) => (limit.window ? <span title={limit.window[1]}>{away(Date.parse(limit.window[1]) / 1000)}</span> : <span class="faint">slides</span>) },
        { head: "Outlook", cell: (limit) => forecast(limit) ?? "" },
      ]}
    />
  );
}
