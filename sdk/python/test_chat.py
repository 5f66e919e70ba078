"""Chat completions, whole and streamed, by name of a rule and by name of a provider, by every way."""

import asyncio

import openai
import pydantic
import pytest

from conftest import KEY, PROVIDER_MODEL, QUESTION, SYSTEM, TEXT, URL, WAYS, words


@pytest.mark.parametrize("model", [*WAYS, PROVIDER_MODEL])
def test_answers_whole(client, model):
    answer = client.chat.completions.create(model=model, messages=QUESTION)
    choice = answer.choices[0]
    assert answer.object == "chat.completion"
    assert choice.message.role == "assistant"
    assert choice.message.content
    assert choice.finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0


def test_hears_the_system_prompt(client, model):
    messages = [{"role": "system", "content": SYSTEM}, *QUESTION]
    answer = client.chat.completions.create(model=model, messages=messages)
    assert answer.usage.prompt_tokens == words(SYSTEM, TEXT)
    assert answer.usage.completion_tokens == words(answer.choices[0].message.content)


@pytest.mark.parametrize("model", [*WAYS, PROVIDER_MODEL])
def test_streams_content_to_a_finish_reason(client, model):
    chunks = list(client.chat.completions.create(model=model, messages=QUESTION, stream=True))
    deltas = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(deltas)
    assert len([delta for delta in deltas if delta]) > 1, "one chunk is no stream"
    assert [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason] == ["stop"]


def test_sends_a_usage_chunk_when_asked(client, model):
    chunks = list(
        client.chat.completions.create(
            model=model, messages=QUESTION, stream=True, stream_options={"include_usage": True}
        )
    )
    with_usage = [chunk for chunk in chunks if chunk.usage]
    assert with_usage == chunks[-1:]
    assert with_usage[0].choices == []
    assert with_usage[0].usage.completion_tokens > 0


def test_sends_no_usage_chunk_unasked(client, model):
    for chunk in client.chat.completions.create(model=model, messages=QUESTION, stream=True):
        assert chunk.usage is None
        assert chunk.choices, "a chunk without choices is a usage chunk in disguise"


def test_streams_through_the_helper_that_accumulates(client, model):
    with client.chat.completions.stream(model=model, messages=QUESTION) as stream:
        stream.until_done()
        assert stream.get_final_completion().choices[0].message.content


def test_names_provider_and_model_in_headers(client, model):
    raw = client.chat.completions.with_raw_response.create(model=model, messages=QUESTION)
    assert raw.headers["x-fairlead-provider"] in WAYS[model]
    assert raw.headers["x-fairlead-model"]
    assert raw.headers["x-fairlead-rule"]
    assert raw.parse().choices[0].message.content


def test_a_stream_can_be_left_early(client, model):
    stream = client.chat.completions.create(model=model, messages=QUESTION, stream=True)
    next(iter(stream))
    stream.close()
    assert client.chat.completions.create(model=model, messages=QUESTION).choices


def test_the_asynchronous_client_answers_whole_and_streamed(model):
    async def ask():
        async with openai.AsyncOpenAI(base_url=URL, api_key=KEY, max_retries=0, timeout=10) as client:
            whole, stream = await asyncio.gather(
                client.chat.completions.create(model=model, messages=QUESTION),
                client.chat.completions.create(model=model, messages=QUESTION, stream=True),
            )
            return whole, [chunk async for chunk in stream]

    whole, chunks = asyncio.run(ask())
    assert whole.choices[0].message.content
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


class Distance(pydantic.BaseModel):
    harbour: str
    miles: int


def test_parses_an_answer_of_a_schema(client, json_model):
    answer = client.chat.completions.parse(model=json_model, messages=QUESTION, response_format=Distance)
    assert answer.choices[0].message.parsed == Distance(harbour="Lee", miles=12)
