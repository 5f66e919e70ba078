// Gemini's generateContent through Google's own library, by every way.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError } from "@google/genai";

import {
  ARGUMENTS, BROKEN, collect, gemini, PARAMETERS, RESULT, SYSTEM, TEXT, TOOL, VIRTUAL_MODEL, WAYS, words, WRONG_KEY,
} from "./gateway.mjs";

const google = gemini();
const tools = [{ functionDeclarations: [{ name: TOOL, description: "When the tide turns.", parametersJsonSchema: PARAMETERS }] }];
const user = (...parts) => ({ role: "user", parts });

for (const model of WAYS) {
  const ask = (options) => google.models.generateContent({ model, contents: TEXT, ...options });
  const stream = (options) => google.models.generateContentStream({ model, contents: TEXT, ...options });

  test(`answers whole: ${model}`, async () => {
    const answer = await ask({ config: { systemInstruction: SYSTEM } });
    assert.equal(answer.candidates[0].finishReason, "STOP");
    assert.equal(answer.usageMetadata.promptTokenCount, words(SYSTEM, TEXT));
    assert.equal(answer.usageMetadata.candidatesTokenCount, words(answer.text));
  });

  test(`streams to a finish reason: ${model}`, async () => {
    const chunks = await collect(await stream());
    const pieces = chunks.map((chunk) => chunk.text).filter(Boolean);
    assert.ok(pieces.length > 1, "one piece is no stream");
    assert.deepEqual(chunks.map((chunk) => chunk.candidates?.[0]?.finishReason).filter(Boolean), ["STOP"]);
    assert.equal(chunks.at(-1).usageMetadata.promptTokenCount, words(TEXT));
    assert.equal(chunks.at(-1).usageMetadata.candidatesTokenCount, words(pieces.join("")));
  });

  test(`calls a tool in a stream: ${model}`, async () => {
    const chunks = await collect(await stream({ config: { tools } }));
    const calls = chunks.flatMap((chunk) => chunk.functionCalls ?? []);
    assert.deepEqual(calls.map(({ name, args }) => [name, args]), [[TOOL, ARGUMENTS]]);
  });

  test(`answers in words once the tool has answered, twice: ${model}`, async () => {
    const contents = [];
    const said = [];
    let answer;
    for (let round = 0; round < 2; round += 1) {
      contents.push(user({ text: TEXT }));
      const call = await ask({ contents, config: { tools } });
      const [{ id, name }] = call.functionCalls;
      contents.push(call.candidates[0].content, user({ functionResponse: { id, name, response: { result: RESULT } } }));
      answer = await ask({ contents, config: { tools } });
      said.push(answer.text);
      contents.push(answer.candidates[0].content);
    }
    assert.ok(said[1]);
    assert.equal(answer.usageMetadata.promptTokenCount, words(TEXT, RESULT, said[0], TEXT, RESULT));
  });

  test(`a chat of the library remembers: ${model}`, async () => {
    const chat = google.chats.create({ model });
    const first = await chat.sendMessage({ message: TEXT });
    const second = await chat.sendMessage({ message: TEXT });
    assert.equal(second.usageMetadata.promptTokenCount, words(TEXT, first.text, TEXT));
  });

  test(`only Gemini counts tokens: ${model}`, async () => {
    if (model === "scripted-gemini") {
      const counted = await google.models.countTokens({ model, contents: TEXT });
      assert.ok(counted.totalTokens > 0);
      return;
    }
    await assert.rejects(google.models.countTokens({ model, contents: TEXT }), (error) => {
      assert.ok(error instanceof ApiError);
      assert.equal(error.status, 404);
      assert.equal(JSON.parse(error.message).error.status, "NOT_FOUND");
      return true;
    });
  });
}

test("lists the models this key may use", async () => {
  const names = (await collect(await google.models.list())).map((model) => model.name);
  assert.deepEqual(WAYS.filter((model) => !names.includes(`models/${model}`)), []);
});

const refused = (status, reason) => (error) => {
  assert.ok(error instanceof ApiError);
  assert.equal(error.status, status);
  assert.equal(JSON.parse(error.message).error.details[0].reason, reason);
  assert.ok(!error.message.includes(WRONG_KEY));
  return true;
};

test("refuses a wrong key", async () => {
  const ask = { model: VIRTUAL_MODEL, contents: TEXT };
  await assert.rejects(gemini(WRONG_KEY).models.generateContent(ask), refused(401, "invalid_key"));
});

test("refuses an unknown model", async () => {
  const ask = { model: "no-such-model", contents: TEXT };
  await assert.rejects(google.models.generateContent(ask), refused(404, "unknown_model"));
  await assert.rejects(google.models.generateContentStream(ask), refused(404, "unknown_model"));
});

for (const model of BROKEN) {
  test(`does not repeat what the gateway has tried: ${model}`, async () => {
    await assert.rejects(google.models.generateContent({ model, contents: TEXT }), refused(503, "provider_error"));
  });
}
