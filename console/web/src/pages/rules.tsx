import { get, post } from "../api";
import { count, percent } from "../format";
import { link, useLoaded } from "../state";
import type { Entry, Page, Rule, Target } from "../types";
import { Empty, Loading, State, Title, Wrong } from "../ui";

/** Of the requests that are looked at, for each rule: how many it took, and at which target each began. */
interface Seen { all: number; first: Map<string, number>; answered: Map<string, number> }

function count_(entries: Entry[]): Map<string, Seen> {
  const rules = new Map<string, Seen>();
  const more = (map: Map<string, number>, name: string) => map.set(name, (map.get(name) ?? 0) + 1);
  for (const entry of entries) {
    if (!entry.rule) continue;
    const seen = rules.get(entry.rule) ?? { all: 0, first: new Map(), answered: new Map() };
    rules.set(entry.rule, seen);
    seen.all += 1;
    if (entry.attempts[0]) more(seen.first, entry.attempts[0].target);
    const answered = entry.attempts.findLast((attempt) => attempt.outcome === "ok");
    if (answered) more(seen.answered, answered.target);
  }
  return rules;
}

function Split({ rule, seen }: { rule: Rule; seen: Seen | undefined }) {
  const weights = rule.targets.reduce((all, target) => all + target.weight, 0);
  const weighted = rule.strategy !== "priority" && rule.strategy !== "round robin";
  const begun = seen ? [...seen.first.values()].reduce((all, value) => all + value, 0) : 0;
  const row = (target: Target, fallback: boolean) => (
    <tr>
      <th scope="row" class="name">{fallback && <span class="faint">then </span>}{target.name}</th>
      <td>{target.provider}{target.model ? <span class="faint">{` ${target.model}`}</span> : <span class="faint"> the name asked for</span>}</td>
      <td class="number">{fallback ? (target.on.length ? `on ${target.on.join(", ")}` : "on failure") : weighted ? percent(target.weight, weights) : rule.strategy === "priority" ? "in order" : percent(1, rule.targets.length)}</td>
      <td class="number">{fallback ? "" : begun ? percent(seen!.first.get(target.name) ?? 0, begun) : "-"}</td>
      <td class="number">{seen?.all ? count(seen.answered.get(target.name) ?? 0) : "-"}</td>
      <td>{target.problem ? <State of="failed" say={target.problem} /> : ""}</td>
    </tr>
  );
  return (
    <div class="scroll split" tabIndex={0} role="region" aria-label={`Targets of ${rule.name}`}>
      <table>
        <thead><tr><th scope="col">Target</th><th scope="col">Sent to</th><th scope="col" class="number">Asked</th><th scope="col" class="number">Seen</th><th scope="col" class="number">Answered</th><th scope="col">Trouble</th></tr></thead>
        <tbody>{rule.targets.map((target) => row(target, false))}{rule.fallbacks.map((target) => row(target, true))}</tbody>
      </table>
    </div>
  );
}

export function RulesPage() {
  const { data, failure, again } = useLoaded((abort) => get<Rule[]>("rules", abort), [], 10_000);
  const recent = useLoaded((abort) => post<Page>("requests", { filter: { from_unix_us: (Date.now() - 3_600_000) * 1000 }, ask: { limit: 500 } }, abort), [], 10_000);
  if (!data) return failure ? <Wrong failure={failure} again={again} /> : <Loading />;
  const seen = count_(recent.data?.entries ?? []);
  const looked = recent.data?.entries.length ?? 0;
  return (
    <>
      <Title about={<>In the order in which they are tried; the first that matches takes a request. {recent.data ? `What is seen is counted over the last ${count(looked)} requests of an hour.` : recent.failure ? `What is seen is not known: ${recent.failure.message}` : "Counting what is seen."}</>}>Rules</Title>
      <p class="actions above"><a class="button" href={link("explain")}>Explain a request</a><a class="button" href={link("builder")}>Write a rule</a></p>
      <Wrong failure={failure} />
      {data.length === 0 && <Empty>There is no rule: requests go where their model names say, to whoever lists them. docs/routing.md begins with an example.</Empty>}
      <ol class="rules">
        {data.map((rule, at) => (
          <li class="panel" key={rule.name}>
            <header>
              <h2><span class="faint mono">{at + 1}</span> {rule.name}</h2>
              <div class="aside">
                {seen.get(rule.name)?.all ? <a href={link("requests", { rule: rule.name })}>{`took ${count(seen.get(rule.name)!.all)} of ${count(looked)}`}</a> : recent.data && <span class="faint">took none lately</span>}
                <a href={link("builder", { from: rule.name })}>Edit a copy</a>
              </div>
            </header>
            <div class="about">
              {rule.overrides && <State of="constrains" say="Override" />}
              <span>{rule.scope}</span>
              <span>{`priority ${rule.priority}`}</span>
              <span>{rule.models.length ? <>models <b>{rule.models.join(", ")}</b></> : "any model"}</span>
              {!rule.constrains && <span>{rule.strategy}</span>}
              {rule.traits.map((trait) => <span>{trait}</span>)}
              {rule.conditionErrors > 0 && <State of="error" say={`its condition could not be evaluated ${count(rule.conditionErrors)} times`} />}
            </div>
            {rule.when && <pre class="when" tabIndex={0} aria-label={`Condition of ${rule.name}`}>{rule.when}</pre>}
            {rule.constrains ? <p class="about">{`holds what it matches to providers with ${rule.constrains}; it chooses nothing itself`}</p> : <Split rule={rule} seen={seen.get(rule.name)} />}
          </li>
        ))}
      </ol>
    </>
  );
}
