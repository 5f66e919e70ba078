// What every test needs: a client of the gateway that does not retry, because a retry would hide a failure.

import OpenAI from "openai";

export const KEY = process.env.FAIRLEAD_KEY;

/** A rule gives this name its meaning. */
export const VIRTUAL_MODEL = "chat";

/** A provider offers this one; it is named directly. */
export const PROVIDER_MODEL = "sim/fast";

export const QUESTION = [{ role: "user", content: "How far is it to the lighthouse?" }];

export const TOOLS = [
  {
    type: "function",
    function: {
      name: "tide_table",
      description: "When the tide turns.",
      parameters: { type: "object", properties: { harbour: { type: "string" } }, required: ["harbour"] },
    },
  },
];

export function client(apiKey = KEY) {
  return new OpenAI({ baseURL: process.env.FAIRLEAD_URL, apiKey, maxRetries: 0, timeout: 10_000 });
}

/** All chunks of a stream. */
export async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}
