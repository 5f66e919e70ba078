import { get } from "../api";
import { count } from "../format";
import { useLoaded } from "../state";
import type { ConfigObject, Configuration, Finding, Overview } from "../types";
import { Empty, Loading, Panel, State, Table, Title, Wrong } from "../ui";

const IN_FORCE: Record<string, string> = { this: "this version is in force", previous: "the last accepted version is in force", nothing: "nothing of it is in force" };

function Findings({ of, kind }: { of: Finding[]; kind: string }) {
  return <>{of.map((finding) => <li><span class={`tag ${kind}`}>{kind}</span> {finding.path && <code>{finding.path}</code>} {finding.message} <span class="faint">{`[${finding.reason}]${finding.line ? ` line ${finding.line}` : ""}`}</span></li>)}</>;
}

function ObjectCard({ object }: { object: ConfigObject }) {
  return (
    <Panel title={`${object.kind} ${object.name}`} aside={<><State of={object.inForce} say={IN_FORCE[object.inForce]} />{object.file && <span class="mono faint">{object.file}</span>}</>}>
      <ul class="list"><Findings of={object.faults} kind="fault" /><Findings of={object.unresolved} kind="missing" /><Findings of={object.notes} kind="note" /></ul>
    </Panel>
  );
}

export function ConfigurationPage() {
  const { data, failure, again } = useLoaded((abort) => get<Configuration>("configuration", abort), [], 5000);
  const overview = useLoaded((abort) => get<Overview>("overview", abort), [], 5000);
  if (!data) return failure ? <Wrong failure={failure} again={again} /> : <Loading />;
  const standing = overview.data?.standing;
  const bad = data.objects.filter((object) => object.faults.length + object.unresolved.length > 0);
  const noted = data.objects.filter((object) => object.faults.length + object.unresolved.length === 0);
  return (
    <>
      <Title about="What is enforced, and what the compiler says of the objects it is made of. It is changed where it is written: nothing here writes.">Configuration</Title>
      <Wrong failure={failure} />
      {standing?.problem && <div class="wrong" role="alert"><span class="mark" aria-hidden="true">!</span><span>{`A newer configuration is not in force: ${standing.problem}`}</span></div>}
      <div class="columns even">
        <Panel title="In force">
          {standing && <Table label="Gateways" rows={standing.gateways} id={(gateway) => gateway.name} columns={[
            { head: "Gateway", cell: (gateway) => <b>{gateway.name}</b> },
            { head: "State", cell: (gateway) => <State of={gateway.ready ? "ready" : "failed"} say={gateway.ready ? "ready" : "not ready"} /> },
            { head: "Generation", number: true, cell: (gateway) => (gateway.generation && gateway.generation < standing.generation ? <State of="previous" say={`${count(gateway.generation)} of ${count(standing.generation)}`} /> : gateway.generation ? count(gateway.generation) : "-") },
            { head: "Counters", cell: (gateway) => <State of={gateway.storeReachable ? "ok" : "failed"} say={gateway.storeReachable ? "reached" : gateway.storeProblem ?? "out of reach"} /> },
          ]} />}
          {standing && <p class="about mono faint">{`digest ${standing.digest}`}</p>}
        </Panel>
        <Panel title="Objects">
          <Table label="Objects by kind" rows={Object.entries(data.counts)} id={([kind]) => kind} empty="There is no object." columns={[
            { head: "Kind", cell: ([kind]) => <b>{kind}</b> },
            { head: "Objects", number: true, cell: ([, number]) => count(number) },
            { head: "Not in order", number: true, cell: ([kind]) => { const number = bad.filter((object) => object.kind === kind).length; return number ? <b class="bad">{count(number)}</b> : <span class="faint">0</span>; } },
          ]} />
        </Panel>
      </div>
      <h2 class="group">{bad.length ? `${count(bad.length)} not in order` : "Not in order"}</h2>
      {bad.length === 0 ? <Empty><State of="ok" say="Nothing." /> Every object is accepted, and all that they name is there.</Empty> : bad.map((object) => <ObjectCard key={`${object.kind} ${object.name}`} object={object} />)}
      {noted.length > 0 && <><h2 class="group">Worth knowing</h2>{noted.map((object) => <ObjectCard key={`${object.kind} ${object.name}`} object={object} />)}</>}
    </>
  );
}
