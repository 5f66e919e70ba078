"""Tool calls, whole and streamed, and the turn that follows them."""

import json

from conftest import QUESTION, TOOLS, VIRTUAL_MODEL


def test_calls_a_tool_whole(client):
    answer = client.chat.completions.create(model=VIRTUAL_MODEL, messages=QUESTION, tools=TOOLS)
    choice = answer.choices[0]
    assert choice.finish_reason == "tool_calls"
    [call] = choice.message.tool_calls
    assert (call.type, call.function.name) == ("function", "tide_table")
    assert call.id
    assert isinstance(json.loads(call.function.arguments), dict)


def test_calls_a_tool_in_a_stream(client):
    stream = client.chat.completions.create(model=VIRTUAL_MODEL, messages=QUESTION, tools=TOOLS, stream=True)
    name, arguments, finish = "", "", None
    for chunk in stream:
        choice = chunk.choices[0]
        for call in choice.delta.tool_calls or []:
            name += call.function.name or ""
            arguments += call.function.arguments or ""
        finish = choice.finish_reason or finish
    assert (name, finish) == ("tide_table", "tool_calls")
    assert isinstance(json.loads(arguments), dict)


def test_answers_in_words_once_the_tool_has_answered(client):
    asked = client.chat.completions.create(model=VIRTUAL_MODEL, messages=QUESTION, tools=TOOLS).choices[0].message
    result = {"role": "tool", "tool_call_id": asked.tool_calls[0].id, "content": "at noon"}
    messages = [*QUESTION, asked.to_dict(), result]
    choice = client.chat.completions.create(model=VIRTUAL_MODEL, messages=messages, tools=TOOLS).choices[0]
    assert choice.finish_reason == "stop"
    assert choice.message.content


def test_calls_no_tool_when_told_not_to(client):
    answer = client.chat.completions.create(
        model=VIRTUAL_MODEL, messages=QUESTION, tools=TOOLS, tool_choice="none"
    )
    assert not answer.choices[0].message.tool_calls
    assert answer.choices[0].message.content
