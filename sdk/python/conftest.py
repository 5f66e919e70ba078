"""What every test needs: the gateway's address, a key, and a client that does not retry (a retry would hide a failure)."""

import os

import openai
import pytest

URL = os.environ["FAIRLEAD_URL"]
KEY = os.environ["FAIRLEAD_KEY"]

# A rule gives this name its meaning.
VIRTUAL_MODEL = "chat"
# A provider offers this one; it is named directly.
PROVIDER_MODEL = "sim/fast"

QUESTION = [{"role": "user", "content": "How far is it to the lighthouse?"}]
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "tide_table",
            "description": "When the tide turns.",
            "parameters": {
                "type": "object",
                "properties": {"harbour": {"type": "string"}},
                "required": ["harbour"],
            },
        },
    }
]


@pytest.fixture
def client():
    with openai.OpenAI(base_url=URL, api_key=KEY, max_retries=0, timeout=10) as client:
        yield client
