import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Failure, get, post, who } from "../api";
import { count, dollars, moment, span } from "../format";
import { follow, linked } from "../live";
import { link, place, requery, useLoaded } from "../state";
import type { Attempt, Entry, Filter, Keys, Page, Provider, Rule } from "../types";
import { Code, Copy, Field, Input, Loading, outcome, Panel, requestColumns, State, Table, Title, Wrong } from "../ui";

const OUTCOMES = ["ok", "recovered", "refused", "failed", "incomplete"];
const TIMES: [string, string, number][] = [["15m", "15 min", 900], ["1h", "1 hour", 3600], ["24h", "24 hours", 86_400], ["7d", "7 days", 604_800], ["all", "all that is kept", 0]];
const NAMES = ["key", "team", "model", "provider", "rule", "outcome", "class", "text"] as const;
const MOST = 500;

type Query = Partial<Record<(typeof NAMES)[number] | "last" | "live", string>>;

function queryOf(params: URLSearchParams): Query {
  return Object.fromEntries([...params].filter(([, value]) => value)) as Query;
}

function filterOf(query: Query): Filter {
  const filter: Filter = {};
  for (const name of NAMES) if (query[name]) filter[name] = query[name];
  const seconds = TIMES.find(([name]) => name === (query.last ?? "1h"))?.[2];
  if (seconds) filter.from_unix_us = (Date.now() - seconds * 1000) * 1000;
  return filter;
}

/** What a store answers a filter with, asked of a request that has just ended. */
function fits(entry: Entry, query: Query): boolean {
  const last = entry.attempts.findLast((attempt) => attempt.outcome === "ok") ?? entry.attempts.findLast((attempt) => attempt.sent) ?? entry.attempts.at(-1);
  const text = query.text?.toLowerCase();
  return (!query.key || entry.key === query.key) && (!query.team || entry.team === query.team) && (!query.model || entry.model === query.model)
    && (!query.rule || entry.rule === query.rule) && (!query.provider || last?.provider === query.provider)
    && (!query.outcome || outcome(entry) === query.outcome)
    && (!query.class || entry.error === query.class || entry.attempts.some((attempt) => attempt.outcome === query.class))
    && (!text || [entry.key, entry.model, entry.rule, entry.error, entry.user_agent, last?.provider, last?.model].some((word) => word?.toLowerCase().includes(text)));
}

export function RequestsPage() {
  const query = queryOf(place.value.query);
  const holder = who.value?.holder ?? false;
  const filter = NAMES.map((name) => query[name] ?? "").join("|") + (query.last ?? "");
  const entries = useSignal<Entry[] | undefined>(undefined);
  const next = useSignal<string | null>(null);
  const failure = useSignal<Failure | undefined>(undefined);
  const missed = useSignal(0);
  const turn = useSignal(0);
  const live = query.live === "1";
  const form = useRef<HTMLFormElement>(null);
  const names = useLoaded(async (abort) => {
    const pages = who.value?.pages ?? [];
    const [keys, rules, providers] = await Promise.all([
      pages.includes("keys") ? get<Keys>("keys", abort) : undefined, pages.includes("rules") ? get<Rule[]>("rules", abort) : [], pages.includes("providers") ? get<Provider[]>("providers", abort) : [],
    ]);
    return { keys: keys?.keys ?? [], rules, providers };
  }, [holder]);

  // What is shown, by id; of what comes live the oldest go again, but not what was asked for.
  const known = useRef(new Map<string, Entry>());
  const older = useRef(0);
  const show = () => {
    const sorted = [...known.current.values()].sort((one, other) => other.started_unix_us - one.started_unix_us);
    for (const entry of sorted.splice(MOST + older.current)) known.current.delete(entry.id);
    entries.value = sorted;
  };
  const now = turn.value;
  useEffect(() => {
    older.current = 0;
    const abort = new AbortController();
    const all = known.current;
    all.clear();
    let shown = false;
    // Followed first and loaded then, and put together by their ids: none is lost between the two.
    const stop = live
      ? follow((fresh, skipped) => {
          for (const entry of fresh) if (fits(entry, query)) all.set(entry.id, entry);
          missed.value += skipped;
          if (shown) show();
        })
      : () => undefined;
    missed.value = 0;
    post<Page>("requests", { filter: filterOf(query), ask: { limit: 50 } }, abort.signal).then((page) => {
      for (const entry of page.entries) all.set(entry.id, entry);
      next.value = page.next;
      failure.value = undefined;
      shown = true;
      show();
    }, (error) => { if (!abort.signal.aborted) failure.value = error as Failure; });
    return () => { abort.abort(); stop(); };
  }, [filter, live, now]);

  const more = async () => {
    try {
      const page = await post<Page>("requests", { filter: filterOf(query), ask: { after: next.value, limit: 100 } });
      older.current += page.entries.length;
      for (const entry of page.entries) known.current.set(entry.id, entry);
      next.value = page.next;
      show();
    } catch (error) {
      failure.value = error as Failure;
    }
  };
  const apply = () => {
    const said = Object.fromEntries(new FormData(form.current!)) as Query;
    requery("requests", { ...said, last: said.last === "1h" ? null : said.last });
  };
  const filtered = NAMES.some((name) => query[name]);
  return (
    <>
      <Title about="Every request that has ended, with each attempt that was made for it. Times are yours.">Requests</Title>
      <form class="filter" ref={form} role="search" onSubmit={(event) => { event.preventDefault(); apply(); }} onChange={apply}>
        <Field label="Last"><select name="last" value={query.last ?? "1h"}>{TIMES.map(([name, words]) => <option value={name} selected={name === (query.last ?? "1h")}>{words}</option>)}</select></Field>
        <Field label="Outcome"><select name="outcome" value={query.outcome ?? ""}><option value="">any</option>{OUTCOMES.map((word) => <option value={word} selected={word === query.outcome}>{word}</option>)}</select></Field>
        {!holder && <Field label="Key"><Input name="key" value={query.key} words={names.data?.keys.map((key) => key.name)} placeholder="any" /></Field>}
        <Field label="Model"><Input name="model" value={query.model} words={names.data?.rules.flatMap((rule) => rule.models)} placeholder="any" /></Field>
        {!holder && <Field label="Provider"><Input name="provider" value={query.provider} words={names.data?.providers.map((provider) => provider.name)} placeholder="any" /></Field>}
        {!holder && <Field label="Rule"><Input name="rule" value={query.rule} words={names.data?.rules.map((rule) => rule.name)} placeholder="any" /></Field>}
        <Field label="Failure"><Input name="class" value={query.class} placeholder="rate_limited" /></Field>
        <Field label="Text"><Input name="text" id="search" value={query.text} placeholder="press / to search" /></Field>
        <label class="switch"><input type="checkbox" name="live" value="1" checked={live} />Live</label>
        {filtered && <a class="button" href={link("requests", { live: query.live })}>Clear</a>}
      </form>
      <Wrong failure={failure.value} again={() => { turn.value++; }} />
      <div class="note" aria-live="polite">
        {live && (linked.value === "on" ? <State of="ok" say="live" /> : <State of="resting" say={linked.value === "broken" ? "the stream was cut; it is taken up again by itself" : "connecting"} />)}
        {missed.value > 0 && <span>{`${count(missed.value)} more have ended than are shown as they come; load the page again to see them`}</span>}
      </div>
      {entries.value === undefined
        ? !failure.value && <Loading />
        : (
          <Panel title={`${count(entries.value.length)} ${entries.value.length === 1 ? "request" : "requests"}${next.value ? ", the newest" : ""}`}>
            <Table label="Requests" rows={entries.value} id={(entry) => entry.id} columns={requestColumns(true)}
              empty={filtered || query.last !== "all" ? <>Nothing that is kept fits. <a href={link("requests", { last: "all" })}>Show all that is kept.</a></> : <>No request has come yet. <a href={link("setup")}>Send the first.</a></>} />
            {next.value && <div class="more"><button type="button" onClick={more}>Load 100 more</button></div>}
          </Panel>
        )}
    </>
  );
}

function Fact({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return <div><dt>{name}</dt><dd>{children}</dd></div>;
}

/** Attempts on one line of time; those that ran beside each other stand below each other. */
function Timeline({ entry }: { entry: Entry }) {
  const whole = Math.max(entry.duration_us, ...entry.attempts.map((attempt) => attempt.ended_us), 1);
  const at = (micros: number) => `${Math.min(100, (100 * micros) / whole)}%`;
  const wide = (from: number, to: number) => `${Math.max(0.3, Math.min(100, (100 * (to - from)) / whole))}%`;
  const tone = (attempt: Attempt) => (attempt.outcome === "ok" ? "good" : attempt.outcome === "hedged" || !attempt.sent ? "calm" : "bad");
  // Behind its bar where there is room, else before it, else in it.
  const label = (attempt: Attempt) => {
    if (attempt.ended_us <= whole * 0.75) return { style: { left: at(attempt.ended_us) } };
    if (attempt.started_us >= whole * 0.25) return { style: { right: `${100 - (100 * attempt.started_us) / whole}%` } };
    return { class: "inside", style: { left: at(attempt.started_us + attempt.queued_us) } };
  };
  return (
    <div class="timeline" role="img" aria-label={`Attempts over ${span(whole)}: ${entry.attempts.map((attempt) => `${attempt.target} ${attempt.outcome} from ${span(attempt.started_us)} to ${span(attempt.ended_us)}`).join("; ")}`}>
      <div class="ruler">{[0, 0.25, 0.5, 0.75, 1].map((part) => <span style={{ left: `${part * 100}%` }}>{span(whole * part)}</span>)}</div>
      {entry.attempts.map((attempt) => (
        <div class="lane">
          <span class="who">{attempt.target}</span>
          <div class="track">
            {attempt.queued_us > 0 && <i class="queued" style={{ left: at(attempt.started_us), width: wide(attempt.started_us, attempt.started_us + attempt.queued_us) }} />}
            <i class={tone(attempt)} style={{ left: at(attempt.started_us + attempt.queued_us), width: wide(attempt.started_us + attempt.queued_us, attempt.ended_us) }} />
            {attempt.first_content_us != null && <i class="content" style={{ left: at(attempt.first_content_us), width: wide(attempt.first_content_us, attempt.ended_us) }} />}
            <em {...label(attempt)}>{`${attempt.outcome}${attempt.status && tone(attempt) === "bad" ? ` ${attempt.status}` : ""}${attempt.hedge ? ", beside another" : ""}`}</em>
          </div>
        </div>
      ))}
    </div>
  );
}

interface Written { text: string; bytes: number; cut: boolean }

/** What was written, once somebody asks: each reading is audited. */
function Content({ id }: { id: string }) {
  const said = useSignal("");
  const read = async () => {
    try {
      const told = await get<{ request: Written; answer?: Written }>(`content/${id}`);
      said.value = [told.request, told.answer].map((one) => one ? `${one.text}${one.cut ? `\n(cut, of ${count(one.bytes)} bytes)` : ""}` : "").join("\n\n");
    } catch (error) {
      said.value = (error as Failure).message;
    }
  };
  return <Panel title="Content">{said.value ? <Code text={said.value} label="Content" /> : <div class="more"><button type="button" onClick={read}>Read</button></div>}</Panel>;
}

export function RequestPage() {
  const id = place.value.rest;
  const { data: entry, failure, again } = useLoaded((abort) => get<Entry>(`requests/${encodeURIComponent(id)}`, abort), [id]);
  const back = <a href={link("requests")}>Requests</a>;
  if (!entry) return failure ? <><Title about={back}>{`Request ${id}`}</Title><Wrong failure={failure} again={again} /></> : <Loading />;
  const tokens = entry.tokens;
  const holder = who.value?.holder;
  return (
    <>
      <Title about={<>{back}{` · ${moment(entry.started_unix_us)}`}</>}>{`Request ${entry.id}`}</Title>
      <dl class="facts">
        <Fact name="Outcome"><State of={outcome(entry)} />{` ${entry.status || "no status"}${entry.error ? ` ${entry.error}` : ""}${entry.complete ? "" : ", not complete"}${entry.finish_reason ? `, ${entry.finish_reason}` : ""}`}</Fact>
        <Fact name="Asked for">{`${entry.model ?? "nothing"} (${entry.operation ?? entry.route ?? "no operation"})${entry.stream ? ", streamed" : ""}, by way of ${entry.surface || "?"}`}</Fact>
        <Fact name="Key">{entry.key ? holder ? entry.key : <a href={link("requests", { key: entry.key })}>{entry.key}</a> : "none"}{entry.team ? ` of ${entry.team}` : ""}</Fact>
        <Fact name="Rule">{entry.rule ? holder ? entry.rule : <a href={link("rules")}>{entry.rule}</a> : "none: the name says where"}{entry.chosen_by ? `, ${entry.chosen_by === "only" ? "its only target" : entry.chosen_by.replaceAll("_", " ")}` : ""}{`, generation ${entry.generation}`}</Fact>
        {entry.constraints.length > 0 && <Fact name="Constrained by">{entry.constraints.join(", ")}</Fact>}
        <Fact name="Time taken">{span(entry.duration_us)}{entry.first_content_us != null ? `, first content after ${span(entry.first_content_us)}` : ""}</Fact>
        <Fact name="Tokens">{tokens ? `${tokens.estimated ? "about " : ""}${count(tokens.input)} in${tokens.cache_read ? ` (${count(tokens.cache_read)} cached)` : ""}, ${count(tokens.output)} out${tokens.reasoning ? ` (${count(tokens.reasoning)} reasoning)` : ""}` : "nobody has told"}</Fact>
        <Fact name="Cost">{entry.cost ? `${entry.cost.estimated ? "about " : ""}${dollars(entry.cost.nanos)}` : "no price is known"}{entry.budget ? `, cheaper targets first for ${entry.budget}` : ""}</Fact>
        <Fact name="Bytes">{`${count(entry.request_bytes)} in, ${count(entry.response_bytes)} out`}</Fact>
        {entry.trace && <Fact name="Trace"><span class="mono">{entry.trace.id}</span> <span class="faint">{entry.trace.sampled ? "kept " : "not kept "}</span><Copy text={entry.trace.id} /></Fact>}
        {entry.user_agent && <Fact name="User agent">{entry.user_agent}</Fact>}
        {entry.tags.map((tag) => <Fact name={tag.name}>{tag.value}</Fact>)}
      </dl>
      <Panel title="Attempts on one line of time" aside={<span class="legend"><span><i class="queued" aria-hidden="true" />queue</span><span><i class="good" aria-hidden="true" />answers</span><span><i class="content" aria-hidden="true" />content flows</span><span><i class="bad" aria-hidden="true" />failed</span><span><i class="calm" aria-hidden="true" />not sent, or dropped</span></span>}>
        {entry.attempts.length ? <Timeline entry={entry} /> : <div class="empty">Nothing was sent: {entry.error ?? "it was refused"}.</div>}
      </Panel>
      {entry.attempts.length > 0 && (
        <Panel title="Attempts">
          <Table label="Attempts" rows={entry.attempts.map((attempt, at) => ({ attempt, at }))} id={({ at }) => String(at)} columns={[
            { head: "#", number: true, cell: ({ at }) => at + 1 },
            { head: "Target", cell: ({ attempt }) => <b>{attempt.target}</b> },
            { head: "Outcome", cell: ({ attempt }) => <State of={attempt.outcome === "ok" || attempt.outcome === "hedged" ? attempt.outcome : attempt.sent ? "failed" : "skipped"} say={attempt.outcome} /> },
            { head: "Provider", wide: true, cell: ({ attempt }) => <span class="flow">{attempt.provider ?? "none"}<span class="faint">{attempt.server ?? attempt.address ?? ""}</span></span> },
            { head: "Model", cell: ({ attempt }) => attempt.response_model && attempt.response_model !== attempt.model ? `${attempt.model}, says ${attempt.response_model}` : attempt.model },
            { head: "Credential", cell: ({ attempt }) => attempt.credential ?? "-" },
            { head: "Status", number: true, cell: ({ attempt }) => attempt.status ?? "-" },
            { head: "Began", number: true, cell: ({ attempt }) => span(attempt.started_us) },
            { head: "Queued", number: true, cell: ({ attempt }) => (attempt.queued_us ? span(attempt.queued_us) : "-") },
            { head: "First", number: true, cell: ({ attempt }) => span(attempt.first_content_us) },
            { head: "Took", number: true, cell: ({ attempt }) => span(attempt.ended_us - attempt.started_us) },
            { head: "Tokens", number: true, cell: ({ attempt }) => (attempt.tokens ? `${count(attempt.tokens.input)} / ${count(attempt.tokens.output)}` : "-") },
            { head: "Cost", number: true, cell: ({ attempt }) => dollars(attempt.cost?.nanos) },
            { head: "Note", wide: true, cell: ({ attempt }) => [attempt.resend ? `try ${attempt.resend + 1} at it` : "", attempt.hedge ? "beside another" : "", attempt.dropped ? `left out: ${attempt.dropped}` : "", attempt.clamped ? `cut to ${count(attempt.clamped)} tokens` : ""].filter(Boolean).join("; ") },
          ]} />
        </Panel>
      )}
      {!holder && <Content key={entry.id} id={entry.id} />}
      {!holder && entry.key && entry.model && <p class="actions"><a class="button" href={link("explain", { key: entry.key, model: entry.model })}>Explain where it would go now</a><a class="button" href={link("requests", { model: entry.model, last: "24h" })}>Others for this model</a></p>}
    </>
  );
}
