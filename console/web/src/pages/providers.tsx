import { get } from "../api";
import { count, millis } from "../format";
import { link, useLoaded } from "../state";
import type { Guarded, HealthReport, ModelHealth, Provider } from "../types";
import { Empty, Loading, Panel, State, Title, Wrong } from "../ui";

const CREDENTIAL = "resting";

/** One state for each gateway that has another to tell; one for all that agree. */
function States({ of }: { of: (Guarded | undefined)[] }) {
  const known = of.filter((one) => one !== undefined);
  if (!known.length) return <span class="faint">not asked yet</span>;
  const groups = new Map<string, Guarded[]>();
  for (const one of known) groups.set(one.state, [...(groups.get(one.state) ?? []), one]);
  return (
    <span class="flow">
      {[...groups].map(([state, all]) => {
        const left = Math.max(...all.map((one) => one.forMs ?? 0));
        return <State of={state} say={`${state}${left ? ` ${millis(left)}` : ""}${known.length > 1 ? ` ×${all.length}` : ""}`} />;
      })}
    </span>
  );
}

const last10s = (of: Guarded[]) => {
  const [requests, failures] = of.reduce(([all, bad], one) => [all + one.last10s.requests, bad + one.last10s.failures], [0, 0]);
  return <>{count(requests)}<span class={failures ? "bad" : "faint"}>{` / ${count(failures)}`}</span></>;
};

function most(values: (number | null | undefined)[]): number | null {
  const known = values.filter((value) => value != null);
  return known.length ? Math.max(...known) : null;
}

function Model({ name, of }: { name: string; of: ModelHealth[] }) {
  const resting = of.flatMap((one) => Object.entries(one.credentials));
  const failure = of.map((one) => one.lastFailure).find(Boolean);
  return (
    <tr>
      <th scope="row" class="name">{name}</th>
      <td><States of={of} /></td>
      <td class="number">{last10s(of)}</td>
      <td class="number">{count(most(of.map((one) => one.consecutiveFailures)))}</td>
      <td class="number">{millis(most(of.map((one) => one.firstContentP95Ms.streams)))}</td>
      <td class="number">{millis(most(of.map((one) => one.firstContentP95Ms.whole)))}</td>
      <td class="number">{count(of.reduce((all, one) => all + one.inFlight, 0))}</td>
      <td>{resting.length ? <span class="flow">{resting.map(([credential, rest]) => <State of={rest.state === "benched" ? "benched" : CREDENTIAL} say={`${credential} ${rest.state} ${rest.forMs ? millis(rest.forMs) : ""}`} />)}</span> : <span class="faint">all ready</span>}</td>
      <td>{failure ? <a href={link("requests", { class: failure })}>{failure}</a> : <span class="faint">none</span>}</td>
    </tr>
  );
}

function Card({ provider }: { provider: Provider }) {
  const reports = provider.health.map((one) => one.report).filter((report): report is HealthReport => report != null);
  const models = [...new Set(reports.flatMap((report) => Object.keys(report.models)))].sort();
  const quiet = provider.models?.filter((model) => !models.includes(model)) ?? [];
  const limit = reports.some((report) => report.limit != null) ? reports.reduce((all, report) => all + (report.limit ?? 0), 0) : null;
  const flying = reports.reduce((all, report) => all + report.inFlight, 0);
  const queued = reports.reduce((all, report) => all + report.queued, 0);
  const servers = reports.flatMap((report) => Object.entries(report.servers ?? {}));
  const unusable = provider.credentials.filter((one) => !one.usable);
  return (
    <Panel title={provider.name} aside={<a href={link("requests", { provider: provider.name })}>Requests</a>}>
      <div class="about">
        <span>{provider.vendor || "unknown"}</span>
        <span class="mono faint">{provider.address ?? "answers by itself"}</span>
        <span>connections <States of={reports.map((report) => report.connections)} /></span>
        <span>in flight <b>{`${count(flying)} of ${limit == null ? "any" : count(limit)}`}</b>{queued > 0 && <b class="warn">{`, ${count(queued)} wait`}</b>}</span>
        <span>{provider.credentials.length ? `credentials ${provider.credentials.map((one) => one.name).join(", ")}` : "no credential"}</span>
        {unusable.map((one) => <State of="failed" say={`${one.name} has no value: its Secret is missing or not usable`} />)}
        <span>{provider.rules.length ? <>asked by {provider.rules.map((rule, at) => <>{at > 0 && ", "}<a href={link("rules")}>{rule}</a></>)}</> : "no rule has a target here"}</span>
      </div>
      {models.length === 0
        ? <Empty>Nothing has been sent to it since the gateway began{quiet.length ? <>; it offers {quiet.slice(0, 20).join(", ")}</> : null}.</Empty>
        : (
          <div class="scroll" tabIndex={0} role="region" aria-label={`Models of ${provider.name}`}>
            <table>
              <thead><tr><th scope="col">Model</th><th scope="col">Breaker</th><th scope="col" class="number">10 s: sent / failed</th><th scope="col" class="number">Failures in a row</th><th scope="col" class="number">First content p95</th><th scope="col" class="number">Whole p95</th><th scope="col" class="number">In flight</th><th scope="col">Credentials</th><th scope="col">Last failure</th></tr></thead>
              <tbody>{models.map((model) => <Model name={model} of={reports.map((report) => report.models[model]).filter((one): one is ModelHealth => one !== undefined)} />)}</tbody>
            </table>
            {quiet.length > 0 && <p class="under faint">{`not asked yet: ${quiet.slice(0, 20).join(", ")}${quiet.length > 20 ? " and others" : ""}`}</p>}
          </div>
        )}
      {servers.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label={`Servers of ${provider.name}`}>
          <table>
            <thead><tr><th scope="col">Server</th><th scope="col">State</th><th scope="col" class="number">10 s: sent / failed</th><th scope="col" class="number">In flight</th><th scope="col">Last failure</th></tr></thead>
            <tbody>{servers.map(([address, server]) => <tr><th scope="row" class="name mono">{address}</th><td><State of={server.state} /></td><td class="number">{last10s([server])}</td><td class="number">{count(server.inFlight)}</td><td>{server.lastFailure ?? <span class="faint">none</span>}</td></tr>)}</tbody>
          </table>
        </div>
      )}
    </Panel>
  );
}

export function ProvidersPage() {
  const { data, failure, again } = useLoaded((abort) => get<Provider[]>("providers", abort), [], 2000);
  if (!data) return failure ? <Wrong failure={failure} again={again} /> : <Loading />;
  return (
    <>
      <Title about="What each gateway has seen of them itself; looked at again every two seconds.">Providers</Title>
      <Wrong failure={failure} />
      {data.length === 0 ? <Empty>There is no provider. Add an LLMProvider: docs/providers.md has one for each vendor.</Empty> : data.map((provider) => <Card key={provider.name} provider={provider} />)}
    </>
  );
}
