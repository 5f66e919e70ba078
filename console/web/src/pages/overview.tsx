import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { get, post, who } from "../api";
import { Chart } from "../chart";
import { count, dollars, millis, percent, rate } from "../format";
import { follow } from "../live";
import { link, useLoaded } from "../state";
import type { Entry, Guarded, Keys, Overview, Provider, Standing, Usage } from "../types";
import { Empty, limitName, Loading, Panel, requestColumns, Spark, State, Table, Title, used, Wrong } from "../ui";

const sees = (page: string) => who.value?.pages.includes(page) ?? false;
const sum = (values: number[]) => values.reduce((all, value) => all + value, 0);

/** A trouble that somebody should look at, and where. */
interface Trouble { what: string; state: string; say?: string; words: string; href: string }

function troubles(providers: Provider[], keys: Keys | undefined, standing: Standing): Trouble[] {
  const found: Trouble[] = [];
  for (const gateway of standing.gateways) {
    if (gateway.generation && gateway.generation < standing.generation) found.push({ what: gateway.name, state: "previous", say: `enforces ${gateway.generation}, not ${standing.generation}`, words: "", href: link("configuration") });
    if (!gateway.ready) found.push({ what: gateway.name, state: "failed", say: "not ready", words: gateway.storeProblem ?? "", href: link("configuration") });
    else if (!gateway.storeReachable) found.push({ what: gateway.name, state: "failed", say: "cannot reach the store of counters", words: gateway.storeProblem ?? "", href: link("keys") });
  }
  if (standing.problem) found.push({ what: "configuration", state: "previous", say: "not the newest", words: standing.problem, href: link("configuration") });
  if (standing.objectsNotOk) found.push({ what: "configuration", state: "failed", say: `${standing.objectsNotOk} not in order`, words: "", href: link("configuration") });
  for (const provider of providers) {
    for (const { report, gateway } of provider.health) {
      if (!report) continue;
      const at = provider.health.length > 1 ? ` at ${gateway}` : "";
      const said = (name: string, guarded: Guarded) => {
        if (guarded.state !== "closed") found.push({ what: name, state: guarded.state, words: `${guarded.forMs ? `for ${millis(guarded.forMs)} more` : ""}${guarded.lastFailure ? ` (last failure: ${guarded.lastFailure})` : ""}${at}`, href: link("providers") });
      };
      said(`${provider.name} connections`, report.connections);
      for (const [model, health] of Object.entries(report.models)) {
        said(`${provider.name} ${model}`, health);
        for (const [credential, rest] of Object.entries(health.credentials)) found.push({ what: `${provider.name} credential ${credential}`, state: rest.state, words: `for ${millis(rest.forMs)} more, for ${model}${at}`, href: link("providers") });
      }
    }
  }
  for (const limit of keys?.limits ?? []) {
    const share = used(limit);
    if (share >= 0.9 && limit.kind !== "concurrency") found.push({ what: `${limit.level} ${limit.holder}`, state: share >= 1 ? "failed" : "resting", say: `${percent(Number(limit.used), Number(limit.limit))} used`, words: limitName(limit), href: link("keys") });
  }
  for (const key of keys?.keys ?? []) {
    const left = (key.expiresUnixS ?? Infinity) - Date.now() / 1000;
    if (left > 0 && left < 14 * 86_400) found.push({ what: `key ${key.name}`, state: "resting", say: `expires in ${Math.ceil(left / 86_400)} d`, words: "", href: link("keys") });
  }
  return found;
}

export function OverviewPage() {
  const { data, failure, again } = useLoaded((abort) => get<Overview>("overview", abort), [], 3000);
  const providers = useLoaded((abort) => (sees("providers") ? get<Provider[]>("providers", abort) : Promise.resolve([])), [], 3000);
  const keys = useLoaded((abort) => (sees("keys") ? get<Keys>("keys", abort) : Promise.resolve(undefined)), [], 15_000);
  const midnight = new Date().setHours(0, 0, 0, 0) / 1000;
  const spent = useLoaded((abort) => (sees("keys") ? post<Usage[]>("usage", { from_unix_s: midnight }, abort) : Promise.resolve([])), [midnight], 15_000);
  const latest = useSignal<Entry[]>([]);
  useEffect(() => follow((entries) => { latest.value = [...entries.toReversed(), ...latest.value].slice(0, 8); }), []);
  if (!data) return failure ? <Wrong failure={failure} again={again} /> : <Loading />;
  const { standing, pulse } = data;
  const requests = sum(pulse.requests);
  const failed = sum(pulse.failed);
  // The last sum is still growing.
  const last = pulse.requests.slice(-13, -1);
  const recent = last.slice(Math.max(0, last.findIndex((value) => value > 0)));
  const now = sum(recent) / (recent.length * pulse.stepS);
  const per = (values: number[]) => values.map((value) => value / pulse.stepS);
  const wrong = providers.data ? troubles(providers.data, keys.data, standing) : [];
  const today = spent.data?.[0];
  return (
    <>
      <Title about={
        <>
          Generation <b class="mono">{standing.generation}</b>{` from ${standing.source ?? "nowhere yet"}`} <span class="mono faint" title={standing.digest}>{standing.digest.slice(0, 12)}</span>
          {` · ${standing.gateways.filter((gateway) => gateway.ready).length} of ${standing.gateways.length} ${standing.gateways.length === 1 ? "gateway" : "gateways"} ready · requests kept: ${standing.log.reach}`}
          {standing.log.dropped > 0 && <b class="bad">{` · ${count(standing.log.dropped)} were not written down`}</b>}
        </>
      }>Overview</Title>
      <Wrong failure={failure} />
      <div class="tiles">
        <div class="tile"><h2>Requests / s</h2><p>{rate(now)}</p><Spark values={pulse.requests.slice(0, -1)} /><small>{`${count(requests)} in 15 min`}</small></div>
        <div class="tile"><h2>Failed</h2><p>{percent(failed, requests)}</p><Spark values={pulse.failed.slice(0, -1)} tone="bad" /><small>{`${count(failed)} failed, ${count(sum(pulse.refused))} refused, ${count(sum(pulse.recovered))} recovered`}</small></div>
        <div class="tile"><h2>First content, p95</h2><p>{millis(pulse.firstContentP95AllMs)}</p><Spark values={pulse.firstContentP95Ms.slice(0, -1)} /><small>over 15 min</small></div>
        {sees("keys") && <div class="tile"><h2>Spent today</h2><p>{today ? dollars(today.cost_nanos) : spent.failure ? "-" : "$0"}</p><Spark values={pulse.costNanos.slice(0, -1)} /><small>{today ? `${count(today.requests)} requests, ${count(today.input_tokens + today.output_tokens)} tokens${today.unpriced ? `, ${count(today.unpriced)} without a price` : ""}` : spent.failure ? spent.failure.message : "nothing yet"}</small></div>}
      </div>
      <div class="columns">
        <Panel title="Requests per second">
          <Chart label="Requests per second over the last quarter of an hour" times={pulse.startUnixS.slice(0, -1)} unit={rate} lines={[
            { label: "all", values: per(pulse.requests).slice(0, -1), tone: "accent", fill: true },
            { label: "recovered by another attempt", values: per(pulse.recovered).slice(0, -1), tone: "warn", dash: [6, 3] },
            { label: "failed", values: per(pulse.failed).slice(0, -1), tone: "bad", dash: [2, 2] },
          ]} />
        </Panel>
        <Panel title="Needs a look" aside={wrong.length ? <span>{count(wrong.length)}</span> : undefined}>
          {wrong.length === 0
            ? <Empty>{providers.data ? <><State of="ok" say="Nothing." />{sees("providers") && sees("keys") ? " Every breaker is closed, no credential rests, no limit is near its end." : " As far as you may see."}</> : "Asking"}</Empty>
            : <ul class="list">{wrong.slice(0, 12).map((one) => <li><a href={one.href}>{one.what}</a> <State of={one.state} say={one.say} /> <span class="faint">{one.words}</span></li>)}</ul>}
        </Panel>
      </div>
      <Panel title="Last failures" aside={<a href={link("requests", { outcome: "failed" })}>All</a>}>
        {data.logProblem
          ? <Empty>{data.logProblem}</Empty>
          : <Table label="Last failures" rows={data.failures} id={(entry) => entry.id} columns={requestColumns(false)} empty="No request that is kept has failed after something was sent." />}
      </Panel>
      <Panel title="Just now" aside={<a href={link("requests", { live: "1" })}>Follow</a>}>
        <Table label="Requests that have just ended" rows={latest.value} id={(entry) => entry.id} columns={requestColumns(false)} empty={<>No request has ended since this page was opened. <a href={link("setup")}>Send one.</a></>} />
      </Panel>
    </>
  );
}
