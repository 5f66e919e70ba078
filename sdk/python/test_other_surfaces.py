"""Legacy completions, embeddings and the list of models."""

import pytest

from conftest import PROVIDER_MODEL, VIRTUAL_MODEL


def test_completes_a_prompt_whole(client):
    answer = client.completions.create(model=VIRTUAL_MODEL, prompt="Once upon a tide")
    assert answer.object == "text_completion"
    assert answer.choices[0].text
    assert answer.usage.total_tokens > 0


def test_completes_a_prompt_in_a_stream(client):
    stream = client.completions.create(model=VIRTUAL_MODEL, prompt="Once upon a tide", stream=True)
    assert "".join(chunk.choices[0].text for chunk in stream)


@pytest.mark.parametrize("model", [VIRTUAL_MODEL, PROVIDER_MODEL])
def test_embeds_each_input(client, model):
    # The library asks for base64 by itself and decodes it.
    answer = client.embeddings.create(model=model, input=["harbour", "lighthouse"])
    assert [item.index for item in answer.data] == [0, 1]
    assert all(isinstance(number, float) for item in answer.data for number in item.embedding)
    assert answer.data[0].embedding
    assert answer.usage.prompt_tokens > 0


def test_lists_the_models_this_key_may_use(client):
    names = [model.id for model in client.models.list()]
    assert VIRTUAL_MODEL in names
