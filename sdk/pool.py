#!/usr/bin/env python3
"""A pool of three real servers: what their prompt caches find, and what becomes of requests when servers are killed.

Usage: sdk/pool.py PATH-OF-FAIRLEAD-GATEWAY

Each server is llama.cpp's own with a small model (sdk/model); all are installed as sdk/run.py does. Conversations of several turns are held through
one server, through three that are placed by what prompts begin with, and through three that are not; then a server is killed while it is asked, and
in the end all are. Figures go to target/sdk/pool.json. Takes some minutes. Only the standard library is needed.
"""

import concurrent.futures
import contextlib
import json
import pathlib
import sys
import tempfile
import urllib.request

import installed
from installed import INSTALLED, SUITES
from started import Started, free_address

KEY = "sk-pool-0123456789abcdef0123456789abcdef"
CONVERSATIONS, TURNS = 9, 4
# A slow machine and a slow model: of one request.
SECONDS = 300

DOCUMENTS = """
apiVersion: fairlead.dev/v1alpha1
kind: LLMProvider
metadata: {{name: pool}}
spec:
  type: LlamaCpp
  allowPrivateNetwork: true
  endpoints: {{addresses: [{addresses}], affinity: {affinity}}}
  timeouts: {{firstByte: 300s}}
---
apiVersion: fairlead.dev/v1alpha1
kind: LLMProvider
metadata: {{name: reserve}}
spec: {{type: Simulated}}
---
apiVersion: fairlead.dev/v1alpha1
kind: RoutingRule
metadata: {{name: chat}}
spec:
  match: {{models: [chat]}}
  targets: [{{name: pool, providerRef: {{name: pool}}, model: gemma}}]
  fallbacks: [{{name: reserve, providerRef: {{name: reserve}}, model: any}}]
---
apiVersion: v1
kind: Secret
metadata: {{name: caller, labels: {{fairlead.dev/secret: virtual-key}}}}
stringData: {{apiKey: {key}}}
---
apiVersion: fairlead.dev/v1alpha1
kind: VirtualKey
metadata: {{name: caller}}
spec: {{key: {{type: SecretRef, secretRef: {{name: caller}}}}}}
"""


def main() -> int:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    INSTALLED.mkdir(parents=True, exist_ok=True)
    one, _ = talk(1, "Prefix")
    prefix, killed = talk(3, "Prefix", kill=True)
    without, _ = talk(3, "None")
    figures = {"one": one, "prefix": prefix, "none": without, **killed}
    (INSTALLED / "pool.json").write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))
    good = prefix >= 0.9 * one and prefix > without and killed["failed"] == 0 and killed["reserve"] == "reserve=ok"
    return int(not good)


def talk(count: int, affinity: str, kill: bool = False) -> tuple[float, dict]:
    """The share of prompt tokens that were found in caches; then, if wished, what happens when servers are killed."""
    interpreter, weights = installed.model()
    addresses = [free_address() for _ in range(count)]
    with contextlib.ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        servers = [
            stack.enter_context(
                Started(f"pool-{at}", [interpreter, SUITES / "model" / "serve.py", weights, address], f"http://{address}/health")
            )
            for at, address in enumerate(addresses)
        ]
        listed = ", ".join(f'"{address}"' for address in addresses)
        text = DOCUMENTS.format(addresses=listed, affinity=affinity, key=KEY)
        (pathlib.Path(folder) / "all.yaml").write_text(text)
        listen, admin = free_address(), free_address()
        command = [sys.argv[1], "serve", "--config-dir", folder, "--listen", listen, "--admin", admin, "--drain-delay", "0"]
        stack.enter_context(Started("pool-gateway", command, f"http://{admin}/readyz"))
        share = conversations(listen)
        return share, kills(listen, servers) if kill else {}


def conversations(listen: str) -> float:
    asked = found = 0
    # A long day's beginning is alike for all, and each has its own question.
    system = "You are the harbour master. " + "Ships come from the east and leave to the west. " * 12
    held = [[{"role": "system", "content": system}] for _ in range(CONVERSATIONS)]
    for turn in range(TURNS):
        for number, messages in enumerate(held):
            messages.append({"role": "user", "content": f"Ship {number}, question {turn}: where do I go?"})
            _, answer = ask(listen, messages)
            usage = answer["usage"]
            asked += usage["prompt_tokens"]
            found += (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
            messages.append({"role": "assistant", "content": answer["choices"][0]["message"]["content"] or "."})
    return round(found / asked, 3)


def kills(listen: str, servers: list[Started]) -> dict:
    questions = [[{"role": "user", "content": f"Ship {number}: count to ten."}] for number in range(12)]
    with concurrent.futures.ThreadPoolExecutor(len(questions)) as pool:
        asked = [pool.submit(ask, listen, messages, 24) for messages in questions]
        concurrent.futures.wait(asked, return_when=concurrent.futures.FIRST_COMPLETED)
        servers[0].process.kill()
        outcomes = [future.result()[0] for future in asked]
    failed = [outcome for outcome in outcomes if not outcome.endswith("pool=ok")]
    moved = [outcome for outcome in outcomes if outcome != "pool=ok"]
    for server in servers[1:]:
        server.process.kill()
    reserve, _ = ask(listen, questions[0])
    return {"failed": len(failed), "moved": len(moved), "reserve": reserve.split(", ")[-1]}


def ask(listen: str, messages: list[dict], most: int = 8) -> tuple[str, dict]:
    """The attempts, and the answer."""
    body = {"model": "chat", "messages": messages, "max_tokens": most, "temperature": 0}
    headers = {"content-type": "application/json", "authorization": f"Bearer {KEY}"}
    request = urllib.request.Request(f"http://{listen}/v1/chat/completions", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        return answer.headers["x-fairlead-attempts"], json.loads(answer.read())


if __name__ == "__main__":
    sys.exit(main())
