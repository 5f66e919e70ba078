"""Codex, headless: it asks the Responses surface, and the key's rule says who answers.

It has two ways with tools, by the model it believes to talk to: one function each, or a custom tool inside of a namespace that takes JavaScript.
"""

import json

import pytest

from conftest import HOST, SECRET, run

CONFIG = """
model = "{model}"
model_provider = "fairlead"
# A search by the provider itself can be asked of OpenAI's Responses only.
web_search = "disabled"
[model_providers.fairlead]
name = "Fairlead"
base_url = "{host}/v1"
env_key = "FAIRLEAD_KEY"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0
[analytics]
enabled = false
"""
FUNCTIONS = "gpt-5-codex"
READ_BY_FUNCTION = 'exec_command {"cmd": "cat note.txt"}'
JAVASCRIPT = "gpt-6.2-sol"
READ_BY_JAVASCRIPT = 'functions__exec {"input": "text((await tools.exec_command({cmd: \'cat note.txt\'})).output)"}'


def codex(key, folder, home, *arguments, model=FUNCTIONS):
    (home / "config.toml").write_text(CONFIG.format(host=HOST, model=model))
    # The folder is a test's own: there is nothing to keep the agent from, and its sandbox needs rights that a container lacks.
    options = ["exec", "--json", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", *arguments]
    lines = run("codex", options, folder, home, CODEX_HOME=str(home), FAIRLEAD_KEY=key).splitlines()
    return [json.loads(line) for line in lines]


def said(events):
    items = [each["item"] for each in events if each["type"] == "item.completed"]
    return [item["text"] for item in items if item["type"] == "agent_message"]


@pytest.mark.parametrize(("model", "use"), [(FUNCTIONS, READ_BY_FUNCTION), (JAVASCRIPT, READ_BY_JAVASCRIPT)], ids=["functions", "javascript"])
def test_reads_a_file_by_its_own_tool(key, note, tmp_path, model, use):
    events = codex(key, note.parent, tmp_path, f"Please use {use} now.", model=model)
    [last] = said(events)
    assert last.startswith("The tool said:") and SECRET in last
    [ended] = [each for each in events if each["type"] == "turn.completed"]
    assert ended["usage"]["input_tokens"] > 0 and ended["usage"]["output_tokens"] > 0


def test_answers_and_goes_on_later(key, note, tmp_path):
    first = codex(key, note.parent, tmp_path, "Where is the lighthouse?")
    assert said(first) == ["The lighthouse is two miles to the east."]
    [thread] = [each["thread_id"] for each in first if each["type"] == "thread.started"]
    later = codex(key, note.parent, tmp_path, "resume", thread, "Are you sure?")
    assert said(later) == ["The lighthouse is two miles to the east."]
