"""What the agents are given: the gateway's address, a key that means one dialect whatever the model's name, and a folder of their own."""

import os
import pathlib
import subprocess

import pytest

HOST = os.environ["FAIRLEAD_URL"].removesuffix("/v1")
PROGRAMS = pathlib.Path(os.environ["FAIRLEAD_AGENTS"])
DIALECTS = ["openai", "anthropic", "gemini"]
# Of one run of an agent, which starts a large program and asks two or three times.
SECONDS = 90
SECRET = "the tide turns at noon"


@pytest.fixture(params=DIALECTS)
def key(request):
    """The rule of this key sends every model to the scripted provider in one dialect."""
    return f"sk-fairlead-for-{request.param}-0123456789abcdef0123"


@pytest.fixture
def note(tmp_path):
    """A file that an agent has to read, in the folder where it works."""
    folder = tmp_path / "work"
    folder.mkdir()
    file = folder / "note.txt"
    file.write_text(SECRET + "\n")
    return file


def run(program, arguments, folder, home, **variables):
    """Runs an agent with nothing of the user's environment but the path, and no input."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "TERM": "dumb", **variables}
    command = [PROGRAMS / program, *arguments]
    ran = subprocess.run(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS)
    assert ran.returncode == 0, f"{program} ended with {ran.returncode}:\n{ran.stdout[-4_000:]}\n{ran.stderr[-4_000:]}"
    return ran.stdout
