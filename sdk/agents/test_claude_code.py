"""Claude Code, headless: it asks Anthropic's surface for its own models, and the key's rule says who answers."""

import json

from conftest import HOST, SECRET, run


def claude(key, folder, home, *arguments):
    variables = {
        "ANTHROPIC_BASE_URL": f"{HOST}/anthropic",
        "ANTHROPIC_AUTH_TOKEN": key,
        # Nothing but the model: no telemetry, no update.
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
    }
    return run("claude", ["-p", *arguments], folder, home, **variables)


def test_reads_a_file_by_its_own_tool(key, note, tmp_path):
    prompt = f'Please use Read {{"file_path": "{note}"}} now.'
    said = json.loads(claude(key, note.parent, tmp_path, prompt, "--output-format", "json", "--allowedTools", "Read"))
    assert (said["is_error"], said["subtype"]) == (False, "success")
    assert said["result"].startswith("The tool said:") and SECRET in said["result"]
    assert said["num_turns"] == 2
    assert said["usage"]["input_tokens"] > 0 and said["usage"]["output_tokens"] > 0


def test_streams_what_it_does_and_goes_on_later(key, note, tmp_path):
    arguments = ["--output-format", "stream-json", "--verbose", "--include-partial-messages"]
    lines = claude(key, note.parent, tmp_path, "Where is the lighthouse?", *arguments).splitlines()
    events = [json.loads(line) for line in lines]
    deltas = [each["event"] for each in events if each["type"] == "stream_event"]
    text = "".join(each["delta"].get("text", "") for each in deltas if each["type"] == "content_block_delta")
    assert text == events[-1]["result"] == "The lighthouse is two miles to the east."
    later = claude(key, note.parent, tmp_path, "Are you sure?", "--continue", "--output-format", "json")
    assert json.loads(later)["session_id"] == events[-1]["session_id"]
