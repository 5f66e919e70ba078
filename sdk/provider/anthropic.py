"""Messages as Anthropic's reference has them (https://docs.anthropic.com/en/api/messages), with its refusals."""

import hashlib
import json
import re

from . import script
from .script import Question, Refused

MEMBERS = set(
    "model messages max_tokens cache_control container context_management diagnostics fallbacks inference_geo mcp_servers metadata output_config"
    " output_format service_tier speed stop_sequences stream system temperature thinking tool_choice tools top_k top_p".split()
)
BLOCKS = {"text", "image", "document", "search_result", "thinking", "redacted_thinking", "tool_use", "tool_result", "tool_reference"}
ID = re.compile(r"[a-zA-Z0-9_-]+")
NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
MOST_CACHE_MARKS = 4
LEAST_THINKING = 1024


def read(body, headers, path):
    if not headers.get("anthropic-version"):
        raise Refused("anthropic-version: header is required")
    counts = path.endswith("/count_tokens")
    script.known(body, MEMBERS, "", "{name}: Extra inputs are not permitted")
    for needed in ("model", "messages", *([] if counts else ["max_tokens"])):
        if needed not in body:
            raise Refused(f"{needed}: Field required")
    if json.dumps(body).count('"cache_control": {') > MOST_CACHE_MARKS:
        raise Refused("A maximum of 4 blocks with cache_control may be provided.")
    messages = [dict(message, content=blocks(message["content"])) for message in body["messages"]]
    check_order(messages)
    system = blocks(body.get("system") or [])
    thinks = check_thinking(body)
    spoke = max((at for at, message in enumerate(messages) if message["role"] == "assistant"), default=-1)
    since = [block for message in messages[spoke + 1 :] for block in message["content"]]
    return Question(
        model=body["model"],
        stream=body.get("stream") is True,
        tools=[tool for tool in map(tool_of, body.get("tools") or []) if tool],
        may_call=(body.get("tool_choice") or {}).get("type") != "none",
        said=" ".join(text_of(block) for block in since if block["type"] == "text"),
        results=[text_of(block) for block in since if block["type"] == "tool_result"],
        input_tokens=script.count(*map(text_of, system), *(text_of(block) for message in messages for block in message["content"])),
        thinks=thinks,
    )


def check_thinking(body):
    thinking = body.get("thinking") or {"type": "disabled"}
    if thinking["type"] == "enabled":
        budget = thinking.get("budget_tokens", 0)
        if budget < LEAST_THINKING:
            raise Refused("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
        if budget >= body.get("max_tokens", budget + 1):
            raise Refused("`max_tokens` must be greater than `thinking.budget_tokens`.")
        if body.get("temperature", 1) != 1:
            raise Refused("`temperature` may only be set to 1 when thinking is enabled.")
        if (body.get("tool_choice") or {}).get("type") in {"any", "tool"}:
            raise Refused("Thinking may not be enabled when tool_choice forces tool use.")
    return thinking["type"] != "disabled"


def tool_of(tool):
    if tool.get("type", "custom") != "custom":
        return None
    schema = tool.get("input_schema") or {}
    if not NAME.fullmatch(tool["name"]):
        raise Refused("tools.0.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'")
    if schema.get("type") != "object" or {"oneOf", "anyOf", "allOf"} & schema.keys():
        raise Refused("tools.0.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level")
    return tool["name"], schema


def blocks(content):
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    for block in content:
        if block["type"] not in BLOCKS:
            raise Refused(f"Input tag '{block['type']}' found using 'type' does not match any of the expected tags")
    return content


def check_order(messages):
    """Every call is answered at the beginning of the very next message; what was thought comes back as it was signed."""
    if not messages or messages[0]["role"] != "user":
        raise Refused("messages: first message must use the \"user\" role")
    open_calls = set()
    for message in messages:
        answered = {block["tool_use_id"] for block in message["content"] if block["type"] == "tool_result"}
        if open_calls - answered:
            raise Refused("`tool_use` ids were found without `tool_result` blocks immediately after")
        if answered - open_calls:
            raise Refused("unexpected `tool_use_id` found in `tool_result` blocks: each must have a `tool_use` block in the previous message")
        if not message["content"]:
            raise Refused("messages: all messages must have non-empty content except for the optional final assistant message")
        open_calls = set()
        for block in message["content"]:
            if block["type"] == "text" and not block["text"].strip():
                raise Refused("messages: text content blocks must contain non-whitespace text")
            if block["type"] == "thinking" and block["signature"] != signature(block["thinking"]):
                raise Refused("Invalid `signature` in `thinking` block")
            if block["type"] == "tool_use":
                if not ID.fullmatch(block["id"]) or not isinstance(block["input"], dict):
                    raise Refused("tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
                open_calls.add(block["id"])
    if open_calls:
        raise Refused("`tool_use` ids were found without `tool_result` blocks immediately after")


def text_of(block):
    if block["type"] == "tool_result":
        return " ".join(text_of(each) for each in blocks(block.get("content") or []))
    return block.get("text", "")


def signature(thought):
    """What a thought is known by when it comes back."""
    return "sig" + hashlib.sha256(thought.encode()).hexdigest()


def head(number, answer):
    usage = {"input_tokens": answer.input_tokens, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "service_tier": "standard"}
    return {
        "id": f"msg_{number:024d}", "type": "message", "role": "assistant", "model": "harbour-2026", "content": [],
        "stop_reason": None, "stop_sequence": None, "usage": usage | {"output_tokens": 1},
    }


def content(answer, number):
    if answer.thought:
        yield {"type": "thinking", "thinking": answer.thought, "signature": signature(answer.thought)}
    if answer.call:
        yield {"type": "tool_use", "id": f"toolu_{number:024d}", "name": answer.call[0], "input": answer.call[1]}
    else:
        yield {"type": "text", "text": answer.text}


def whole(answer, question, number):
    message = head(number, answer)
    message["content"] = list(content(answer, number))
    message["stop_reason"] = stop(answer)
    message["usage"]["output_tokens"] = output(answer)
    return message


def stream(answer, question, number, body):
    yield event("message_start", message=head(number, answer))
    for index, block in enumerate(content(answer, number)):
        kind = block["type"]
        opening = {"text": {"text": ""}, "thinking": {"thinking": "", "signature": ""}, "tool_use": {"input": {}}}[kind]
        yield event("content_block_start", index=index, content_block=block | opening)
        if index == 0:
            yield event("ping")
        for delta in deltas(answer, block):
            yield event("content_block_delta", index=index, delta=delta)
        yield event("content_block_stop", index=index)
    yield event("message_delta", delta={"stop_reason": stop(answer), "stop_sequence": None}, usage=whole(answer, question, number)["usage"])
    yield event("message_stop")


def deltas(answer, block):
    if block["type"] == "text":
        yield from ({"type": "text_delta", "text": word} for word in answer.words)
    elif block["type"] == "thinking":
        yield from ({"type": "thinking_delta", "thinking": word} for word in script.split(answer.thought))
        yield {"type": "signature_delta", "signature": block["signature"]}
    else:
        for piece in ["", *script.halves(answer.arguments)]:
            yield {"type": "input_json_delta", "partial_json": piece}


def event(kind, **members):
    return f"event: {kind}\ndata: {json.dumps({'type': kind} | members)}\n\n".encode()


def stop(answer):
    return "tool_use" if answer.call else "end_turn"


def output(answer):
    return answer.output_tokens + answer.thought_tokens


def error(refused):
    kinds = {400: "invalid_request_error", 401: "authentication_error", 404: "not_found_error", 529: "overloaded_error"}
    return {"type": "error", "error": {"type": kinds.get(refused.status, "api_error"), "message": refused.message}, "request_id": "req_scripted"}
