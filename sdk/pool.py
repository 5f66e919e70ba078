#!/usr/bin/env python3
"""A pool of three real servers: what their prompt caches find, and what becomes of requests when servers are killed.

Usage: sdk/pool.py PATH-OF-FAIRLEAD-GATEWAY

Each server is llama.cpp's own with a small model (sdk/model); all are installed as sdk/run.py does, of which this is the tier `pool`. Conversations
of several turns are held through one server, through three that are placed by what prompts begin with, and through three that are not; then a
server is killed while it is asked, and in the end all are. Only the standard library is needed.
"""

import concurrent.futures
import contextlib
import json
import os
import pathlib
import sys
import tempfile
import urllib.request

import installed
from installed import INSTALLED, SUITES
from started import Started, free_address

KEY = "sk-pool-0123456789abcdef0123456789abcdef"
SERVERS, CONVERSATIONS, TURNS = 3, 5, 4
# What each conversation begins with is its own, as a document that it is about.
PORTS = ["Bergen", "Genoa", "Riga", "Lisbon", "Piraeus"]
# A slow machine and a slow model: of one request.
SECONDS = 300

PROVIDER = """
---
apiVersion: fairlead.dev/v1alpha1
kind: LLMProvider
metadata: {{name: {name}}}
spec:
  type: LlamaCpp
  allowPrivateNetwork: true
  endpoints: {{addresses: [{addresses}], affinity: {affinity}, metrics: {{interval: 1s}}}}
  timeouts: {{firstByte: 300s}}
---
apiVersion: fairlead.dev/v1alpha1
kind: RoutingRule
metadata: {{name: {name}}}
spec:
  match: {{models: [{name}]}}
  targets: [{{name: pool, providerRef: {{name: {name}}}, model: gemma}}]
  fallbacks: [{{name: reserve, providerRef: {{name: reserve}}, model: any}}]
"""

REST = """
apiVersion: fairlead.dev/v1alpha1
kind: LLMProvider
metadata: {{name: reserve}}
spec: {{type: Simulated}}
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
    interpreter, weights = installed.model()
    addresses = [free_address() for _ in range(SERVERS)]
    with contextlib.ExitStack() as stack:
        serve = [interpreter, SUITES / "model" / "serve.py", weights]
        servers = [Started(f"pool-{at}", [*serve, address], f"http://{address}/health") for at, address in enumerate(addresses)]
        with concurrent.futures.ThreadPoolExecutor() as starting:
            list(starting.map(stack.enter_context, servers))
        listen, health = stack.enter_context(gateway(sys.argv[1], addresses))
        one, prefix, none = (conversations(listen, model) for model in ("one", "prefix", "none"))
        killed = kills(listen, health, dict(zip(addresses, servers)))
    figures = [
        ("pool: prompt tokens found in the cache, one server", one, "share", one > 0),
        ("pool: the same, three servers by prefix", prefix, "share", prefix >= 0.9 * one),
        ("pool: the same, three servers by load alone", none, "share", none < prefix),
        *killed,
    ]
    note(figures)
    return int(not all(ok for *_, ok in figures))


@contextlib.contextmanager
def gateway(program: str, addresses: list[str]):
    """Serves the same servers as three providers: one of them alone, all by what prompts begin with, and all by load."""
    with tempfile.TemporaryDirectory() as folder:
        listed = [f'"{address}"' for address in addresses]
        pools = {"one": (listed[:1], "Prefix"), "prefix": (listed, "Prefix"), "none": (listed, "None")}
        text = REST.format(key=KEY) + "".join(
            PROVIDER.format(name=name, addresses=", ".join(some), affinity=affinity) for name, (some, affinity) in pools.items()
        )
        config, state = pathlib.Path(folder) / "config", pathlib.Path(folder) / "state"
        config.mkdir()
        (config / "all.yaml").write_text(text)
        listen, admin = free_address(), free_address()
        options = ["--state-dir", state, "--listen", listen, "--admin", admin, "--drain-delay", "0"]
        with Started("pool-gateway", [program, "serve", "--config-dir", config, *options], f"http://{admin}/readyz"):
            token = (state / "admin-token").read_text().strip()
            yield listen, urllib.request.Request(f"http://{admin}/health", headers={"authorization": f"Bearer {token}"})


def conversations(listen: str, model: str) -> float:
    """The share of prompt tokens that were found in caches, over conversations that take turns."""
    asked = found = 0
    # What one model's conversations leave in the caches is of no use to another's.
    system = "You are the harbour master of {port}, asked by {model}. " + "In {port} ships come in from the east and leave to the west. " * 6
    held = [[{"role": "system", "content": system.format(port=port, model=model)}] for port in PORTS[:CONVERSATIONS]]
    for turn in range(TURNS):
        for messages in held:
            messages.append({"role": "user", "content": f"Question {turn}: where do I go?"})
            attempts, answer = ask(listen, model, messages, 2)
            assert attempts == "pool=ok", attempts
            usage = answer["usage"]
            asked += usage["prompt_tokens"]
            found += (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
            messages.append({"role": "assistant", "content": answer["choices"][0]["message"]["content"] or "."})
    return round(found / asked, 3)


def kills(listen: str, health: urllib.request.Request, servers: dict[str, Started]) -> list[tuple]:
    """Kills the busiest server while all are asked, and then the others."""
    questions = [[{"role": "user", "content": f"Ship {number}: count to ten."}] for number in range(3 * SERVERS)]
    with concurrent.futures.ThreadPoolExecutor(len(questions)) as pool:
        asked = [pool.submit(ask, listen, "prefix", messages, 12) for messages in questions]
        concurrent.futures.wait(asked, return_when=concurrent.futures.FIRST_COMPLETED)
        there = servers_of("prefix", health)
        busiest = max(there, key=lambda address: there[address]["inFlight"])
        told = [server["reported"] for server in there.values() if server["reported"]]
        servers.pop(busiest).process.kill()
        outcomes = [future.result()[0] for future in asked]
    failed = [outcome for outcome in outcomes if not outcome.endswith("pool=ok")]
    moved = [outcome for outcome in outcomes if outcome != "pool=ok"]
    for server in servers.values():
        server.process.kill()
    reserve, _ = ask(listen, "prefix", questions[0], 2)
    return [
        ("pool: servers whose queues are known", len(told), "servers", len(told) == SERVERS),
        ("pool: requests that another server answered after a kill", len(moved), "requests", len(moved) > 0),
        ("pool: requests that the pool failed after a kill", len(failed), "requests", not failed),
        ("pool: answers of the fallback once all are gone", int(reserve.endswith("reserve=ok")), "answers", reserve.endswith("reserve=ok")),
    ]


def ask(listen: str, model: str, messages: list[dict], most: int) -> tuple[str, dict]:
    """The attempts, and the answer."""
    body = {"model": model, "messages": messages, "max_tokens": most, "temperature": 0}
    headers = {"content-type": "application/json", "authorization": f"Bearer {KEY}"}
    request = urllib.request.Request(f"http://{listen}/v1/chat/completions", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        return answer.headers["x-fairlead-attempts"], json.loads(answer.read())


def servers_of(provider: str, health: urllib.request.Request) -> dict[str, dict]:
    """What the gateway knows of the servers of a pool."""
    with urllib.request.urlopen(health, timeout=SECONDS) as answer:
        providers = json.loads(answer.read())["providers"]
    return providers[f"default/{provider}"]["servers"]


def note(figures: list[tuple]) -> None:
    """For target/sdk/results.json, or to be read."""
    lines = [json.dumps({"name": name, "figure": figure, "unit": unit, "ok": ok}) for name, figure, unit, ok in figures]
    if path := os.environ.get("FAIRLEAD_FIGURES"):
        with open(path, "a") as file:
            file.writelines(f"{line}\n" for line in lines)
    print("\n".join(lines))


if __name__ == "__main__":
    sys.exit(main())
