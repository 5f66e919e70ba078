// The AI SDK of Vercel with its providers for three companies, against the scripted provider in every dialect.

import assert from "node:assert/strict";
import { test } from "node:test";

import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { generateObject, generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

import { ARGUMENTS, HOST, KEY, RESULT, SCRIPTED, SYSTEM, TEXT, TOOL, URL, words } from "./gateway.mjs";

const SAID = "The lighthouse is two miles to the east.";

const openai = createOpenAI({ baseURL: URL, apiKey: KEY });
const anthropic = createAnthropic({ baseURL: `${HOST}/anthropic/v1`, apiKey: KEY });
const google = createGoogleGenerativeAI({ baseURL: `${HOST}/gemini/v1beta`, apiKey: KEY });

const MODELS = {
  "@ai-sdk/openai chat": (name) => openai.chat(name),
  "@ai-sdk/openai responses": (name) => openai.responses(name),
  "@ai-sdk/anthropic": (name) => anthropic(name),
  // It takes a name with a slash for a path.
  "@ai-sdk/google": (name) => google(`models/${name}`),
};

const providerOptions = {
  // Nothing is kept here, so that what was thought has to come back itself, not a reference to it.
  openai: { store: false },
  // It knows by a model's name whether it can be told a schema, and has a tool for that otherwise.
  anthropic: { structuredOutputMode: "outputFormat" },
};

const asked = { system: SYSTEM, prompt: TEXT, maxRetries: 0, maxOutputTokens: 256, providerOptions };

/** What the model says of the tool's result; the library for Google gives the tool's name in it. */
const HEARD = new RegExp(`^The tool said: .*${RESULT}`);

/** A tool, and what it was called with. */
function counted() {
  const calls = [];
  const execute = async (input) => {
    calls.push(input);
    return RESULT;
  };
  const inputSchema = z.object({ harbour: z.string() });
  return { calls, tools: { [TOOL]: tool({ description: "When the tide turns.", inputSchema, execute }) } };
}

for (const [library, of] of Object.entries(MODELS)) {
  for (const name of SCRIPTED) {
    const model = of(name);

    test(`generateText: ${library}, ${name}`, async () => {
      const { text, usage, finishReason } = await generateText({ ...asked, model });
      assert.equal(text, SAID);
      assert.equal(finishReason, "stop");
      assert.deepEqual([usage.inputTokens, usage.outputTokens], [words(SYSTEM, TEXT), words(SAID)]);
    });

    test(`streamText: ${library}, ${name}`, async () => {
      const stream = streamText({ ...asked, model, onError: ({ error }) => { throw error; } });
      const pieces = [];
      for await (const piece of stream.textStream) pieces.push(piece);
      assert.ok(pieces.length > 1, "one piece is no stream");
      assert.equal(pieces.join(""), SAID);
      assert.equal(await stream.finishReason, "stop");
      const usage = await stream.usage;
      assert.deepEqual([usage.inputTokens, usage.outputTokens], [words(SYSTEM, TEXT), words(SAID)]);
    });

    test(`generateText runs a tool: ${library}, ${name}`, async () => {
      const { calls, tools } = counted();
      const { text, steps } = await generateText({ ...asked, model, tools, stopWhen: stepCountIs(3) });
      assert.deepEqual(calls, [ARGUMENTS]);
      assert.deepEqual(steps.map((step) => step.finishReason), ["tool-calls", "stop"]);
      assert.match(text, HEARD);
    });

    test(`streamText runs a tool: ${library}, ${name}`, async () => {
      const { calls, tools } = counted();
      const stream = streamText({ ...asked, model, tools, stopWhen: stepCountIs(3), onError: ({ error }) => { throw error; } });
      assert.match(await stream.text, HEARD);
      assert.deepEqual(calls, [ARGUMENTS]);
      assert.deepEqual((await stream.steps).map((step) => step.finishReason), ["tool-calls", "stop"]);
    });

    test(`generateObject: ${library}, ${name}`, async () => {
      const schema = z.object({ harbour: z.string(), miles: z.number() });
      const { object } = await generateObject({ ...asked, model: of(`${name}/json`), schema });
      assert.deepEqual(object, { harbour: "Lee", miles: 12 });
    });
  }
}
