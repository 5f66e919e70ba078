import { useSignal } from "@preact/signals";
import { get, post } from "../api";
import { Chart } from "../chart";
import { away, count, day, dollars, percent, usd } from "../format";
import { link, useLoaded } from "../state";
import type { Key, Keys, Limit, Usage } from "../types";
import { Clip, Empty, Field, limitName, Limits, Loading, Panel, State, Table, Title, used, Wrong } from "../ui";

const SPANS: [string, number][] = [["24 hours", 1], ["7 days", 7], ["30 days", 30], ["90 days", 90]];
const BYS = ["key", "team", "provider", "model"] as const;

interface Row { key: Key; usage: Usage | undefined; near: Limit | undefined }

function csv(rows: Usage[]): string {
  const columns = ["start_unix_s", "team", "key", "provider", "model", "requests", "failed", "refused", "input_tokens", "output_tokens", "cost_nanos"] as const;
  // A cell that a spreadsheet would take for a formula is told to be text.
  const cell = (value: unknown) => {
    const text = String(value ?? "");
    return typeof value === "number" ? text : `"${(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
  };
  return [columns.join(), ...rows.map((row) => columns.map((name) => cell(row[name])).join())].join("\n");
}

function save(name: string, text: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

export function KeysPage() {
  const days = useSignal(7);
  const by = useSignal<(typeof BYS)[number]>("model");
  const { data, failure, again } = useLoaded((abort) => get<Keys>("keys", abort), [], 10_000);
  // By whole hours, as it is summed up.
  const from = Math.floor(Date.now() / 3_600_000) * 3600 - days.value * 86_400;
  const ask = <T,>(question: object, abort: AbortSignal) => post<T>("usage", { from_unix_s: from, ...question }, abort);
  const usage = useLoaded(async (abort) => {
    const [keys, time, split] = await Promise.all([ask<Usage[]>({ by: ["key"] }, abort), ask<Usage[]>({ by: [days.value > 2 ? "day" : "hour"] }, abort), ask<Usage[]>({ by: [by.value] }, abort)]);
    return { keys, time, split };
  }, [days.value, by.value], 15_000);
  if (!data) return failure ? <Wrong failure={failure} again={again} /> : <Loading />;
  const of = new Map(usage.data?.keys.map((row) => [row.key, row]));
  const nearest = (key: Key) => {
    const whose = new Set([`key ${key.name}`, `team ${key.team}`]);
    return data.limits.filter((limit) => whose.has(`${limit.level} ${limit.holder}`)).sort((one, other) => used(other) - used(one))[0];
  };
  const rows: Row[] = data.keys.map((key) => ({ key, usage: of.get(key.name), near: nearest(key) }));
  const near = data.limits.filter((limit) => used(limit) >= 0.8).sort((one, other) => used(other) - used(one));
  const rest = data.limits.filter((limit) => used(limit) < 0.8);
  const all = usage.data?.time.reduce((sum, row) => sum + row.cost_nanos, 0) ?? 0;
  const step = days.value > 2 ? 86_400 : 3600;
  const times: number[] = [];
  for (let at = Math.floor(from / step) * step; at <= Date.now() / 1000; at += step) times.push(at);
  const costs = new Map(usage.data?.time.map((row) => [row.start_unix_s, row.cost_nanos / 1e9]));
  const split = [...(usage.data?.split ?? [])].sort((one, other) => other.cost_nanos - one.cost_nanos || other.requests - one.requests);
  const download = async () => save(`fairlead-usage-${day(from)}.csv`, csv(await post<Usage[]>("usage", { from_unix_s: from, by: ["day", "team", "key", "provider", "model"] })));
  return (
    <>
      <Title about="Who may call, what they have used, and what is left of their limits.">Keys and spend</Title>
      <Wrong failure={failure} />
      {data.unread.length > 0 && <div class="wrong" role="status"><span class="mark" aria-hidden="true">!</span><span>{`The store does not say how these stand just now: ${data.unread.join(", ")}`}</span></div>}
      {near.length > 0 && <Panel title="Near the end"><Limits limits={near} /></Panel>}
      <Panel title={`Spent in ${SPANS.find(([, value]) => value === days.value)?.[0]}: ${dollars(all)}`} aside={
        <>
          <Field label="Over"><select onChange={(event) => { days.value = Number(event.currentTarget.value); }}>{SPANS.map(([words, value]) => <option value={value} selected={value === days.value}>{words}</option>)}</select></Field>
          <Field label="By"><select onChange={(event) => { by.value = event.currentTarget.value as (typeof BYS)[number]; }}>{BYS.map((word) => <option value={word} selected={word === by.value}>{word}</option>)}</select></Field>
          <button type="button" onClick={download}>CSV</button>
        </>
      }>
        <Wrong failure={usage.failure} again={usage.again} />
        <div class="columns even">
          <Chart label="Dollars spent over time" height={150} times={times} unit={usd} lines={[{ label: days.value > 2 ? "dollars a day (UTC)" : "dollars an hour", values: times.map((at) => costs.get(at) ?? 0), tone: "accent", fill: true }]} />
          <Table label={`Spent by ${by.value}`} rows={split.slice(0, 50)} id={(row) => String(row[by.value])} empty="Nothing was used in this time." columns={[
            { head: `${by.value[0]!.toUpperCase()}${by.value.slice(1)}`, cell: (row) => <Clip text={row[by.value] || "none"} strong />, sort: (row) => row[by.value] ?? "" },
            { head: "Cost", number: true, cell: (row) => dollars(row.cost_nanos), sort: (row) => row.cost_nanos },
            { head: "Share", number: true, cell: (row) => percent(row.cost_nanos, all) },
            { head: "Requests", number: true, cell: (row) => count(row.requests), sort: (row) => row.requests },
            { head: "Not answered", number: true, cell: (row) => percent(row.failed + row.refused, row.requests) },
            { head: "Tokens in / out", number: true, cell: (row) => `${count(row.input_tokens)} / ${count(row.output_tokens)}`, sort: (row) => row.input_tokens + row.output_tokens },
          ]} />
        </div>
      </Panel>
      <Panel title={`${count(data.total)} ${data.total === 1 ? "key" : "keys"}`} aside={data.keys.length < data.total ? <span>{`the first ${count(data.keys.length)} by name are shown`}</span> : undefined}>
        <Table label="Keys" rows={rows} id={(row) => row.key.name} empty="There is no key: nobody can call. Add a VirtualKey; docs/keys.md begins with one." columns={[
          { head: "Key", cell: ({ key }) => <a href={link("requests", { key: key.name, last: "24h" })}><Clip text={key.name} /></a>, sort: ({ key }) => key.name },
          { head: "Team", cell: ({ key }) => (key.team ? <Clip text={key.team} /> : <span class="faint">none</span>), sort: ({ key }) => key.team ?? "" },
          { head: "State", cell: ({ key }) => (key.refused ? <State of="refused" say={key.refused} /> : <State of="ok" say={key.previousUntilUnixS ? `rotates, ends ${away(key.previousUntilUnixS)}` : "good"} />) },
          { head: "Spent", number: true, cell: ({ usage }) => dollars(usage?.cost_nanos ?? 0), sort: ({ usage }) => usage?.cost_nanos ?? 0 },
          { head: "Requests", number: true, cell: ({ usage }) => count(usage?.requests ?? 0), sort: ({ usage }) => usage?.requests ?? 0 },
          { head: "Not answered", number: true, cell: ({ usage }) => (usage ? percent(usage.failed + usage.refused, usage.requests) : "-") },
          { head: "Cached", number: true, cell: ({ usage }) => (usage ? percent(usage.cache_read_tokens, usage.input_tokens) : "-") },
          { head: "Nearest limit", cell: ({ near }) => (near ? <Clip text={`${percent(Number(near.used), Number(near.limit))} of ${near.level}'s ${limitName(near)}`} /> : <span class="faint">none</span>), sort: ({ near }) => (near ? used(near) : -1) },
          { head: "Expires", cell: ({ key }) => (key.expiresUnixS ? <span title={day(key.expiresUnixS)} class={key.expiresUnixS - Date.now() / 1000 < 14 * 86_400 ? "warn" : ""}>{away(key.expiresUnixS)}</span> : <span class="faint">never</span>), sort: ({ key }) => key.expiresUnixS ?? Infinity },
          { head: "May ask for", wide: true, cell: ({ key }) => [key.models ? key.models.join(", ") : "any model", key.providers ? `at ${key.providers.join(", ")}` : "", key.networks.length ? `from ${key.networks.join(", ")}` : "", key.presentedAs === "value" ? "" : `tokens of ${key.presentedAs}`].filter(Boolean).join("; ") },
        ]} />
      </Panel>
      <Panel title="Limits of keys, teams, organizations and providers">
        {rest.length ? <Limits limits={rest} /> : <Empty>{near.length ? "All of them are near their end." : "Nothing is limited. docs/limits.md shows budgets and rates."}</Empty>}
      </Panel>
    </>
  );
}
