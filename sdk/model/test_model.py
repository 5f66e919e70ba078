"""A real model behind a real server that speaks two dialects: asked through any surface, it says what it says when it is asked directly.

At temperature 0 the same prompt gives the same tokens. So equal text, and as many tokens read, mean that the server was told the same.
"""

import functools
import json
import socket
import time
import urllib.parse

import pytest

from conftest import HOST, KEY, SERVER, ask, figure, get, post
from surfaces import SURFACES, Asked

DIALECTS = ["real-openai", "real-anthropic"]
CASES = {
    "turns": Asked(["Where is the lighthouse?", "To the east.", "How far is it?"], system="Answer as a harbour master."),
    "tool": Asked(['Call {"name": "tide_table", "arguments": {"harbour": "Lee"}} now.'], tool=True, limit=32),
    "result": Asked(["When does the tide turn?"], result="at noon"),
}
# The server gives up a task between two tokens.
CANCELLED_WITHIN_SECONDS = 2.0


@functools.cache
def directly(case):
    """What the server answers on its own surface of Chat Completions."""
    return ask(SERVER, SURFACES["chat"], CASES[case], "gemma")


@pytest.fixture(params=DIALECTS)
def dialect(request):
    return request.param


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("surface", SURFACES)
def test_answers_whole_as_if_asked_directly(surface, dialect, case):
    answer = ask(HOST, SURFACES[surface], CASES[case], f"{dialect}/gemma")
    same = answer == directly(case)
    figure(f"whole, {surface} to {dialect}, {case}", answer.input_tokens + answer.output_tokens, "tokens", same)
    assert answer == directly(case)


@pytest.mark.parametrize("surface", SURFACES)
def test_streams_as_if_asked_directly(surface, dialect):
    answer = ask(HOST, SURFACES[surface], CASES["turns"], f"{dialect}/gemma", stream=True)
    same = answer == directly("turns")
    figure(f"streamed, {surface} to {dialect}, turns", answer.input_tokens + answer.output_tokens, "tokens", same)
    assert answer == directly("turns")


def test_the_model_does_call_the_tool():
    """Else the cases above would compare less than they say."""
    [(name, arguments)] = directly("tool").calls
    assert (name, list(arguments)) == ("tide_table", ["harbour"])


def test_counts_tokens_as_the_server_does():
    path, body = SURFACES["messages"].request(CASES["tool"], "real-anthropic/gemma", stream=False)
    counts = [json.loads(post(base, f"{path}/count_tokens", body)[1]) for base in (HOST, SERVER)]
    figure("count_tokens through the gateway", counts[0]["input_tokens"], "tokens", counts[0] == counts[1])
    assert counts[0] == counts[1]
    assert counts[0]["input_tokens"] == directly("tool").input_tokens


SCHEMA = {"type": "object", "properties": {"miles": {"type": "integer", "maximum": 9}}, "required": ["miles"], "additionalProperties": False}


def with_schema(surface, model):
    """A request whose answer a grammar binds to the schema."""
    path, body = SURFACES[surface].request(CASES["turns"], model, stream=False)
    named = {"name": "distance", "strict": True, "schema": SCHEMA}
    if surface == "chat":
        body["response_format"] = {"type": "json_schema", "json_schema": named}
    elif surface == "responses":
        body["text"] = {"format": {"type": "json_schema"} | named}
    else:
        body["generationConfig"] |= {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}
    return path, body


@pytest.mark.parametrize("surface", ["chat", "responses", "gemini"])
def test_a_schema_binds_the_answer_as_if_asked_directly(surface):
    expected = SURFACES["chat"].whole(json.loads(post(SERVER, *with_schema("chat", "gemma"))[1]))
    status, text = post(HOST, *with_schema(surface, "real-openai/gemma"))
    assert status == 200, text
    answer = SURFACES[surface].whole(json.loads(text))
    figure(f"schema, {surface} to real-openai", answer.output_tokens, "tokens", answer == expected)
    assert answer == expected
    assert answer.text != directly("turns").text


@pytest.mark.parametrize("surface", SURFACES)
def test_says_that_a_context_is_too_long(surface, dialect):
    path, body = SURFACES[surface].request(Asked(["harbour light " * 700]), f"{dialect}/gemma", stream=False)
    status, text = post(HOST, path, body)
    assert status == 400, text
    assert "exceeds the available context size" in json.loads(text)["error"]["message"], text
    # Where bytes pass, what the server says stays as it is.
    same = (surface, dialect) in {("chat", "real-openai"), ("messages", "real-anthropic")}
    assert ("exceed_context_size_error" if same else "context_length_exceeded") in text
    figure(f"context too long, {surface} to {dialect}", status, "status")


@pytest.mark.parametrize("surface", SURFACES)
def test_a_caller_who_hangs_up_frees_the_slot(surface, dialect):
    asked = Asked(["Tell me all about the sea, at length."], limit=800)
    path, body = SURFACES[surface].request(asked, f"{dialect}/gemma", stream=True)
    hang_up_after_the_first_of(path, body)
    began = time.monotonic()
    while busy() and time.monotonic() - began < 30:
        time.sleep(0.005)
    took = time.monotonic() - began
    figure(f"slot freed after a hang-up, {surface} to {dialect}", round(took * 1000), "ms", took < CANCELLED_WITHIN_SECONDS)
    assert took < CANCELLED_WITHIN_SECONDS


def busy():
    return any(slot["is_processing"] for slot in get(SERVER, "/slots"))


def hang_up_after_the_first_of(path, body):
    """Reads the head and the beginning of the answer, while the model is at work, and closes the connection."""
    where = urllib.parse.urlparse(HOST)
    body = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {KEY}\r\nanthropic-version: 2023-06-01\r\ncontent-length: {len(body)}\r\n\r\n"
    with socket.create_connection((where.hostname, where.port), timeout=60) as connection:
        connection.sendall(head.encode() + body)
        received = b""
        while b"data:" not in received:
            piece = connection.recv(65536)
            assert piece, received
            received += piece
        assert b" 200 " in received.splitlines()[0], received
        assert busy(), "the model had ended before the caller hung up"
