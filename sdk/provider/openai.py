"""Chat Completions as OpenAI's reference has them (https://platform.openai.com/docs/api-reference/chat)."""

import json
import re

from . import script
from .script import Question, Refused

MEMBERS = set(
    "messages model audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens metadata modalities"
    " n parallel_tool_calls prediction presence_penalty prompt_cache_key prompt_cache_options prompt_cache_retention reasoning_effort"
    " response_format safety_identifier seed service_tier stop store stream stream_options temperature tool_choice tools top_logprobs top_p"
    " user verbosity web_search_options moderation".split()
)
PARTS = {"text", "image_url", "input_audio", "file", "refusal"}
NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
LONGEST_ID = 64


def read(body, headers, path):
    script.known(body, MEMBERS, "", "Unrecognized request argument supplied: {name}")
    for needed in ("model", "messages"):
        if needed not in body:
            raise Refused(f"Missing required parameter: '{needed}'.")
    if body.get("stream_options") and not body.get("stream"):
        raise Refused("The 'stream_options' parameter is only allowed when 'stream' is enabled.")
    messages = body["messages"]
    check_order(messages)
    texts = [text_of(message) for message in messages]
    spoke = max((at for at, message in enumerate(messages) if message["role"] == "assistant"), default=-1)
    since = messages[spoke + 1 :]
    return Question(
        model=body["model"],
        stream=body.get("stream") is True,
        tools=[tool(each) for each in body.get("tools") or []],
        may_call=body.get("tool_choice") != "none",
        said=" ".join(text_of(message) for message in since if message["role"] == "user"),
        results=[text_of(message) for message in since if message["role"] == "tool"],
        input_tokens=script.count(*texts),
        thinks=body.get("reasoning_effort", "none") != "none",
    )


def tool(each):
    if each.get("type") != "function":
        raise Refused(f"Invalid value: '{each.get('type')}'. Supported values are: 'function' and 'custom'.")
    function = each["function"]
    if not NAME.fullmatch(function["name"]):
        raise Refused(f"Invalid 'tools[].function.name': '{function['name']}' does not match the pattern.")
    return function["name"], function.get("parameters", {})


def check_order(messages):
    """Every call is answered by a message of its own before anybody else speaks, and nothing else is."""
    open_calls = set()
    for at, message in enumerate(messages):
        role = message.get("role")
        if role not in {"developer", "system", "user", "assistant", "tool"}:
            raise Refused(f"Invalid value: '{role}' at 'messages[{at}].role'.")
        if role == "tool":
            if message.get("tool_call_id") not in open_calls:
                raise Refused("messages with role 'tool' must be a response to a preceding message with 'tool_calls'.")
            open_calls.discard(message["tool_call_id"])
            continue
        if open_calls:
            raise Refused("An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'.")
        for call in message.get("tool_calls") or []:
            if role != "assistant" or len(call["id"]) > LONGEST_ID or not NAME.fullmatch(call["function"]["name"]):
                raise Refused(f"Invalid 'messages[{at}].tool_calls'.")
            json.loads(call["function"]["arguments"])
            open_calls.add(call["id"])
        if role != "assistant" and message.get("content") is None:
            raise Refused(f"Invalid value for 'content': expected a string, got null at 'messages[{at}]'.")
    if open_calls:
        raise Refused("An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'.")


def text_of(message):
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    for part in content:
        if part["type"] not in PARTS:
            raise Refused(f"Invalid value: '{part['type']}'. Supported values are: 'text', 'image_url', 'input_audio', 'refusal', and 'file'.")
    return " ".join(part.get("text", "") for part in content)


def usage(answer):
    output = answer.output_tokens + answer.thought_tokens
    return {
        "prompt_tokens": answer.input_tokens,
        "completion_tokens": output,
        "total_tokens": answer.input_tokens + output,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": answer.thought_tokens, "audio_tokens": 0},
    }


def envelope(kind, number, **members):
    head = {"id": f"chatcmpl-{number:08d}", "object": kind, "created": 1_760_000_000, "model": "harbour-2026", "service_tier": "default"}
    return head | members


def whole(answer, question, number):
    message = {"role": "assistant", "content": answer.text or None, "refusal": None, "annotations": []}
    if answer.thought:
        message["reasoning_content"] = answer.thought
    if answer.call:
        message["tool_calls"] = [call(answer, number) | {"function": {"name": answer.call[0], "arguments": answer.arguments}}]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish(answer)}
    return envelope("chat.completion", number, choices=[choice], usage=usage(answer), system_fingerprint="fp_harbour")


def stream(answer, question, number, body):
    def chunk(delta, reason=None):
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return event(envelope("chat.completion.chunk", number, choices=[choice], **({"usage": None} if counted else {}), obfuscation="x"))

    counted = (body.get("stream_options") or {}).get("include_usage")
    yield chunk({"role": "assistant", "content": None if answer.call else "", "refusal": None})
    if answer.thought:
        yield chunk({"reasoning_content": answer.thought})
    for word in answer.words:
        yield chunk({"content": word})
    if answer.call:
        opening = {"index": 0} | call(answer, number) | {"function": {"name": answer.call[0], "arguments": ""}}
        yield chunk({"tool_calls": [opening]})
        for piece in script.halves(answer.arguments):
            yield chunk({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
    yield chunk({}, finish(answer))
    if counted:
        yield event(envelope("chat.completion.chunk", number, choices=[], usage=usage(answer)))
    yield b"data: [DONE]\n\n"


def event(value):
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def call(answer, number):
    return {"id": f"call_{number:024d}", "type": "function"}


def finish(answer):
    return "tool_calls" if answer.call else "stop"


def error(refused):
    kind = "invalid_request_error" if refused.status < 500 else "server_error"
    return {"error": {"message": refused.message, "type": kind, "param": None, "code": None}}
