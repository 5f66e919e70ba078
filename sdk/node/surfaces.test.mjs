// Legacy completions, embeddings, the list of models, and refusals.

import assert from "node:assert/strict";
import { test } from "node:test";

import OpenAI from "openai";

import { client, collect, KEY, QUESTION, VIRTUAL_MODEL } from "./gateway.mjs";

const openai = client();

test("completes a prompt whole and in a stream", async () => {
  const ask = { model: VIRTUAL_MODEL, prompt: "Once upon a tide" };
  assert.ok((await openai.completions.create(ask)).choices[0].text);
  const chunks = await collect(await openai.completions.create({ ...ask, stream: true }));
  assert.ok(chunks.map((chunk) => chunk.choices[0]?.text ?? "").join(""));
});

test("embeds each input", async () => {
  const answer = await openai.embeddings.create({ model: VIRTUAL_MODEL, input: ["harbour", "lighthouse"] });
  assert.deepEqual(answer.data.map((item) => item.index), [0, 1]);
  assert.ok(answer.data.every((item) => item.embedding.length > 0));
  assert.equal(typeof answer.data[0].embedding[0], "number");
});

test("lists the models this key may use", async () => {
  const models = await collect(await openai.models.list());
  assert.ok(models.some((model) => model.id === VIRTUAL_MODEL));
});

test("refuses a wrong key", async () => {
  const wrong = "sk-fairlead-wrong-0123456789abcdef0123456789";
  await assert.rejects(client(wrong).chat.completions.create({ model: VIRTUAL_MODEL, messages: QUESTION }), (error) => {
    assert.ok(error instanceof OpenAI.AuthenticationError);
    assert.equal(error.code, "invalid_key");
    assert.ok(!error.message.includes(wrong));
    return true;
  });
});

test("refuses an unknown model", async () => {
  await assert.rejects(openai.chat.completions.create({ model: "no-such-model", messages: QUESTION }), (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.equal(error.code, "unknown_model");
    assert.ok(!error.message.includes(KEY));
    return true;
  });
});
