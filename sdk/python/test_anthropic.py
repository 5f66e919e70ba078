"""Anthropic Messages through Anthropic's own library: by every way, whole and streamed, with tools, with refusals."""

import asyncio

import anthropic
import pydantic
import pytest

from conftest import (
    ARGUMENTS, HOST, KEY, PARAMETERS, PIXEL, QUESTION, RESULT, SYSTEM, TEXT, TOOL, VIRTUAL_MODEL, WAYS, WRONG_KEY, words,
)

LIMIT = 256
TOOLS = [{"name": TOOL, "description": "When the tide turns.", "input_schema": PARAMETERS}]


def called(answer):
    """The calls of an answer. What was signed beside them (Gemini's calls are) is a block of its own, which goes back as it came."""
    return [block for block in answer.content if block.type == "tool_use"]


def result(call):
    return {"type": "tool_result", "tool_use_id": call.id, "content": RESULT}


def test_answers_whole(claude, model):
    answer = claude.messages.create(model=model, max_tokens=LIMIT, messages=QUESTION)
    assert (answer.type, answer.role, answer.stop_reason) == ("message", "assistant", "end_turn")
    assert answer.id and answer.model
    [block] = answer.content
    assert block.type == "text" and block.text
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (words(TEXT), words(block.text))


def test_goes_the_way_that_is_meant(claude, model):
    raw = claude.messages.with_raw_response.create(model=model, max_tokens=LIMIT, messages=QUESTION)
    assert raw.headers["x-fairlead-provider"] in WAYS[model]
    assert raw.parse().content


@pytest.mark.parametrize("base_url", [HOST, f"{HOST}/anthropic"])
@pytest.mark.parametrize("key", [{"api_key": KEY}, {"auth_token": KEY}])
def test_takes_either_base_url_and_either_kind_of_key(base_url, key):
    with anthropic.Anthropic(base_url=base_url, max_retries=0, timeout=10, **key) as claude:
        assert claude.messages.create(model=VIRTUAL_MODEL, max_tokens=LIMIT, messages=QUESTION).content


def test_hears_the_system_prompt(claude, model):
    for system in [SYSTEM, [{"type": "text", "text": SYSTEM, "cache_control": {"type": "ephemeral"}}]]:
        answer = claude.messages.create(model=model, max_tokens=LIMIT, messages=QUESTION, system=system)
        assert answer.usage.input_tokens == words(SYSTEM, TEXT)


def test_sees_an_image(claude, model):
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    content = [{"type": "image", "source": source}, {"type": "text", "text": TEXT}]
    answer = claude.messages.create(
        model=model, max_tokens=LIMIT, messages=[{"role": "user", "content": content}]
    )
    assert answer.usage.input_tokens == words(TEXT)


def test_streams_through_the_helper(claude, model):
    with claude.messages.stream(model=model, max_tokens=LIMIT, messages=QUESTION) as stream:
        pieces = list(stream.text_stream)
        answer = stream.get_final_message()
    assert len(pieces) > 1, "one piece is no stream"
    assert "".join(pieces) == answer.content[0].text
    assert answer.stop_reason == "end_turn"
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (words(TEXT), words(*pieces))


def test_streams_events_in_their_order(claude, model):
    events = claude.messages.create(model=model, max_tokens=LIMIT, messages=QUESTION, stream=True)
    kinds = [event.type for event in events]
    deltas = kinds.count("content_block_delta")
    assert deltas > 1
    assert kinds == [
        "message_start",
        "content_block_start",
        *["content_block_delta"] * deltas,
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]


def test_a_stream_can_be_left_early(claude, model):
    with claude.messages.stream(model=model, max_tokens=LIMIT, messages=QUESTION) as stream:
        next(iter(stream))
    assert claude.messages.create(model=model, max_tokens=LIMIT, messages=QUESTION).content


def test_the_asynchronous_client_answers_whole_and_streamed(model):
    async def ask():
        async with anthropic.AsyncAnthropic(base_url=HOST, api_key=KEY, max_retries=0, timeout=10) as claude:
            whole = await claude.messages.create(model=model, max_tokens=LIMIT, messages=QUESTION)
            async with claude.messages.stream(model=model, max_tokens=LIMIT, messages=QUESTION) as stream:
                return whole, await stream.get_final_text()

    whole, text = asyncio.run(ask())
    assert whole.content[0].text
    assert text


def test_calls_a_tool_whole(claude, model):
    answer = claude.messages.create(model=model, max_tokens=LIMIT, messages=QUESTION, tools=TOOLS)
    assert answer.stop_reason == "tool_use"
    [call] = called(answer)
    assert (call.type, call.name, call.input) == ("tool_use", TOOL, ARGUMENTS)
    assert call.id


def test_streams_the_arguments_of_a_tool(claude, model):
    with claude.messages.stream(model=model, max_tokens=LIMIT, messages=QUESTION, tools=TOOLS) as stream:
        pieces = [event.partial_json for event in stream if event.type == "input_json"]
        answer = stream.get_final_message()
    assert "".join(pieces)
    assert answer.stop_reason == "tool_use"
    [call] = called(answer)
    assert (call.type, call.name, call.input) == ("tool_use", TOOL, ARGUMENTS)


def test_answers_in_words_once_the_tool_has_answered(claude, model):
    messages, said = [], []
    for _ in range(2):
        messages += QUESTION
        asked = claude.messages.create(model=model, max_tokens=LIMIT, messages=messages, tools=TOOLS)
        [call] = called(asked)
        messages += [
            {"role": "assistant", "content": asked.content},
            {"role": "user", "content": [result(call)]},
        ]
        answer = claude.messages.create(model=model, max_tokens=LIMIT, messages=messages, tools=TOOLS)
        assert answer.stop_reason == "end_turn"
        said.append(answer.content[0].text)
        messages.append({"role": "assistant", "content": answer.content})
    assert answer.usage.input_tokens == words(TEXT, RESULT, said[0], TEXT, RESULT)


def test_takes_the_results_of_two_tools_at_once(claude, model):
    calls = [{"type": "tool_use", "id": f"toolu_{at}", "name": TOOL, "input": {"harbour": at}} for at in ("lee", "luv")]
    results = [{"type": "tool_result", "tool_use_id": call["id"], "content": RESULT} for call in calls]
    history = [*QUESTION, {"role": "assistant", "content": calls}, {"role": "user", "content": results}]
    answer = claude.messages.create(model=model, max_tokens=LIMIT, messages=history, tools=TOOLS)
    assert answer.stop_reason == "end_turn"
    assert answer.usage.input_tokens == words(TEXT, RESULT, RESULT)


def test_calls_no_tool_when_told_not_to(claude, model):
    answer = claude.messages.create(
        model=model, max_tokens=LIMIT, messages=QUESTION, tools=TOOLS, tool_choice={"type": "none"}
    )
    assert [block.type for block in answer.content] == ["text"]


# Absent, the library asks the server to keep the conversation (a beta, `thread`), and sends all of it once it is told that this one does not.
# False, it does so from the beginning.
@pytest.mark.parametrize("thread", [{}, {"thread": False}], ids=["as-it-is", "without-thread"])
def test_the_library_runs_a_tool_by_itself(claude, model, thread):
    if model in {"via-anthropic", "scripted-anthropic"}:
        # Bytes pass; what is refused there is told by a code of the gateway's, which no provider may use.
        thread = {"thread": False}
    asked_for = []

    @anthropic.beta_tool
    def tide_table(harbour: str) -> str:
        """When the tide turns."""
        asked_for.append(harbour)
        return RESULT

    runner = claude.beta.messages.tool_runner(
        model=model, max_tokens=LIMIT, messages=QUESTION, tools=[tide_table], max_iterations=3, **thread
    )
    answer = runner.until_done()
    assert asked_for == ["example"]
    assert (answer.stop_reason, answer.content[0].type) == ("end_turn", "text")


class Distance(pydantic.BaseModel):
    harbour: str
    miles: int


def test_parses_an_answer_of_a_schema(claude, json_model):
    answer = claude.messages.parse(
        model=json_model, max_tokens=LIMIT, messages=QUESTION, output_format=Distance
    )
    assert answer.parsed_output == Distance(harbour="Lee", miles=12)


def test_tokens_are_counted_where_the_provider_can(claude):
    assert claude.messages.count_tokens(model="scripted-anthropic", messages=QUESTION).input_tokens == words(TEXT)


@pytest.mark.parametrize("model", [way for way in WAYS if way != "scripted-anthropic"])
def test_nobody_else_counts_tokens(claude, model):
    with pytest.raises(anthropic.NotFoundError) as caught:
        claude.messages.count_tokens(model=model, messages=QUESTION)
    assert caught.value.type == "not_found_error"
    # A provider of this dialect is asked, and refuses: here it is the gateway, whose own model cannot count.
    code = "provider_refused" if model == "via-anthropic" else "unsupported_operation"
    assert caught.value.body["error"]["code"] == code


def test_lists_the_models_this_key_may_use(claude):
    names = [each.id for each in claude.models.list()]
    assert set(WAYS) <= set(names)
    assert claude.models.retrieve(VIRTUAL_MODEL).id == VIRTUAL_MODEL
    with pytest.raises(anthropic.NotFoundError):
        claude.models.retrieve("no-such-model")


def test_refuses_a_wrong_key():
    with anthropic.Anthropic(base_url=HOST, api_key=WRONG_KEY, max_retries=0, timeout=10) as claude:
        with pytest.raises(anthropic.AuthenticationError) as caught:
            claude.messages.create(model=VIRTUAL_MODEL, max_tokens=LIMIT, messages=QUESTION)
    assert caught.value.type == "authentication_error"
    assert caught.value.body["error"]["code"] == "invalid_key"
    assert "not known here" in caught.value.api_message
    assert WRONG_KEY not in str(caught.value)


@pytest.mark.parametrize("stream", [False, True])
def test_refuses_an_unknown_model(claude, stream):
    with pytest.raises(anthropic.NotFoundError) as caught:
        claude.messages.create(model="no-such-model", max_tokens=LIMIT, messages=QUESTION, stream=stream)
    assert caught.value.type == "not_found_error"
    assert caught.value.body["error"]["code"] == "unknown_model"
    assert "no-such-model" in caught.value.api_message
    assert KEY not in str(caught.value)


def test_refuses_a_request_without_a_model(claude):
    with pytest.raises(anthropic.BadRequestError) as caught:
        claude.post("/v1/messages", body={"max_tokens": LIMIT, "messages": QUESTION}, cast_to=object)
    assert caught.value.type == "invalid_request_error"
    assert caught.value.body["error"]["code"] == "invalid_request"


@pytest.mark.parametrize("stream", [False, True])
def test_the_library_does_not_repeat_what_the_gateway_has_tried(broken_model, stream):
    with anthropic.Anthropic(base_url=HOST, api_key=KEY, timeout=10) as claude:
        assert claude.max_retries > 0
        with pytest.raises(anthropic.InternalServerError) as caught:
            claude.messages.create(model=broken_model, max_tokens=LIMIT, messages=QUESTION, stream=stream)
    assert caught.value.request.headers["x-stainless-retry-count"] == "0"
    assert caught.value.body["error"]["code"] == "provider_error"
