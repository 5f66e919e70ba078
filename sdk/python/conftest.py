"""What every test needs: the gateway's address, a key, the ways to a model, and clients that do not retry (a retry would hide a failure)."""

import os

import anthropic
import openai
import pytest
from google import genai

URL = os.environ["FAIRLEAD_URL"]
KEY = os.environ["FAIRLEAD_KEY"]
WRONG_KEY = "sk-fairlead-wrong-0123456789abcdef0123456789"
# What base URLs of other APIs begin with.
HOST = URL.removesuffix("/v1")

# A rule gives this name its meaning.
VIRTUAL_MODEL = "chat"
# A provider offers this one; it is named directly.
PROVIDER_MODEL = "sim/fast"

# Virtual models that are answered by the scripted provider, which speaks one dialect under each name.
SCRIPTED = ["scripted-openai", "scripted-anthropic", "scripted-gemini"]
# Virtual models that come to an answer by different ways, and the provider that is asked first: the simulated one, the gateway itself as a
# provider of another dialect, which asks the simulated one in turn, or the scripted one.
WAYS = {
    VIRTUAL_MODEL: {"default/sim", "default/spare"},
    "via-anthropic": {"default/loop-anthropic"},
    "via-gemini": {"default/loop-gemini"},
    **{name: {f"default/{name}"} for name in SCRIPTED},
}

TEXT = "How far is it to the lighthouse?"
QUESTION = [{"role": "user", "content": TEXT}]
SYSTEM = "Answer as a harbour master."
TOOL = "tide_table"
PARAMETERS = {
    "type": "object",
    "properties": {"harbour": {"type": "string"}},
    "required": ["harbour"],
}
TOOLS = [
    {
        "type": "function",
        "function": {"name": TOOL, "description": "When the tide turns.", "parameters": PARAMETERS},
    }
]
# What the simulated provider fills in, and the scripted one.
ARGUMENTS = {"harbour": "example"}
RESULT = "at noon"
# A PNG of one pixel.
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def words(*texts):
    """How many tokens the simulated and the scripted provider count: so it shows whether all of a conversation has arrived."""
    return sum(len(text.split()) for text in texts)


@pytest.fixture(params=WAYS)
def model(request):
    """A virtual model, by every way in turn."""
    return request.param


@pytest.fixture(params=["shaped/json", "loop-anthropic/json", "loop-gemini/json", *(f"{name}/json" for name in SCRIPTED)])
def json_model(request):
    """A model that answers `{"harbour": "Lee", "miles": 12}`, by every way in turn."""
    return request.param


@pytest.fixture(params=["broken/always", "loop-anthropic/always", "loop-gemini/always", *(f"{name}/always" for name in SCRIPTED)])
def broken_model(request):
    """A model whose provider fails with 503, by every way in turn."""
    return request.param


@pytest.fixture
def client():
    with openai.OpenAI(base_url=URL, api_key=KEY, max_retries=0, timeout=10) as client:
        yield client


@pytest.fixture
def claude():
    with anthropic.Anthropic(base_url=f"{HOST}/anthropic", api_key=KEY, max_retries=0, timeout=10) as client:
        yield client


def gemini_client(key=KEY, base_url=f"{HOST}/gemini", **options):
    """Retries are off unless they are asked for; the time is in milliseconds."""
    return genai.Client(api_key=key, http_options={"base_url": base_url, "timeout": 10_000, **options})


@pytest.fixture
def gemini():
    with gemini_client() as client:
        yield client
