"""Requests by hand: to the gateway, and to the server behind it."""

import json
import os
import urllib.error
import urllib.request

HOST = os.environ["FAIRLEAD_URL"].removesuffix("/v1")
KEY = os.environ["FAIRLEAD_KEY"]
SERVER = os.environ["FAIRLEAD_MODEL_URL"]
# A slow machine and a slow model: of one request.
SECONDS = 120


def post(base, path, body):
    """Status and body, whatever the status."""
    headers = {"content-type": "application/json", "authorization": f"Bearer {KEY}", "anthropic-version": "2023-06-01"}
    request = urllib.request.Request(base + path, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def get(base, path):
    with urllib.request.urlopen(base + path, timeout=SECONDS) as answer:
        return json.loads(answer.read())


def ask(base, surface, asked, model, stream=False):
    """What the surface answers, in common words."""
    path, body = surface.request(asked, model, stream)
    status, text = post(base, path, body)
    assert status == 200, f"{path} answered {status}: {text}"
    if not stream:
        return surface.whole(json.loads(text))
    lines = [line.removeprefix("data:").strip() for line in text.splitlines() if line.startswith("data:")]
    return surface.streamed([json.loads(line) for line in lines if line != "[DONE]"])


def figure(name, value, unit, ok=True):
    """Something measured, for target/sdk/results.json."""
    with open(os.environ["FAIRLEAD_FIGURES"], "a") as file:
        file.write(json.dumps({"name": name, "figure": value, "unit": unit, "ok": ok}) + "\n")
