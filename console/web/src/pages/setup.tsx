import { useSignal } from "@preact/signals";
import { get, who } from "../api";
import { useLoaded } from "../state";
import type { Mine, Overview, Rule } from "../types";
import { Code, Field, Input, Title } from "../ui";

interface Snippet { name: string; group: string; words?: string; text: (base: string, key: string, model: string) => string }

// What is pasted into a shell or a program is somebody else's text: each language quotes it in its own way.
const shell = (text: string) => (/^[\w.:\/@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
/** As JSON writes it, which Python, JavaScript and TOML read alike. */
const quoted = (text: string) => JSON.stringify(text).replace(/[\u007f-\uffff]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);
/** A name that needs no quotes anywhere. */
const PLAIN = /^[\w.:/@-]+$/;

const SNIPPETS: Snippet[] = [
  { name: "curl", group: "To try", text: (base, key, model) => `curl ${shell(`${base}/v1/chat/completions`)} \\\n  -H ${shell(`Authorization: Bearer ${key}`)} \\\n  -d ${shell(`{"model": ${quoted(model)}, "messages": [{"role": "user", "content": "Hello"}]}`)}` },
  { name: "OpenAI (Python, Node, Go)", group: "SDKs", words: "The libraries read these variables; Chat Completions and Responses.", text: (base, key) => `export OPENAI_BASE_URL=${shell(`${base}/v1`)}\nexport OPENAI_API_KEY=${key}` },
  { name: "Anthropic (Python, Node)", group: "SDKs", text: (base, key) => `export ANTHROPIC_BASE_URL=${shell(`${base}/anthropic`)}\nexport ANTHROPIC_API_KEY=${key}` },
  { name: "Google Gen AI (Python)", group: "SDKs", text: (base, key) => `from google import genai\n\nclient = genai.Client(api_key="${key}", http_options={"base_url": ${quoted(`${base}/gemini`)}})` },
  { name: "Google Gen AI (Node)", group: "SDKs", text: (base, key) => `import { GoogleGenAI } from "@google/genai";\n\nconst ai = new GoogleGenAI({ apiKey: "${key}", httpOptions: { baseUrl: ${quoted(`${base}/gemini`)} } });` },
  { name: "Claude Code", group: "Agents", words: "It asks for models of Anthropic's by their names; a rule for its key can take every name.", text: (base, key) => `ANTHROPIC_BASE_URL=${shell(`${base}/anthropic`)} ANTHROPIC_AUTH_TOKEN=${key} claude` },
  { name: "Codex", group: "Agents", words: "In $CODEX_HOME/config.toml, and the key in FAIRLEAD_KEY.", text: (base, _key, model) => `model = ${quoted(model)}\nmodel_provider = "fairlead"\n\n[model_providers.fairlead]\nname = "Fairlead"\nbase_url = ${quoted(`${base}/v1`)}\nenv_key = "FAIRLEAD_KEY"\nwire_api = "responses"` },
  { name: "LangChain", group: "Frameworks", text: (base, key, model) => `from langchain_openai import ChatOpenAI\n\nllm = ChatOpenAI(model=${quoted(model)}, base_url=${quoted(`${base}/v1`)}, api_key="${key}")` },
  { name: "AI SDK", group: "Frameworks", words: "Its base URLs include the version.", text: (base, key, model) => `import { createOpenAI } from "@ai-sdk/openai";\nimport { generateText } from "ai";\n\nconst fairlead = createOpenAI({ baseURL: ${quoted(`${base}/v1`)}, apiKey: "${key}" });\nconst { text } = await generateText({ model: fairlead.chat(${quoted(model)}), prompt: "Hello" });` },
];

export function SetupPage() {
  const holder = who.value?.holder ?? false;
  const known = useLoaded(async (abort) => {
    if (holder) {
      const mine = await get<Mine>("mine", abort);
      return { at: mine.callersAt, models: mine.models };
    }
    const sees = who.value?.pages.includes("rules");
    const [overview, rules] = await Promise.all([get<Overview>("overview", abort), sees ? get<Rule[]>("rules", abort) : []]);
    return { at: overview.standing.callersAt, models: rules.flatMap((rule) => rule.models).filter((model) => !model.endsWith("*")) };
  }, [holder]);
  const base = useSignal<string | undefined>(undefined);
  const model = useSignal<string | undefined>(undefined);
  const address = (base.value ?? known.data?.at ?? "http://127.0.0.1:8080").replace(/\/+$/, "");
  const name = model.value ?? known.data?.models.find((one) => PLAIN.test(one)) ?? "chat";
  const groups = [...new Set(SNIPPETS.map((snippet) => snippet.group))];
  return (
    <>
      <Title about="A client needs the address of the surface that it speaks, and a virtual key in the place of the provider's. Everything else stays as it is.">Set up a client</Title>
      <form class="filter" onSubmit={(event) => event.preventDefault()}>
        <Field label="Where callers connect"><Input name="base" value={address} onInput={(event) => { base.value = event.currentTarget.value; }} /></Field>
        <Field label="Model"><Input name="model" value={name} words={known.data?.models} onInput={(event) => { model.value = event.currentTarget.value; }} /></Field>
      </form>
      <p class="note">The key itself is never shown here: put yours in the place of KEY.</p>
      {groups.map((group) => (
        <section aria-label={group}>
          <h2 class="group">{group}</h2>
          <div class="cards">
            {SNIPPETS.filter((snippet) => snippet.group === group).map((snippet) => (
              <div class="panel" key={snippet.name}>
                <header><h3>{snippet.name}</h3></header>
                {snippet.words && <p class="about">{snippet.words}</p>}
                <Code label={snippet.name} text={snippet.text(address, "KEY", name)} />
              </div>
            ))}
          </div>
        </section>
      ))}
    </>
  );
}
