import { get, post, who } from "../api";
import { Chart } from "../chart";
import { away, count, day, dollars, usd } from "../format";
import { link, useLoaded } from "../state";
import type { Mine, Page } from "../types";
import { Empty, Limits, Loading, Panel, requestColumns, State, Table, Title, Wrong } from "../ui";

export function MinePage() {
  const { data, failure, again } = useLoaded((abort) => get<Mine>("mine", abort), [], 10_000);
  const last = useLoaded((abort) => post<Page>("requests", { ask: { limit: 50 } }, abort), [], 5000);
  if (!data) return failure ? <Wrong failure={failure} again={again} /> : <Loading />;
  const { key } = data;
  const today = Math.floor(Date.now() / 86_400_000) * 86_400;
  const times = Array.from({ length: 30 }, (_, at) => today - (29 - at) * 86_400);
  const costs = new Map(data.usage.map((row) => [row.start_unix_s, row.cost_nanos / 1e9]));
  const all = data.usage.reduce((sum, row) => ({ cost: sum.cost + row.cost_nanos, requests: sum.requests + row.requests, tokens: sum.tokens + row.input_tokens + row.output_tokens }), { cost: 0, requests: 0, tokens: 0 });
  return (
    <>
      <Title about={<>{key.team ? `of the team ${key.team}, ` : ""}{key.expiresUnixS ? `expires ${away(key.expiresUnixS)} (${day(key.expiresUnixS)})` : "does not expire"} · {key.refused ? <State of="refused" say={key.refused} /> : <State of="ok" say="good" />}{key.previousUntilUnixS ? ` · the value before is good until ${day(key.previousUntilUnixS)}` : ""}</>}>{`My key ${who.value?.name ?? ""}`}</Title>
      <div class="tiles">
        <div class="tile"><h2>Spent in 30 days</h2><p>{dollars(all.cost)}</p></div>
        <div class="tile"><h2>Requests</h2><p>{count(all.requests)}</p></div>
        <div class="tile"><h2>Tokens</h2><p>{count(all.tokens)}</p></div>
      </div>
      <Panel title="What is left">{data.limits.length ? <Limits limits={data.limits} whose={false} /> : <Empty>Nothing limits this key.</Empty>}</Panel>
      <div class="columns even">
        <Panel title="Dollars a day (UTC)"><Chart label="Dollars a day over 30 days" height={150} times={times} unit={usd} lines={[{ label: "dollars", values: times.map((at) => costs.get(at) ?? 0), tone: "accent", fill: true }]} /></Panel>
        <Panel title="Models it may ask for" aside={<a href={link("setup")}>Set up a client</a>}>
          {data.models.length ? <ul class="chips">{data.models.slice(0, 200).map((model) => <li class="mono">{model}</li>)}</ul> : <Empty>No model name stands in the configuration for this key. It may still ask for models as provider/model where its owner lets it.</Empty>}
        </Panel>
      </div>
      <Panel title="The last 50 requests" aside={<a href={link("requests")}>All</a>}>
        <Wrong failure={last.failure} again={last.again} />
        <Table label="Last requests" rows={last.data?.entries ?? []} id={(entry) => entry.id} columns={requestColumns(true)} empty={last.data ? <>No request of this key is kept. <a href={link("setup")}>Send one.</a></> : "Loading"} />
      </Panel>
    </>
  );
}
