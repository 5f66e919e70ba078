"""Gemini's generateContent through Google's own library: by every way, whole and streamed, with tools, with refusals."""

import asyncio
import base64

import pydantic
import pytest
from google.genai import errors, types

from conftest import (
    ARGUMENTS, HOST, KEY, PARAMETERS, PIXEL, RESULT, SYSTEM, TEXT, TOOL, VIRTUAL_MODEL, WAYS, WRONG_KEY, gemini_client, words,
)

STOP = types.FinishReason.STOP
DECLARATION = types.FunctionDeclaration(
    name=TOOL, description="When the tide turns.", parameters_json_schema=PARAMETERS
)
TOOLS = [types.Tool(function_declarations=[DECLARATION])]


def user(*parts):
    return types.Content(role="user", parts=list(parts))


def said(text):
    return user(types.Part(text=text))


def result(call):
    return types.Part(
        function_response=types.FunctionResponse(id=call.id, name=call.name, response={"result": RESULT})
    )


def test_answers_whole(gemini, model):
    answer = gemini.models.generate_content(model=model, contents=TEXT)
    [candidate] = answer.candidates
    assert (candidate.content.role, candidate.finish_reason) == ("model", STOP)
    assert answer.text and answer.response_id and answer.model_version
    usage = answer.usage_metadata
    assert (usage.prompt_token_count, usage.candidates_token_count) == (words(TEXT), words(answer.text))
    assert usage.total_token_count == usage.prompt_token_count + usage.candidates_token_count


def test_goes_the_way_that_is_meant(gemini, model):
    answer = gemini.models.generate_content(model=model, contents=TEXT)
    assert answer.sdk_http_response.headers["x-fairlead-provider"] in WAYS[model]


@pytest.mark.parametrize("base_url", [HOST, f"{HOST}/gemini"])
@pytest.mark.parametrize("version", ["v1beta", "v1alpha", "v1"])
def test_takes_either_base_url_and_every_version(base_url, version):
    with gemini_client(base_url=base_url, api_version=version) as gemini:
        assert gemini.models.generate_content(model=VIRTUAL_MODEL, contents=TEXT).text


def test_hears_the_system_prompt(gemini, model):
    answer = gemini.models.generate_content(model=model, contents=TEXT, config={"system_instruction": SYSTEM})
    assert answer.usage_metadata.prompt_token_count == words(SYSTEM, TEXT)


def test_sees_an_image(gemini, model):
    pixel = types.Part.from_bytes(data=base64.b64decode(PIXEL), mime_type="image/png")
    answer = gemini.models.generate_content(model=model, contents=[pixel, TEXT])
    assert answer.usage_metadata.prompt_token_count == words(TEXT)


def test_streams_to_a_finish_reason(gemini, model):
    chunks = list(gemini.models.generate_content_stream(model=model, contents=TEXT))
    pieces = [chunk.text for chunk in chunks if chunk.text]
    assert len(pieces) > 1, "one piece is no stream"
    reasons = [one.finish_reason for chunk in chunks for one in chunk.candidates or [] if one.finish_reason]
    assert reasons == [STOP]
    usage = chunks[-1].usage_metadata
    assert (usage.prompt_token_count, usage.candidates_token_count) == (words(TEXT), words(*pieces))


def test_a_stream_can_be_left_early(gemini, model):
    stream = gemini.models.generate_content_stream(model=model, contents=TEXT)
    next(stream)
    stream.close()
    assert gemini.models.generate_content(model=model, contents=TEXT).text


def test_the_asynchronous_client_answers_whole_and_streamed(model):
    async def ask():
        async with gemini_client().aio as gemini:
            whole = await gemini.models.generate_content(model=model, contents=TEXT)
            stream = await gemini.models.generate_content_stream(model=model, contents=TEXT)
            return whole, [chunk.text or "" async for chunk in stream]

    whole, pieces = asyncio.run(ask())
    assert whole.text
    assert "".join(pieces)


def test_a_chat_of_the_library_remembers(gemini, model):
    chat = gemini.chats.create(model=model)
    first = chat.send_message(TEXT)
    pieces = [chunk.text or "" for chunk in chat.send_message_stream(TEXT)]
    assert "".join(pieces)
    last = chat.send_message(TEXT)
    expected = words(TEXT, first.text, TEXT, "".join(pieces), TEXT)
    assert last.usage_metadata.prompt_token_count == expected


def test_calls_a_tool_whole(gemini, model):
    answer = gemini.models.generate_content(model=model, contents=TEXT, config={"tools": TOOLS})
    [call] = answer.function_calls
    assert (call.name, call.args) == (TOOL, ARGUMENTS)
    assert answer.candidates[0].finish_reason == STOP


def test_calls_a_tool_in_a_stream(gemini, model):
    chunks = list(gemini.models.generate_content_stream(model=model, contents=TEXT, config={"tools": TOOLS}))
    [call] = [call for chunk in chunks for call in chunk.function_calls or []]
    assert (call.name, call.args) == (TOOL, ARGUMENTS)
    reasons = [one.finish_reason for chunk in chunks for one in chunk.candidates or [] if one.finish_reason]
    assert reasons == [STOP]


def test_answers_in_words_once_the_tool_has_answered(gemini, model):
    contents, texts = [], []
    for _ in range(2):
        contents.append(said(TEXT))
        asked = gemini.models.generate_content(model=model, contents=contents, config={"tools": TOOLS})
        [call] = asked.function_calls
        contents += [asked.candidates[0].content, user(result(call))]
        answer = gemini.models.generate_content(model=model, contents=contents, config={"tools": TOOLS})
        assert answer.text
        texts.append(answer.text)
        contents.append(answer.candidates[0].content)
    assert answer.usage_metadata.prompt_token_count == words(TEXT, RESULT, texts[0], TEXT, RESULT)


@pytest.mark.parametrize("ids", [("lee", "luv"), (None, None)])
def test_takes_the_results_of_two_tools_at_once(gemini, model, ids):
    calls = [types.FunctionCall(id=id, name=TOOL, args=ARGUMENTS) for id in ids]
    parts = [types.Part(function_call=call) for call in calls]
    if model == "scripted-gemini":
        # Bytes pass, so it is for the caller to say that nobody signed these.
        parts[0].thought_signature = b"skip_thought_signature_validator"
    asked = types.Content(role="model", parts=parts)
    contents = [said(TEXT), asked, user(*map(result, calls))]
    answer = gemini.models.generate_content(model=model, contents=contents, config={"tools": TOOLS})
    assert answer.text
    assert answer.usage_metadata.prompt_token_count == words(TEXT, RESULT, RESULT)


def test_calls_no_tool_when_told_not_to(gemini, model):
    config = {"tools": TOOLS, "tool_config": {"function_calling_config": {"mode": "NONE"}}}
    answer = gemini.models.generate_content(model=model, contents=TEXT, config=config)
    assert answer.text
    assert not answer.function_calls


@pytest.mark.parametrize("streamed", [False, True])
def test_the_library_runs_a_tool_by_itself(gemini, model, streamed):
    asked_for = []

    def tide_table(harbour: str) -> str:
        """When the tide turns."""
        asked_for.append(harbour)
        return RESULT

    ask = {"model": model, "contents": TEXT, "config": {"tools": [tide_table]}}
    if streamed:
        text = "".join(chunk.text or "" for chunk in gemini.models.generate_content_stream(**ask))
    else:
        text = gemini.models.generate_content(**ask).text
    assert asked_for == ["example"]
    assert text


class Distance(pydantic.BaseModel):
    harbour: str
    miles: int


def test_parses_an_answer_of_a_schema(gemini, json_model):
    config = {"response_mime_type": "application/json", "response_schema": Distance}
    answer = gemini.models.generate_content(model=json_model, contents=TEXT, config=config)
    assert answer.parsed == Distance(harbour="Lee", miles=12)


def test_only_gemini_counts_tokens(gemini, model):
    if model == "scripted-gemini":
        assert gemini.models.count_tokens(model=model, contents=TEXT).total_tokens > 0
        return
    with pytest.raises(errors.ClientError) as caught:
        gemini.models.count_tokens(model=model, contents=TEXT)
    assert (caught.value.code, caught.value.status) == (404, "NOT_FOUND")


def test_lists_the_models_this_key_may_use(gemini):
    names = [each.name for each in gemini.models.list()]
    assert {f"models/{name}" for name in WAYS} <= set(names)
    assert gemini.models.get(model=VIRTUAL_MODEL).name == f"models/{VIRTUAL_MODEL}"
    with pytest.raises(errors.ClientError) as caught:
        gemini.models.get(model="no-such-model")
    assert caught.value.code == 404


def reason(error):
    """The gateway's stable code."""
    return error.details["error"]["details"][0]["reason"]


def test_refuses_a_wrong_key():
    with gemini_client(key=WRONG_KEY) as gemini:
        with pytest.raises(errors.ClientError) as caught:
            gemini.models.generate_content(model=VIRTUAL_MODEL, contents=TEXT)
    assert (caught.value.code, caught.value.status) == (401, "UNAUTHENTICATED")
    assert reason(caught.value) == "invalid_key"
    assert "not known here" in caught.value.message
    assert WRONG_KEY not in str(caught.value)


@pytest.mark.parametrize("streamed", [False, True])
def test_refuses_an_unknown_model(gemini, streamed):
    ask = {"model": "no-such-model", "contents": TEXT}
    with pytest.raises(errors.ClientError) as caught:
        list(gemini.models.generate_content_stream(**ask)) if streamed else gemini.models.generate_content(**ask)
    assert (caught.value.code, caught.value.status) == (404, "NOT_FOUND")
    assert reason(caught.value) == "unknown_model"
    assert "no-such-model" in caught.value.message
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("streamed", [False, True])
def test_the_library_does_not_repeat_unasked(broken_model, streamed):
    seen = []
    hooks = {"event_hooks": {"request": [seen.append]}}
    ask = {"model": broken_model, "contents": TEXT}
    with gemini_client(client_args=hooks) as gemini:
        with pytest.raises(errors.ServerError) as caught:
            list(gemini.models.generate_content_stream(**ask)) if streamed else gemini.models.generate_content(**ask)
    assert len(seen) == 1
    assert reason(caught.value) == "provider_error"
