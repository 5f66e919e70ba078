// What a library sees of a model that thinks for 20 s, and of a refusal while it still sends a large body: 20 of 20 times the right thing.

import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";

import { KEY, QUESTION } from "./gateway.mjs";

const TIMES = 20;
const THINKER = "slow/thinker";
const TEXT = "The light was there all along.";
const WRONG = "sk-fairlead-wrong-0123456789abcdef0123456789";
const FIVE_MIB = [{ role: "user", content: "a".repeat(5 << 20) }];
const URL = process.env.FAIRLEAD_URL;

const patient = (apiKey = KEY) => new OpenAI({ baseURL: URL, apiKey, maxRetries: 0, timeout: 60_000 });
const times = (one) => Promise.all(Array.from({ length: TIMES }, one));
const all = (value, count = TIMES) => Array(count).fill(value);

async function whole() {
  const answer = await patient().chat.completions.create({ model: THINKER, messages: QUESTION });
  return answer.choices[0].message.content;
}

async function streamed() {
  let text = "";
  const stream = await patient().chat.completions.create({ model: THINKER, messages: QUESTION, stream: true });
  for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? "";
  return text;
}

async function fetched() {
  const body = JSON.stringify({ model: THINKER, messages: QUESTION });
  const answer = await fetch(URL + "/chat/completions", { method: "POST", headers: { authorization: "Bearer " + KEY }, body });
  return (await answer.json()).choices[0].message.content;
}

test("waits for an answer that begins late", async () => {
  const seen = await Promise.all([times(whole), times(streamed), times(fetched)]);
  assert.deepEqual(seen, [all(TEXT), all(TEXT), all(TEXT)]);
});

async function inTurn(count, one) {
  const seen = [];
  for (let at = 0; at < count; at += 1) {
    seen.push(
      await one().then(
        () => "no error",
        (error) => (error.status ? `${error.status} ${error.code}` : `no answer: ${error.cause?.cause ?? error.cause ?? error}`),
      ),
    );
  }
  return seen;
}

for (const [key, path, headers, expected] of [
  [WRONG, "/chat/completions", {}, "401 invalid_key"],
  [KEY, "/nowhere", {}, "404 unknown_path"],
  [KEY, "/chat/completions", { "content-encoding": "gzip" }, "415 unsupported_encoding"],
]) {
  test(`sees why a large body is refused: ${expected}`, async () => {
    const body = { model: "chat", messages: FIVE_MIB };
    assert.deepEqual(await inTurn(TIMES, () => patient(key).post(path, { body, headers })), all(expected));
  });
}

test("sees that a body is too large", async () => {
  const messages = [{ role: "user", content: "a".repeat(33 << 20) }];
  const ask = () => patient().chat.completions.create({ model: "chat", messages });
  assert.deepEqual(await inTurn(3, ask), all("413 body_too_large", 3));
});

test("fetch sees why a large body is refused", async () => {
  const seen = [];
  for (let at = 0; at < TIMES; at += 1) {
    const answer = await fetch(URL + "/chat/completions", { method: "POST", body: "a".repeat(5 << 20) }).catch((error) => ({ status: `${error.cause}` }));
    seen.push(answer.status);
    if (answer.text) await answer.text();
  }
  assert.deepEqual(seen, all(401));
});
