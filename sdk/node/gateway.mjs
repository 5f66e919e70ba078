// What every test needs: the ways to a model, and clients of the gateway that do not retry, because a retry would hide a failure.

import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";
import OpenAI from "openai";

export const URL = process.env.FAIRLEAD_URL;

export const KEY = process.env.FAIRLEAD_KEY;

export const WRONG_KEY = "sk-fairlead-wrong-0123456789abcdef0123456789";

/** What base URLs of other APIs begin with. */
export const HOST = URL.replace(/\/v1$/, "");

/** A rule gives this name its meaning. */
export const VIRTUAL_MODEL = "chat";

/** A provider offers this one; it is named directly. */
export const PROVIDER_MODEL = "sim/fast";

/** Virtual models that are answered by the scripted provider, which speaks one dialect under each name. */
export const SCRIPTED = ["scripted-openai", "scripted-anthropic", "scripted-gemini"];

/**
 * Virtual models that come to an answer by different ways: from the simulated provider, from the gateway itself as a provider of another
 * dialect, which asks the simulated one in turn, or from the scripted provider.
 */
export const WAYS = [VIRTUAL_MODEL, "via-anthropic", "via-gemini", ...SCRIPTED];

/** Models whose provider fails with 503, by the same ways. */
export const BROKEN = ["broken/always", "loop-anthropic/always", "loop-gemini/always", ...SCRIPTED.map((name) => `${name}/always`)];

export const TEXT = "How far is it to the lighthouse?";

export const QUESTION = [{ role: "user", content: TEXT }];

export const SYSTEM = "Answer as a harbour master.";

export const TOOL = "tide_table";

export const PARAMETERS = { type: "object", properties: { harbour: { type: "string" } }, required: ["harbour"] };

export const TOOLS = [
  { type: "function", function: { name: TOOL, description: "When the tide turns.", parameters: PARAMETERS } },
];

/** What the simulated provider fills in, and the scripted one. */
export const ARGUMENTS = { harbour: "example" };

export const RESULT = "at noon";

/** How many tokens the simulated and the scripted provider count: so it shows whether all of a conversation has arrived. */
export const words = (...texts) => texts.join(" ").split(/\s+/).length;

export function client(apiKey = KEY) {
  return new OpenAI({ baseURL: URL, apiKey, maxRetries: 0, timeout: 10_000 });
}

export function claude(options = {}) {
  return new Anthropic({ baseURL: `${HOST}/anthropic`, apiKey: KEY, maxRetries: 0, timeout: 10_000, ...options });
}

/** Its library does not retry unless it is told to. */
export function gemini(apiKey = KEY) {
  return new GoogleGenAI({ apiKey, httpOptions: { baseUrl: `${HOST}/gemini`, timeout: 10_000 } });
}

/** A `fetch` that counts how often it is called. */
export function counting() {
  const counted = (...call) => {
    counted.calls += 1;
    return fetch(...call);
  };
  return Object.assign(counted, { calls: 0 });
}

/** All chunks of a stream. */
export async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}
