"""OpenAI's Responses through OpenAI's own library: by every way, whole and streamed, with tools, with refusals."""

import asyncio
import json

import openai
import pydantic
import pytest

from conftest import (
    ARGUMENTS, HOST, KEY, PARAMETERS, PIXEL, QUESTION, RESULT, SYSTEM, TEXT, TOOL, URL, VIRTUAL_MODEL, WAYS, WRONG_KEY, words,
)

TOOLS = [
    {"type": "function", "name": TOOL, "description": "When the tide turns.", "parameters": PARAMETERS, "strict": False}
]


def called(answer):
    """The calls of an answer. What was signed beside them (Gemini's calls are) is an item of its own, which goes back as it came."""
    return [item for item in answer.output if item.type == "function_call"]


def output(call):
    return {"type": "function_call_output", "call_id": call.call_id, "output": RESULT}


@pytest.mark.parametrize("question", [TEXT, QUESTION])
def test_answers_whole(client, model, question):
    answer = client.responses.create(model=model, input=question)
    assert (answer.object, answer.status, answer.error, answer.incomplete_details) == ("response", "completed", None, None)
    assert answer.id and answer.model
    [message] = answer.output
    assert (message.type, message.role, message.status) == ("message", "assistant", "completed")
    assert answer.output_text
    usage = answer.usage
    assert (usage.input_tokens, usage.output_tokens) == (words(TEXT), words(answer.output_text))
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens


def test_goes_the_way_that_is_meant(client, model):
    raw = client.responses.with_raw_response.create(model=model, input=TEXT)
    assert raw.headers["x-fairlead-provider"] in WAYS[model]
    assert raw.parse().output_text


def test_takes_the_other_base_url():
    with openai.OpenAI(base_url=f"{HOST}/openai/v1", api_key=KEY, max_retries=0, timeout=10) as client:
        assert client.responses.create(model=VIRTUAL_MODEL, input=TEXT).output_text


def test_hears_the_system_prompt(client, model):
    answer = client.responses.create(model=model, input=TEXT, instructions=SYSTEM)
    assert answer.usage.input_tokens == words(SYSTEM, TEXT)
    answer = client.responses.create(model=model, input=[{"role": "developer", "content": SYSTEM}, *QUESTION])
    assert answer.usage.input_tokens == words(SYSTEM, TEXT)


def test_sees_an_image(client, model):
    content = [
        {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}", "detail": "auto"},
        {"type": "input_text", "text": TEXT},
    ]
    answer = client.responses.create(model=model, input=[{"role": "user", "content": content}])
    assert answer.usage.input_tokens == words(TEXT)


def test_streams_through_the_helper(client, model):
    with client.responses.stream(model=model, input=TEXT) as stream:
        pieces = [event.delta for event in stream if event.type == "response.output_text.delta"]
        answer = stream.get_final_response()
    assert len(pieces) > 1, "one piece is no stream"
    assert "".join(pieces) == answer.output_text
    assert answer.status == "completed"
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (words(TEXT), words(answer.output_text))


def test_streams_events_in_their_order(client, model):
    events = list(client.responses.create(model=model, input=TEXT, stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    kinds = [event.type.removeprefix("response.") for event in events]
    deltas = kinds.count("output_text.delta")
    assert kinds == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        *["output_text.delta"] * deltas,
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]


def test_a_stream_can_be_left_early(client, model):
    with client.responses.stream(model=model, input=TEXT) as stream:
        next(iter(stream))
    assert client.responses.create(model=model, input=TEXT).output_text


def test_the_asynchronous_client_answers_whole_and_streamed(model):
    async def ask():
        async with openai.AsyncOpenAI(base_url=URL, api_key=KEY, max_retries=0, timeout=10) as client:
            whole = await client.responses.create(model=model, input=TEXT)
            async with client.responses.stream(model=model, input=TEXT) as stream:
                return whole, await stream.get_final_response()

    whole, streamed = asyncio.run(ask())
    assert whole.output_text
    assert streamed.output_text


def test_calls_a_tool_whole(client, model):
    answer = client.responses.create(model=model, input=TEXT, tools=TOOLS)
    assert answer.status == "completed"
    [call] = called(answer)
    assert (call.type, call.name, call.status) == ("function_call", TOOL, "completed")
    assert json.loads(call.arguments) == ARGUMENTS
    assert call.call_id


def test_streams_the_arguments_of_a_tool(client, model):
    with client.responses.stream(model=model, input=TEXT, tools=TOOLS) as stream:
        pieces = [event.delta for event in stream if event.type == "response.function_call_arguments.delta"]
        answer = stream.get_final_response()
    [call] = called(answer)
    assert "".join(pieces) == call.arguments
    assert (call.type, call.name, json.loads(call.arguments)) == ("function_call", TOOL, ARGUMENTS)


def test_answers_in_words_once_the_tool_has_answered(client, model):
    history, said = [], []
    for _ in range(2):
        history += QUESTION
        asked = client.responses.create(model=model, input=history, tools=TOOLS)
        [call] = called(asked)
        history += [*asked.output, output(call)]
        answer = client.responses.create(model=model, input=history, tools=TOOLS)
        assert answer.output_text
        said.append(answer.output_text)
        history += answer.output
    assert answer.usage.input_tokens == words(TEXT, RESULT, said[0], TEXT, RESULT)


def test_takes_the_results_of_two_tools_at_once(client, model):
    calls = [
        {"type": "function_call", "call_id": f"call_{at}", "name": TOOL, "arguments": json.dumps({"harbour": at})}
        for at in ("lee", "luv")
    ]
    outputs = [{"type": "function_call_output", "call_id": call["call_id"], "output": RESULT} for call in calls]
    answer = client.responses.create(model=model, input=[*QUESTION, *calls, *outputs], tools=TOOLS)
    assert answer.output_text
    assert answer.usage.input_tokens == words(TEXT, RESULT, RESULT)


def test_calls_no_tool_when_told_not_to(client, model):
    answer = client.responses.create(model=model, input=TEXT, tools=TOOLS, tool_choice="none")
    assert [item.type for item in answer.output] == ["message"]


class Distance(pydantic.BaseModel):
    harbour: str
    miles: int


def test_parses_an_answer_of_a_schema(client, json_model):
    answer = client.responses.parse(model=json_model, input=TEXT, text_format=Distance)
    assert answer.output_parsed == Distance(harbour="Lee", miles=12)


def test_keeps_nothing_and_says_so(client, model):
    answer = client.responses.create(model=model, input=TEXT, store=True)
    assert answer.store is False
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model=model, input=TEXT, previous_response_id=answer.id)
    assert "previous_response_id" in caught.value.message


def test_refuses_a_wrong_key():
    with openai.OpenAI(base_url=URL, api_key=WRONG_KEY, max_retries=0, timeout=10) as client:
        with pytest.raises(openai.AuthenticationError) as caught:
            client.responses.create(model=VIRTUAL_MODEL, input=TEXT)
    assert caught.value.code == "invalid_key"
    assert "not known here" in caught.value.message
    assert WRONG_KEY not in str(caught.value)


@pytest.mark.parametrize("stream", [False, True])
def test_refuses_an_unknown_model(client, stream):
    with pytest.raises(openai.NotFoundError) as caught:
        client.responses.create(model="no-such-model", input=TEXT, stream=stream)
    assert caught.value.code == "unknown_model"
    assert "no-such-model" in caught.value.message
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("stream", [False, True])
def test_the_library_does_not_repeat_what_the_gateway_has_tried(broken_model, stream):
    with openai.OpenAI(base_url=URL, api_key=KEY, timeout=10) as client:
        assert client.max_retries > 0
        with pytest.raises(openai.InternalServerError) as caught:
            client.responses.create(model=broken_model, input=TEXT, stream=stream)
    assert caught.value.request.headers["x-stainless-retry-count"] == "0"
    assert caught.value.code == "provider_error"
