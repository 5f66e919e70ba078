"""Refusals arrive as the library's own exceptions, with a stable code and a sentence that helps."""

import openai
import pytest

from conftest import KEY, QUESTION, URL, VIRTUAL_MODEL


def test_refuses_a_wrong_key():
    wrong = "sk-fairlead-wrong-0123456789abcdef0123456789"
    with openai.OpenAI(base_url=URL, api_key=wrong, max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError) as caught:
            client.chat.completions.create(model=VIRTUAL_MODEL, messages=QUESTION)
    assert caught.value.code == "invalid_key"
    assert wrong not in str(caught.value)


def test_refuses_an_unknown_model(client):
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="no-such-model", messages=QUESTION)
    assert caught.value.code == "unknown_model"
    assert "no-such-model" in caught.value.message
    assert KEY not in str(caught.value)


def test_refuses_an_unknown_model_before_it_streams(client):
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="no-such-model", messages=QUESTION, stream=True)


def test_refuses_a_request_without_a_model(client):
    with pytest.raises(openai.BadRequestError) as caught:
        client.post("/chat/completions", body={"messages": QUESTION}, cast_to=object)
    assert caught.value.code == "invalid_request"
