"""The checks of `llm-comply`, which hold answers against the published schemas of each API, for all the APIs that are served here.

Its format `google-interactions` is not among them: there is no such surface. What is known to differ is listed with its reason; whatever else
it finds fails.
"""

import json
import subprocess
import sys

import pytest

from conftest import HOST, KEY, SCRIPTED, URL

FORMATS = {"openai-chat": URL, "open-responses": URL, "anthropic": URL, "google-genai": HOST}
# Checks that cannot pass, by id.
NOT_SERVED = {
    "compact-response": "compaction is not served",
    "compact-missing-model": "compaction is not served",
}
# An assistant who speaks first is passed on, and Anthropic refuses it.
FIRST_TURN = {("open-responses", "scripted-anthropic"): {"assistant-phase"}}
# Members that the schema of Messages demands, null or not, and its own library does not.
OPTIONAL_FOR_CLIENTS = (
    "'cache_creation' is a required", "'cache_creation_input_tokens' is a required", "'cache_read_input_tokens' is a required",
    "'inference_geo' is a required", "'output_tokens_details' is a required", "'server_tool_use' is a required", "'service_tier' is a required",
    "'stop_details' is a required", "'container' is a required",
    # `citations` of a text, `caller` of a call.
    "is not valid under any of the given schemas",
)
# Tools are repeated as the caller gave them, without a `strict` that it left out.
TOOLS_AS_GIVEN = ("tools.0: ",)
KNOWN = {"anthropic": OPTIONAL_FOR_CLIENTS, "open-responses": TOOLS_AS_GIVEN}


@pytest.mark.parametrize("scripted", SCRIPTED)
@pytest.mark.parametrize("format", FORMATS)
def test_complies(format, scripted):
    options = ["--format", format, "--base-url", FORMATS[format], "--api-key", KEY, "--model", scripted, "--json"]
    ran = subprocess.run([sys.executable, "-m", "llm_comply.cli", *options], capture_output=True, text=True, timeout=60)
    results = json.loads(ran.stdout)["results"]
    assert sum(each["status"] == "passed" for each in results) >= 3, ran.stdout
    cannot = NOT_SERVED.keys() | FIRST_TURN.get((format, scripted), set())
    failed = {each["id"]: unknown(each, format) for each in results if each["status"] == "failed" and each["id"] not in cannot}
    assert {id: errors for id, errors in failed.items() if errors} == {}


def unknown(result, format):
    return [error for error in result["errors"] if not any(known in error for known in KNOWN.get(format, ()))]
