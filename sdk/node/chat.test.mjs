// Chat completions, whole and streamed, with and without tools, by every way.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  ARGUMENTS, client, collect, PROVIDER_MODEL, QUESTION, RESULT, SYSTEM, TEXT, TOOLS, VIRTUAL_MODEL, WAYS, words,
} from "./gateway.mjs";

const openai = client();
const ask = (options) => openai.chat.completions.create({ model: VIRTUAL_MODEL, messages: QUESTION, ...options });

for (const model of [...WAYS, PROVIDER_MODEL]) {
  test(`answers whole: ${model}`, async () => {
    const answer = await ask({ model });
    assert.equal(answer.object, "chat.completion");
    assert.equal(answer.choices[0].finish_reason, "stop");
    assert.ok(answer.choices[0].message.content);
    assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
  });

  test(`streams content to a finish reason: ${model}`, async () => {
    const chunks = await collect(await ask({ model, stream: true }));
    const contents = chunks.map((chunk) => chunk.choices[0]?.delta.content).filter(Boolean);
    assert.ok(contents.length > 1, "one chunk is no stream");
    const reasons = chunks.map((chunk) => chunk.choices[0]?.finish_reason).filter(Boolean);
    assert.deepEqual(reasons, ["stop"]);
  });
}

for (const model of WAYS) {
  test(`sends a usage chunk when asked: ${model}`, async () => {
    const chunks = await collect(await ask({ model, stream: true, stream_options: { include_usage: true } }));
    const withUsage = chunks.filter((chunk) => chunk.usage);
    assert.deepEqual(withUsage, chunks.slice(-1));
    assert.deepEqual(withUsage[0].choices, []);
    assert.ok(withUsage[0].usage.completion_tokens > 0);
  });

  test(`sends no usage chunk unasked: ${model}`, async () => {
    for await (const chunk of await ask({ model, stream: true })) {
      assert.equal(chunk.usage ?? null, null);
      assert.ok(chunk.choices.length > 0);
    }
  });

  test(`calls a tool whole: ${model}`, async () => {
    const { choices } = await ask({ model, tools: TOOLS });
    assert.equal(choices[0].finish_reason, "tool_calls");
    const [call] = choices[0].message.tool_calls;
    assert.equal(call.function.name, "tide_table");
    assert.deepEqual(JSON.parse(call.function.arguments), ARGUMENTS);
  });

  test(`calls a tool in a stream that the library puts together: ${model}`, async () => {
    const stream = openai.chat.completions.stream({ model, messages: QUESTION, tools: TOOLS });
    const { choices } = await stream.finalChatCompletion();
    assert.equal(choices[0].finish_reason, "tool_calls");
    const [call] = choices[0].message.tool_calls;
    assert.equal(call.function.name, "tide_table");
    assert.deepEqual(JSON.parse(call.function.arguments), ARGUMENTS);
  });

  test(`answers in words once the tool has answered: ${model}`, async () => {
    const system = { role: "system", content: SYSTEM };
    const asked = (await ask({ model, tools: TOOLS })).choices[0].message;
    const result = { role: "tool", tool_call_id: asked.tool_calls[0].id, content: RESULT };
    const { choices, usage } = await ask({ model, messages: [system, ...QUESTION, asked, result], tools: TOOLS });
    assert.equal(choices[0].finish_reason, "stop");
    assert.ok(choices[0].message.content);
    assert.equal(usage.prompt_tokens, words(SYSTEM, TEXT, RESULT));
  });
}

test("names provider and model in headers", async () => {
  const { data, response } = await openai.chat.completions
    .create({ model: VIRTUAL_MODEL, messages: QUESTION })
    .withResponse();
  assert.match(response.headers.get("x-fairlead-provider"), /^[^/]+\/[^/]+$/);
  assert.ok(response.headers.get("x-fairlead-model"));
  assert.ok(data.choices[0].message.content);
});
