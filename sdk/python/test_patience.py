"""What a library sees of a model that thinks for 20 s, and of a refusal while it still sends a large body: 20 of 20 times the right thing."""

import http.client
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest

from conftest import KEY, QUESTION, URL

TIMES = 20
THINKER = "slow/thinker"
TEXT = "The light was there all along."
WRONG = "sk-fairlead-wrong-0123456789abcdef0123456789"
FIVE_MIB = [{"role": "user", "content": "a" * (5 << 20)}]


def times(one):
    """What 20 calls at once come to."""
    with ThreadPoolExecutor(TIMES) as pool:
        return list(pool.map(lambda _: one(), range(TIMES)))


def whole():
    with openai.OpenAI(base_url=URL, api_key=KEY, max_retries=0, timeout=60) as client:
        answer = client.chat.completions.create(model=THINKER, messages=QUESTION)
        return answer.choices[0].message.content


def streamed():
    with openai.OpenAI(base_url=URL, api_key=KEY, max_retries=0, timeout=60) as client:
        chunks = client.chat.completions.create(model=THINKER, messages=QUESTION, stream=True)
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def test_waits_for_an_answer_that_begins_late():
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(times, whole), pool.submit(times, streamed)]
        assert [one.result() for one in both] == [[TEXT] * TIMES] * 2


def refused(key, call):
    with openai.OpenAI(base_url=URL, api_key=key, max_retries=0, timeout=60) as client:
        try:
            call(client)
        except openai.APIStatusError as error:
            return error.status_code, error.code
        except openai.APIConnectionError as error:
            return "no answer", repr(error.__cause__)
    return "no error", None


@pytest.mark.parametrize(
    ("key", "path", "headers", "expected"),
    [
        (WRONG, "/chat/completions", {}, (401, "invalid_key")),
        (KEY, "/nowhere", {}, (404, "unknown_path")),
        (KEY, "/chat/completions", {"content-encoding": "gzip"}, (415, "unsupported_encoding")),
    ],
)
def test_sees_why_a_large_body_is_refused(key, path, headers, expected):
    body = {"model": "chat", "messages": FIVE_MIB}

    def call(client):
        client.post(path, body=body, cast_to=object, options={"headers": headers})

    assert [refused(key, call) for _ in range(TIMES)] == [expected] * TIMES


def test_sees_that_a_body_is_too_large():
    def call(client):
        client.chat.completions.create(model="chat", messages=[{"role": "user", "content": "a" * (33 << 20)}])

    assert [refused(KEY, call) for _ in range(3)] == [(413, "body_too_large")] * 3


def test_the_standard_library_sees_why_a_large_body_is_refused():
    where = urllib.parse.urlparse(URL)
    seen = []
    for _ in range(TIMES):
        connection = http.client.HTTPConnection(where.hostname, where.port, timeout=60)
        connection.request("POST", where.path + "/chat/completions", b"a" * (5 << 20))
        seen.append(connection.getresponse().status)
        connection.close()
    assert seen == [401] * TIMES
