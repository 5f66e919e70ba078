"""LangChain's models of three APIs, against the scripted provider in every dialect: whole, streamed, with a tool that is called and answers."""

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_google_genai import ChatGoogleGenerativeAI
from langchain_openai import ChatOpenAI

from conftest import ARGUMENTS, HOST, KEY, RESULT, SCRIPTED, SYSTEM, TEXT, TOOL, URL, words

SAID = "The lighthouse is two miles to the east."
CONVERSATION = [SystemMessage(SYSTEM), HumanMessage(TEXT)]


@tool
def tide_table(harbour: str) -> str:
    """When the tide turns."""
    return RESULT


def chat(model):
    return ChatOpenAI(model=model, base_url=URL, api_key=KEY, max_retries=0, timeout=10, stream_usage=True)


def responses(model):
    return ChatOpenAI(model=model, base_url=URL, api_key=KEY, max_retries=0, timeout=10, use_responses_api=True, store=False)


def messages(model):
    return ChatAnthropic(model=model, base_url=f"{HOST}/anthropic", api_key=KEY, max_retries=0, timeout=10, max_tokens=256)


def gemini(model):
    return ChatGoogleGenerativeAI(model=model, base_url=f"{HOST}/gemini", google_api_key=KEY, max_retries=1, timeout=10)


@pytest.fixture(params=SCRIPTED)
def scripted(request):
    return request.param


@pytest.fixture(params=[chat, responses, messages, gemini], ids=lambda made: made.__name__)
def model(request, scripted):
    return request.param(scripted)


def text_of(message):
    return "".join(block.get("text", "") for block in message.content_blocks)


def test_invokes(model):
    answer = model.invoke(CONVERSATION)
    assert text_of(answer) == SAID
    assert (answer.usage_metadata["input_tokens"], answer.usage_metadata["output_tokens"]) == (words(SYSTEM, TEXT), words(SAID))


def test_streams(model):
    chunks = list(model.stream(CONVERSATION))
    assert len([chunk for chunk in chunks if text_of(chunk)]) > 1, "one chunk is no stream"
    answer = sum(chunks[1:], chunks[0])
    assert text_of(answer) == SAID
    assert (answer.usage_metadata["input_tokens"], answer.usage_metadata["output_tokens"]) == (words(SYSTEM, TEXT), words(SAID))


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_bound_tool_is_called_and_its_result_is_heard(model, streamed):
    bound = model.bind_tools([tide_table])

    def ask(conversation):
        if not streamed:
            return bound.invoke(conversation)
        chunks = list(bound.stream(conversation))
        return sum(chunks[1:], chunks[0])

    asked = ask(CONVERSATION)
    [call] = asked.tool_calls
    assert (call["name"], call["args"]) == (TOOL, ARGUMENTS)
    result = ToolMessage(tide_table.invoke(call["args"]), tool_call_id=call["id"], name=TOOL)
    answer = ask([*CONVERSATION, asked, result])
    assert text_of(answer) == f"The tool said: {RESULT}"
