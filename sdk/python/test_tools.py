"""Tool calls, whole and streamed, and the turn that follows them."""

import json

from conftest import ARGUMENTS, QUESTION, RESULT, TEXT, TOOLS, words


def test_calls_a_tool_whole(client, model):
    answer = client.chat.completions.create(model=model, messages=QUESTION, tools=TOOLS)
    choice = answer.choices[0]
    assert choice.finish_reason == "tool_calls"
    [call] = choice.message.tool_calls
    assert (call.type, call.function.name) == ("function", "tide_table")
    assert call.id
    assert json.loads(call.function.arguments) == ARGUMENTS


def test_calls_a_tool_in_a_stream(client, model):
    stream = client.chat.completions.create(model=model, messages=QUESTION, tools=TOOLS, stream=True)
    name, arguments, finish = "", "", None
    for chunk in stream:
        choice = chunk.choices[0]
        for call in choice.delta.tool_calls or []:
            name += call.function.name or ""
            arguments += call.function.arguments or ""
        finish = choice.finish_reason or finish
    assert (name, finish) == ("tide_table", "tool_calls")
    assert json.loads(arguments) == ARGUMENTS


def test_answers_in_words_once_the_tool_has_answered(client, model):
    messages = []
    for _ in range(2):
        messages += QUESTION
        asked = client.chat.completions.create(model=model, messages=messages, tools=TOOLS).choices[0].message
        messages += [asked.to_dict(), {"role": "tool", "tool_call_id": asked.tool_calls[0].id, "content": RESULT}]
        answer = client.chat.completions.create(model=model, messages=messages, tools=TOOLS)
        choice = answer.choices[0]
        assert choice.finish_reason == "stop"
        assert choice.message.content
        messages.append(choice.message.to_dict())
    first = messages[3]["content"]
    assert answer.usage.prompt_tokens == words(TEXT, RESULT, first, TEXT, RESULT)


def test_calls_no_tool_when_told_not_to(client, model):
    answer = client.chat.completions.create(
        model=model, messages=QUESTION, tools=TOOLS, tool_choice="none"
    )
    assert not answer.choices[0].message.tool_calls
    assert answer.choices[0].message.content
