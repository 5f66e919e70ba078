// OpenAI's Responses through OpenAI's own library, by every way.

import assert from "node:assert/strict";
import { test } from "node:test";

import OpenAI from "openai";

import {
  ARGUMENTS, BROKEN, client, counting, KEY, PARAMETERS, QUESTION, RESULT, SYSTEM, TEXT, TOOL, URL, VIRTUAL_MODEL, WAYS, words, WRONG_KEY,
} from "./gateway.mjs";

const openai = client();
const tools = [{ type: "function", name: TOOL, description: "When the tide turns.", parameters: PARAMETERS, strict: false }];

/** The calls of an answer. What was signed beside them (Gemini's calls are) is an item of its own, which goes back as it came. */
const called = ({ output }) => output.filter((item) => item.type === "function_call");

for (const model of WAYS) {
  const ask = (options) => openai.responses.create({ model, input: TEXT, ...options });

  test(`answers whole: ${model}`, async () => {
    const answer = await ask({ instructions: SYSTEM });
    assert.equal(answer.status, "completed");
    assert.equal(answer.usage.input_tokens, words(SYSTEM, TEXT));
    assert.equal(answer.usage.output_tokens, words(answer.output_text));
  });

  test(`streams through the helper: ${model}`, async () => {
    const pieces = [];
    const stream = openai.responses.stream({ model, input: TEXT });
    const answer = await stream.on("response.output_text.delta", ({ delta }) => pieces.push(delta)).finalResponse();
    assert.ok(pieces.length > 1, "one piece is no stream");
    assert.equal(pieces.join(""), answer.output_text);
    assert.equal(answer.status, "completed");
    assert.equal(answer.usage.input_tokens, words(TEXT));
  });

  test(`streams the arguments of a tool: ${model}`, async () => {
    let json = "";
    const stream = openai.responses.stream({ model, input: TEXT, tools });
    const answer = await stream.on("response.function_call_arguments.delta", ({ delta }) => (json += delta)).finalResponse();
    assert.deepEqual(JSON.parse(json), ARGUMENTS);
    assert.deepEqual(called(answer).map((item) => [item.name, item.arguments]), [[TOOL, json]]);
  });

  test(`answers in words once the tool has answered, twice: ${model}`, async () => {
    const input = [];
    const said = [];
    let answer;
    for (let round = 0; round < 2; round += 1) {
      input.push(...QUESTION);
      const calling = await ask({ input, tools });
      input.push(...calling.output, { type: "function_call_output", call_id: called(calling)[0].call_id, output: RESULT });
      answer = await ask({ input, tools });
      said.push(answer.output_text);
      input.push(...answer.output);
    }
    assert.ok(said[1]);
    assert.equal(answer.usage.input_tokens, words(TEXT, RESULT, said[0], TEXT, RESULT));
  });

  test(`keeps nothing and says so: ${model}`, async () => {
    const answer = await ask({ store: true });
    assert.equal(answer.store, false);
    await assert.rejects(ask({ previous_response_id: answer.id }), OpenAI.BadRequestError);
  });
}

test("refuses a wrong key", async () => {
  await assert.rejects(client(WRONG_KEY).responses.create({ model: VIRTUAL_MODEL, input: TEXT }), (error) => {
    assert.ok(error instanceof OpenAI.AuthenticationError);
    assert.equal(error.code, "invalid_key");
    return true;
  });
});

test("refuses an unknown model", async () => {
  await assert.rejects(openai.responses.create({ model: "no-such-model", input: TEXT, stream: true }), (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.equal(error.code, "unknown_model");
    assert.match(error.message, /no-such-model/);
    return true;
  });
});

for (const model of BROKEN) {
  test(`the library does not repeat what the gateway has tried: ${model}`, async () => {
    const counted = counting();
    const eager = new OpenAI({ baseURL: URL, apiKey: KEY, maxRetries: 2, timeout: 10_000, fetch: counted });
    await assert.rejects(eager.responses.create({ model, input: TEXT }), OpenAI.InternalServerError);
    assert.equal(counted.calls, 1);
  });
}
