import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Failure, get, post, who } from "../api";
import { count, short } from "../format";
import { place, useLoaded } from "../state";
import type { Applied, Built, Form, FormTarget, Provider, Rule } from "../types";
import { Code, Empty, Field, Input, Panel, State, Title, Wrong } from "../ui";

const SCOPES = ["", "Namespace", "Global", "Team", "VirtualKey", "Organization"];
const STRATEGIES = ["", "Weighted", "RoundRobin", "Priority", "LowestLatency", "LowestCost", "LeastBusy", "Adaptive"];
/** Scopes that may be of another namespace: VirtualKey, Team and Namespace; all but the last have a name. */
const ELSEWHERE = ["Team", "VirtualKey", "Namespace"];
const NAMED = ["Team", "VirtualKey", "Organization"];
const EMPTY: Form = { namespace: "default", name: "", scope: "", scopeName: "", scopeNamespace: "", models: [], when: "", strategy: "", targets: [{ name: "", provider: "", model: "", on: [] }], fallbacks: [] };

const words = (text: string) => text.split(/[\s,]+/).filter(Boolean);

/** Lines that both have stand once; what is gone has a minus, what is new a plus. */
function diff(before: string, after: string): [string, string][] {
  const [a, b] = [before.trimEnd().split("\n"), after.trimEnd().split("\n")];
  const common = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = a.length - 1; i >= 0; i--) for (let j = b.length - 1; j >= 0; j--) common[i]![j] = a[i] === b[j] ? common[i + 1]![j + 1]! + 1 : Math.max(common[i + 1]![j]!, common[i]![j + 1]!);
  const lines: [string, string][] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) { lines.push([" ", a[i]!]); i++; j++; }
    else if (j >= b.length || (i < a.length && common[i + 1]![j]! >= common[i]![j + 1]!)) lines.push(["-", a[i++]!]);
    else lines.push(["+", b[j++]!]);
  }
  return lines;
}

function Targets({ of, change, providers, namespace, fallback }: { of: FormTarget[]; change: (targets: FormTarget[]) => void; providers: Provider[]; namespace: string; fallback: boolean }) {
  const set = (at: number, more: Partial<FormTarget>) => change(of.map((target, index) => (index === at ? { ...target, ...more } : target)));
  const kind = fallback ? "fallback" : "target";
  return (
    <fieldset>
      <legend>{fallback ? "Fallbacks, in order" : "Targets"}</legend>
      {of.map((target, at) => {
        const known = providers.find((one) => one.name === (target.provider.includes("/") ? target.provider : `${namespace}/${target.provider}`));
        return (
          <div class="row">
            <Field label="Provider"><Input name={`${kind}-provider-${at}`} value={target.provider} words={providers.map((one) => (one.name.startsWith(`${namespace}/`) ? short(one.name) : one.name))} onInput={(event) => set(at, { provider: event.currentTarget.value })} /></Field>
            <Field label="Model"><Input name={`${kind}-model-${at}`} value={target.model} placeholder="the name asked for" words={known?.models ?? []} onInput={(event) => set(at, { model: event.currentTarget.value })} /></Field>
            {fallback
              ? <Field label="After"><Input name={`after-${at}`} value={target.on.join(" ")} placeholder="any failure" onInput={(event) => set(at, { on: words(event.currentTarget.value) })} /></Field>
              : <Field label="Weight"><input type="number" min={0} max={1_000_000} value={target.weight ?? ""} placeholder="1" onInput={(event) => set(at, { weight: event.currentTarget.value === "" ? undefined : Number(event.currentTarget.value) })} /></Field>}
            <button type="button" aria-label={`Remove ${kind} ${at + 1}`} onClick={() => change(of.filter((_, index) => index !== at))}>Remove</button>
          </div>
        );
      })}
      <button type="button" onClick={() => change([...of, { name: "", provider: "", model: "", on: [] }])}>{`Add a ${kind}`}</button>
    </fieldset>
  );
}

export function BuilderPage() {
  const start = place.value.query.get("from");
  const form = useSignal<Form>(EMPTY);
  const built = useSignal<Built | undefined>(undefined);
  const failure = useSignal<Failure | undefined>(undefined);
  const shown = useSignal<"yaml" | "diff">("yaml");
  const told = useSignal("");
  const tried = useSignal("");
  const turn = useSignal(0);
  const names = useLoaded(async (abort) => ({ rules: await get<Rule[]>("rules", abort), providers: who.value?.pages.includes("providers") ? await get<Provider[]>("providers", abort) : [] }), []);
  useEffect(() => {
    const rule = names.data?.rules.find((rule) => rule.name === start);
    if (rule?.form) form.value = rule.form;
    else if (names.data) form.value = { ...EMPTY, namespace: names.data.rules[0]?.name.split("/")[0] ?? "default" };
  }, [names.data, start]);
  const text = JSON.stringify(form.value);
  useEffect(() => {
    const abort = new AbortController();
    const timer = setTimeout(async () => {
      try {
        built.value = await post<Built>("build", form.value, abort.signal);
        failure.value = undefined;
      } catch (error) {
        // A later question of another tab has taken the place of this one; its answer is as good.
        if (!abort.signal.aborted && (error as Failure).code !== "superseded") failure.value = error as Failure;
      }
    }, 250);
    return () => { clearTimeout(timer); abort.abort(); };
  }, [text, turn.value]);
  const set = (more: Partial<Form>) => { form.value = { ...form.value, ...more }; };
  const now = form.value;
  const answer = built.value;
  const offer = answer?.offer;
  const seen = answer?.seen;
  // Written is what the API server has said yes to before, and not a letter else.
  const writes = offer && !offer.dryRun && tried.value === seen;
  useEffect(() => { told.value = ""; }, [text]);
  const apply = async () => {
    const own = ++turn.value;
    try {
      told.value = "Asking the API server";
      let done = await post<Applied>("apply", { form: now, seen, version: offer!.version, dryRun: !writes });
      tried.value = writes ? "" : seen!;
      told.value = done.words;
      if (writes) turn.value++;
      // Until something else is asked for, or the gateways have it.
      for (let at = 0; done.waits && at < 90; at++) {
        await new Promise((wake) => setTimeout(wake, 1000));
        done = await post<Applied>("apply/awaited", { name: done.name, generation: done.generation });
        if (turn.value !== own + 1) return;
        told.value = done.words;
      }
    } catch (error) {
      tried.value = "";
      told.value = (error as Failure).message;
      turn.value++;
    }
  };
  const download = () => {
    const element = document.createElement("a");
    element.href = URL.createObjectURL(new Blob([answer!.yaml], { type: "application/yaml" }));
    element.download = `${now.name || "rule"}.yaml`;
    element.click();
    URL.revokeObjectURL(element.href);
  };
  const changed = answer?.live != null && answer.live.trim() !== answer.yaml.trim();
  return (
    <>
      <Title about="Makes the YAML of a rule, and says what the compiler finds and what would change. Put it where your configuration is kept.">Rule builder</Title>
      <div class="columns even">
        <Panel title="The rule" aside={<Field label="Start from"><select onChange={(event) => { const rule = names.data?.rules.find((one) => one.name === event.currentTarget.value); form.value = rule?.form ?? EMPTY; }}><option value="">nothing</option>{names.data?.rules.filter((rule) => rule.form && !rule.constrains).map((rule) => <option value={rule.name} selected={rule.name === start}>{rule.name}</option>)}</select></Field>}>
          <form class="form" onSubmit={(event) => event.preventDefault()}>
            <div class="row">
              <Field label="Namespace"><Input name="namespace" value={now.namespace} onInput={(event) => set({ namespace: event.currentTarget.value })} /></Field>
              <Field label="Name"><Input name="name" value={now.name} placeholder="chat" onInput={(event) => set({ name: event.currentTarget.value })} /></Field>
              <Field label="Priority"><input type="number" min={0} value={now.priority ?? ""} placeholder="default" onInput={(event) => set({ priority: event.currentTarget.value === "" ? undefined : Number(event.currentTarget.value) })} /></Field>
            </div>
            <div class="row">
              <Field label="For"><select value={now.scope} onChange={(event) => set({ scope: event.currentTarget.value })}>{SCOPES.map((scope) => <option value={scope} selected={scope === now.scope}>{scope || "keys of its namespace, which it does not say"}</option>)}</select></Field>
              {NAMED.includes(now.scope) && <Field label="Of the name"><Input name="scope-name" value={now.scopeName} onInput={(event) => set({ scopeName: event.currentTarget.value })} /></Field>}
              {ELSEWHERE.includes(now.scope) && <Field label="In namespace"><Input name="scope-namespace" value={now.scopeNamespace} placeholder="its own" onInput={(event) => set({ scopeNamespace: event.currentTarget.value })} /></Field>}
              <Field label="Models"><Input name="models" value={now.models.join(" ")} placeholder="any; a name may end in *" onChange={(event) => set({ models: words(event.currentTarget.value) })} /></Field>
            </div>
            <Field label="Condition"><textarea rows={2} spellcheck={false} value={now.when} placeholder={'request.headers["x-tier"] == "gold"'} onInput={(event) => set({ when: event.currentTarget.value })} /></Field>
            <Field label="Choose a target by"><select value={now.strategy} onChange={(event) => set({ strategy: event.currentTarget.value })}>{STRATEGIES.map((strategy) => <option value={strategy} selected={strategy === now.strategy}>{strategy || "weight, which it does not say"}</option>)}</select></Field>
            <Targets of={now.targets} change={(targets) => set({ targets })} providers={names.data?.providers ?? []} namespace={now.namespace} fallback={false} />
            <Targets of={now.fallbacks} change={(fallbacks) => set({ fallbacks })} providers={names.data?.providers ?? []} namespace={now.namespace} fallback />
          </form>
        </Panel>
        <div class="stack">
          <Wrong failure={failure.value} />
          {answer && (
            <>
              <Panel title="What the compiler says">
                {answer.findings.length === 0
                  ? <p class="about"><State of="ok" say="It would be accepted, and all that it names is there." /></p>
                  : <ul class="list" aria-live="polite">{answer.findings.map((finding) => <li><span class="tag fault">{finding.reason}</span> {finding.path && <code>{finding.path}</code>} {finding.message}</li>)}</ul>}
              </Panel>
              <Panel title={shown.value === "diff" ? "Against what is in force" : "YAML"} aside={
                <>
                  {answer.live != null && <button type="button" aria-pressed={shown.value === "diff"} onClick={() => { shown.value = shown.value === "diff" ? "yaml" : "diff"; }}>Diff</button>}
                  <button type="button" onClick={download}>Download</button>
                  {offer && <button type="button" class="primary" disabled={!!offer.whyNot} title={offer.whyNot ?? ""} onClick={apply}>{writes ? "Apply" : "Dry run"}</button>}
                </>
              }>
                {offer && <p class="about" role="status">{offer.whyNot ?? told.value}</p>}
                {shown.value === "diff" && answer.live != null
                  ? changed ? <pre class="diff" tabIndex={0} aria-label="Difference">{diff(answer.live, answer.yaml).map(([sign, line]) => <span class={sign === "+" ? "plus" : sign === "-" ? "minus" : ""}>{`${sign} ${line}\n`}</span>)}</pre> : <Empty>It is the same as what is in force.</Empty>
                  : <Code label="YAML" text={answer.yaml} />}
              </Panel>
              <Panel title={`Effect on the last ${count(answer.effect.lookedAt)} requests`}>
                {answer.effect.lookedAt === 0 ? <Empty>No request is kept that it could be tried on.</Empty> : (
                  <ul class="list">
                    {answer.effect.moved === 0 && <li>None would be taken by another rule.</li>}
                    {answer.effect.moves.map(([one, other, number]) => <li><b>{count(number)}</b>{` would move from ${one} to ${other}`}</li>)}
                    {answer.effect.unjudged > 0 && <li class="faint">{`${count(answer.effect.unjudged)} cannot be judged: their key is no longer there.`}</li>}
                    <li class="faint">Judged by key and model; headers and bodies are not kept, so a condition on these counts as it does for a request without them.</li>
                  </ul>
                )}
              </Panel>
            </>
          )}
        </div>
      </div>
    </>
  );
}
