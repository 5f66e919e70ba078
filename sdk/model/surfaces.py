"""One conversation in the words of each surface, and what each surface answers in common words. Written by hand, without any library."""

import dataclasses
import json

LIMIT = 8
TOOL = "tide_table"
DESCRIPTION = "When the tide turns."
PARAMETERS = {"type": "object", "properties": {"harbour": {"type": "string"}}, "required": ["harbour"]}
ARGUMENTS = {"harbour": "Lee"}


@dataclasses.dataclass
class Asked:
    """A conversation: turns of the user and the assistant in turn, and what is wanted of the answer."""

    turns: list[str]
    system: str | None = None
    limit: int = LIMIT
    # Whether a tool is offered and has to be called.
    tool: bool = False
    # What the tool has said: the call and this follow the turns.
    result: str | None = None


@dataclasses.dataclass
class Answered:
    """What must be the same whatever the words."""

    text: str
    calls: list
    stop: str
    input_tokens: int
    output_tokens: int


class Chat:
    """Chat Completions."""

    def request(self, asked, model, stream):
        messages = [{"role": "system", "content": asked.system}] if asked.system else []
        messages += [{"role": role, "content": text} for role, text in turns(asked)]
        if asked.result:
            call = {"id": "call_1", "type": "function", "function": {"name": TOOL, "arguments": json.dumps(ARGUMENTS)}}
            messages += [{"role": "assistant", "content": None, "tool_calls": [call]}]
            messages += [{"role": "tool", "tool_call_id": "call_1", "content": asked.result}]
        body = {"model": model, "messages": messages, "max_tokens": asked.limit, "temperature": 0, "stream": stream}
        if stream:
            body["stream_options"] = {"include_usage": True}
        if asked.tool or asked.result:
            function = {"name": TOOL, "description": DESCRIPTION, "parameters": PARAMETERS}
            body |= {"tools": [{"type": "function", "function": function}], "tool_choice": "required" if asked.tool else "none"}
        return "/v1/chat/completions", body

    def whole(self, answer):
        [choice] = answer["choices"]
        message = choice["message"]
        calls = [(each["function"]["name"], json.loads(each["function"]["arguments"])) for each in message.get("tool_calls") or []]
        return self.answered(message.get("content"), calls, choice["finish_reason"], answer["usage"])

    def streamed(self, events):
        deltas = [event["choices"][0] for event in events if event["choices"]]
        text = "".join(delta["delta"].get("content") or "" for delta in deltas)
        [finish] = [delta["finish_reason"] for delta in deltas if delta["finish_reason"]]
        return self.answered(text, [], finish, events[-1]["usage"])

    def answered(self, text, calls, finish, usage):
        stop = {"length": "limit", "stop": "end", "tool_calls": "call"}[finish]
        return Answered(text or "", calls, stop, usage["prompt_tokens"], usage["completion_tokens"])


class Responses:
    """OpenAI's Responses."""

    def request(self, asked, model, stream):
        items = [{"role": role, "content": text} for role, text in turns(asked)]
        if asked.result:
            items += [{"type": "function_call", "call_id": "call_1", "name": TOOL, "arguments": json.dumps(ARGUMENTS)}]
            items += [{"type": "function_call_output", "call_id": "call_1", "output": asked.result}]
        body = {"model": model, "input": items, "max_output_tokens": asked.limit, "temperature": 0, "stream": stream, "store": False}
        if asked.system:
            body["instructions"] = asked.system
        if asked.tool or asked.result:
            tool = {"type": "function", "name": TOOL, "description": DESCRIPTION, "parameters": PARAMETERS}
            body |= {"tools": [tool], "tool_choice": "required" if asked.tool else "none"}
        return "/v1/responses", body

    def whole(self, answer):
        text = "".join(part["text"] for item in answer["output"] if item["type"] == "message" for part in item["content"])
        calls = [(item["name"], json.loads(item["arguments"])) for item in answer["output"] if item["type"] == "function_call"]
        stop = "limit" if answer["status"] == "incomplete" else "call" if calls else "end"
        return Answered(text, calls, stop, answer["usage"]["input_tokens"], answer["usage"]["output_tokens"])

    def streamed(self, events):
        answer = self.whole(events[-1]["response"])
        assert answer.text == "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
        return answer


class Messages:
    """Anthropic's Messages."""

    def request(self, asked, model, stream):
        messages = [{"role": role, "content": text} for role, text in turns(asked)]
        if asked.result:
            messages += [{"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": TOOL, "input": ARGUMENTS}]}]
            messages += [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": asked.result}]}]
        body = {"model": model, "messages": messages, "max_tokens": asked.limit, "temperature": 0, "stream": stream}
        if asked.system:
            body["system"] = asked.system
        if asked.tool or asked.result:
            tool = {"name": TOOL, "description": DESCRIPTION, "input_schema": PARAMETERS}
            body |= {"tools": [tool], "tool_choice": {"type": "any" if asked.tool else "none"}}
        return "/v1/messages", body

    def whole(self, answer):
        text = "".join(block["text"] for block in answer["content"] if block["type"] == "text")
        calls = [(block["name"], block["input"]) for block in answer["content"] if block["type"] == "tool_use"]
        return self.answered(text, calls, answer["stop_reason"], answer["usage"])

    def streamed(self, events):
        text = "".join(event["delta"].get("text", "") for event in events if event["type"] == "content_block_delta")
        [start] = [event["message"]["usage"] for event in events if event["type"] == "message_start"]
        [end] = [event for event in events if event["type"] == "message_delta"]
        usage = start | {name: value for name, value in end["usage"].items() if value is not None}
        return self.answered(text, [], end["delta"]["stop_reason"], usage)

    def answered(self, text, calls, reason, usage):
        stop = {"max_tokens": "limit", "end_turn": "end", "tool_use": "call"}[reason]
        cached = (usage.get("cache_read_input_tokens") or 0) + (usage.get("cache_creation_input_tokens") or 0)
        return Answered(text, calls, stop, usage["input_tokens"] + cached, usage["output_tokens"])


class Gemini:
    """Gemini's generateContent."""

    def request(self, asked, model, stream):
        contents = [{"role": "model" if role == "assistant" else role, "parts": [{"text": text}]} for role, text in turns(asked)]
        if asked.result:
            contents += [{"role": "model", "parts": [{"functionCall": {"name": TOOL, "args": ARGUMENTS}}]}]
            contents += [{"role": "user", "parts": [{"functionResponse": {"name": TOOL, "response": {"result": asked.result}}}]}]
        body = {"contents": contents, "generationConfig": {"maxOutputTokens": asked.limit, "temperature": 0}}
        if asked.system:
            body["systemInstruction"] = {"parts": [{"text": asked.system}]}
        if asked.tool or asked.result:
            function = {"name": TOOL, "description": DESCRIPTION, "parametersJsonSchema": PARAMETERS}
            body |= {"tools": [{"functionDeclarations": [function]}]}
            body["toolConfig"] = {"functionCallingConfig": {"mode": "ANY" if asked.tool else "NONE"}}
        return f"/v1beta/models/{model}:" + ("streamGenerateContent?alt=sse" if stream else "generateContent"), body

    def whole(self, answer):
        return self.streamed([answer])

    def streamed(self, events):
        candidates = [event["candidates"][0] for event in events if event.get("candidates")]
        parts = [part for candidate in candidates for part in candidate.get("content", {}).get("parts", [])]
        calls = [(part["functionCall"]["name"], part["functionCall"]["args"]) for part in parts if "functionCall" in part]
        [reason] = [candidate["finishReason"] for candidate in candidates if candidate.get("finishReason")]
        usage = events[-1]["usageMetadata"]
        stop = "limit" if reason == "MAX_TOKENS" else "call" if calls else "end"
        text = "".join(part.get("text", "") for part in parts)
        return Answered(text, calls, stop, usage["promptTokenCount"], usage.get("candidatesTokenCount", 0))


SURFACES = {"chat": Chat(), "responses": Responses(), "messages": Messages(), "gemini": Gemini()}


def turns(asked):
    return [(("user", "assistant")[at % 2], text) for at, text in enumerate(asked.turns)]
