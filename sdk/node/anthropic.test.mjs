// Anthropic Messages through Anthropic's own library, by every way.

import assert from "node:assert/strict";
import { test } from "node:test";

import Anthropic from "@anthropic-ai/sdk";

import {
  ARGUMENTS, BROKEN, claude, collect, counting, HOST, KEY, PARAMETERS, QUESTION, RESULT, SYSTEM, TEXT, TOOL, VIRTUAL_MODEL, WAYS, words,
  WRONG_KEY,
} from "./gateway.mjs";

const anthropic = claude();
const asked = { max_tokens: 256, messages: QUESTION };
const tools = [{ name: TOOL, description: "When the tide turns.", input_schema: PARAMETERS }];

// A provider of this dialect is asked, and refuses: here it is the gateway, whose own model cannot count.
const UNCOUNTED = { "via-anthropic": "provider_refused" };
const COUNTS = "scripted-anthropic";

/** The calls of an answer. What was signed beside them (Gemini's calls are) is a block of its own, which goes back as it came. */
const called = ({ content }) => content.filter((block) => block.type === "tool_use");

for (const model of WAYS) {
  const ask = (options) => anthropic.messages.create({ ...asked, model, ...options });
  const stream = (options) => anthropic.messages.stream({ ...asked, model, ...options });

  test(`answers whole: ${model}`, async () => {
    const answer = await ask({ system: SYSTEM });
    assert.equal(answer.stop_reason, "end_turn");
    assert.equal(answer.usage.input_tokens, words(SYSTEM, TEXT));
    assert.equal(answer.usage.output_tokens, words(answer.content[0].text));
  });

  test(`streams through the helper: ${model}`, async () => {
    const pieces = [];
    const answer = await stream().on("text", (piece) => pieces.push(piece)).finalMessage();
    assert.ok(pieces.length > 1, "one piece is no stream");
    assert.equal(pieces.join(""), answer.content[0].text);
    assert.equal(answer.stop_reason, "end_turn");
    assert.equal(answer.usage.input_tokens, words(TEXT));
    assert.equal(answer.usage.output_tokens, words(pieces.join("")));
  });

  test(`streams the arguments of a tool: ${model}`, async () => {
    let json = "";
    const answer = await stream({ tools }).on("inputJson", (piece) => (json += piece)).finalMessage();
    assert.equal(answer.stop_reason, "tool_use");
    assert.deepEqual(JSON.parse(json), ARGUMENTS);
    assert.deepEqual(called(answer).map((block) => [block.name, block.input]), [[TOOL, ARGUMENTS]]);
  });

  test(`answers in words once the tool has answered, twice: ${model}`, async () => {
    const messages = [];
    const said = [];
    let answer;
    for (let round = 0; round < 2; round += 1) {
      messages.push(...QUESTION);
      const calling = await ask({ messages, tools });
      const result = { type: "tool_result", tool_use_id: called(calling)[0].id, content: RESULT };
      messages.push({ role: "assistant", content: calling.content }, { role: "user", content: [result] });
      answer = await ask({ messages, tools });
      assert.equal(answer.stop_reason, "end_turn");
      said.push(answer.content[0].text);
      messages.push({ role: "assistant", content: answer.content });
    }
    assert.equal(answer.usage.input_tokens, words(TEXT, RESULT, said[0], TEXT, RESULT));
  });

  if (model === COUNTS) continue;
  test(`nobody else counts tokens: ${model}`, async () => {
    await assert.rejects(anthropic.messages.countTokens({ model, messages: QUESTION }), (error) => {
      assert.ok(error instanceof Anthropic.NotFoundError);
      assert.equal(error.error.error.code, UNCOUNTED[model] ?? "unsupported_operation");
      return true;
    });
  });
}

test("tokens are counted where the provider can", async () => {
  const { input_tokens } = await anthropic.messages.countTokens({ model: COUNTS, messages: QUESTION });
  assert.equal(input_tokens, words(TEXT));
});

test("takes a bare base URL and a bearer token", async () => {
  const other = claude({ baseURL: HOST, apiKey: null, authToken: KEY });
  assert.ok((await other.messages.create({ ...asked, model: VIRTUAL_MODEL })).content[0].text);
});

test("lists the models this key may use", async () => {
  const names = (await collect(anthropic.models.list())).map((model) => model.id);
  assert.deepEqual(WAYS.filter((model) => !names.includes(model)), []);
});

test("refuses a wrong key", async () => {
  await assert.rejects(claude({ apiKey: WRONG_KEY }).messages.create({ ...asked, model: VIRTUAL_MODEL }), (error) => {
    assert.ok(error instanceof Anthropic.AuthenticationError);
    assert.equal(error.error.error.code, "invalid_key");
    assert.ok(!error.message.includes(WRONG_KEY));
    return true;
  });
});

test("refuses an unknown model", async () => {
  await assert.rejects(anthropic.messages.create({ ...asked, model: "no-such-model" }), (error) => {
    assert.ok(error instanceof Anthropic.NotFoundError);
    assert.equal(error.error.error.code, "unknown_model");
    assert.match(error.message, /no-such-model/);
    return true;
  });
});

for (const model of BROKEN) {
  test(`the library does not repeat what the gateway has tried: ${model}`, async () => {
    const counted = counting();
    const eager = claude({ maxRetries: 2, fetch: counted });
    await assert.rejects(eager.messages.create({ ...asked, model }), Anthropic.InternalServerError);
    assert.equal(counted.calls, 1);
  });
}
