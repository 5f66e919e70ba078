import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Failure, get, post } from "../api";
import { place, requery, useLoaded } from "../state";
import type { Explained, Keys, Rule } from "../types";
import { Empty, Field, Input, Limits, Panel, State, Table, Title, Wrong } from "../ui";

const WORDS: Record<string, string> = { matched: "takes it", outranked: "would take it", constrains: "constrains it", no: "no", error: "cannot tell" };

function headersOf(text: string): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const line of text.split("\n").filter((line) => line.trim())) {
    const at = line.indexOf(":");
    if (at < 1) throw new Failure(0, "form", `"${line}" is no header: write one a line, as name: value`);
    headers[line.slice(0, at).trim()] = line.slice(at + 1).trim();
  }
  return headers;
}

export function ExplainPage() {
  const query = place.value.query;
  const names = useLoaded(async (abort) => ({ keys: await get<Keys>("keys", abort), rules: await get<Rule[]>("rules", abort) }), []);
  const form = useRef<HTMLFormElement>(null);
  const told = useSignal<Explained | undefined>(undefined);
  const failure = useSignal<Failure | undefined>(undefined);
  const ask = async () => {
    const said = new FormData(form.current!);
    const text = (name: string) => String(said.get(name) ?? "").trim();
    try {
      let body: Record<string, unknown> = {};
      if (text("body")) {
        try {
          body = JSON.parse(text("body"));
        } catch (error) {
          throw new Failure(0, "form", `the body is no JSON: ${(error as Error).message}`);
        }
      }
      if (text("model")) body.model = text("model");
      if (!text("key") || !body.model) throw new Failure(0, "form", "say a key and a model");
      requery("explain", { key: text("key"), model: text("model") });
      told.value = await post<Explained>("explain", { key: text("key"), headers: headersOf(text("headers")), body, ...(text("operation") ? { operation: text("operation") } : {}) });
      failure.value = undefined;
    } catch (error) {
      failure.value = error as Failure;
      told.value = undefined;
    }
  };
  useEffect(() => { if (query.get("key") && query.get("model")) void ask(); }, []);
  const first = names.data?.keys.keys[0]?.name;
  const answer = told.value;
  return (
    <>
      <Title about="Where a request would go now, and why every other rule does not take it. Nothing is sent anywhere, and no turn is taken.">Explain</Title>
      <div class="columns narrow">
        <Panel title="A request">
          <form class="form" ref={form} onSubmit={(event) => { event.preventDefault(); void ask(); }}>
            <Field label="Key"><Input name="key" required value={query.get("key") ?? first} words={names.data?.keys.keys.map((key) => key.name)} placeholder="namespace/name" /></Field>
            <Field label="Model"><Input name="model" value={query.get("model") ?? ""} words={names.data?.rules.flatMap((rule) => rule.models)} placeholder="the name that the caller sends" /></Field>
            <Field label="Operation"><Input name="operation" placeholder="chat/completions" words={["chat/completions", "completions", "embeddings", "responses", "messages"]} /></Field>
            <Field label="Headers" hint="one a line, name: value"><textarea name="headers" rows={3} spellcheck={false} placeholder="x-tier: gold" /></Field>
            <Field label="Body" hint="JSON; messages are needed only where a condition asks about them"><textarea name="body" rows={5} spellcheck={false} placeholder={'{"max_tokens": 1000}'} /></Field>
            <button type="submit" class="primary">Explain</button>
          </form>
        </Panel>
        <div class="stack">
          <Wrong failure={failure.value} />
          {!answer && !failure.value && <Panel title="What becomes of it"><Empty>Say a key and a model, and press Explain.</Empty></Panel>}
          {answer && (
            <>
              <Panel title="What becomes of it">
                <div class="about">
                  {answer.refused ? <State of="refused" say={`refused: ${answer.refused}`} /> : answer.taken ? <span>taken by <b>{answer.taken}</b>{answer.chosenBy ? `, ${answer.chosenBy}` : ""}</span> : <span>taken by no rule; the model name itself says where</span>}
                </div>
                {answer.notes.length > 0 && <ul class="list">{answer.notes.map((note) => <li>{note}</li>)}</ul>}
                {answer.steps.length > 0 && (
                  <Table label="What would be tried" rows={answer.steps.map((step, at) => ({ step, at }))} id={({ at }) => String(at)} columns={[
                    { head: "#", number: true, cell: ({ at }) => at + 1 },
                    { head: "Target", cell: ({ step }) => <b>{step.target}</b> },
                    { head: "Provider", cell: ({ step }) => step.provider ?? "none" },
                    { head: "Model", cell: ({ step }) => step.model },
                    { head: "When", cell: ({ step }) => (step.fallback ? (step.on.length ? `after ${step.on.join(", ")}` : "after a failure") : "at first") },
                    { head: "Breaker", cell: ({ step }) => (step.breaker ? <State of={step.breaker} /> : <span class="faint">not asked yet</span>) },
                    { head: "Trouble", wide: true, cell: ({ step }) => (step.problem ? <State of="failed" say={step.problem} /> : "") },
                  ]} />
                )}
              </Panel>
              <Panel title="Every rule, in the order in which they are tried">
                <Table label="Rules" rows={answer.rules.map((rule, at) => ({ ...rule, at }))} id={(rule) => rule.rule} empty="There is no rule." columns={[
                  { head: "#", number: true, cell: (rule) => rule.at + 1 },
                  { head: "Rule", cell: (rule) => <b>{rule.rule}</b> },
                  { head: "Verdict", cell: (rule) => <State of={rule.verdict} say={WORDS[rule.verdict] ?? rule.verdict} /> },
                  { head: "Why", wide: true, cell: (rule) => rule.words },
                ]} />
              </Panel>
              {answer.limits.length > 0 && <Panel title="Limits that it has to keep, as they stand"><Limits limits={answer.limits} /></Panel>}
            </>
          )}
        </div>
      </div>
    </>
  );
}
