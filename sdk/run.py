#!/usr/bin/env python3
"""Runs what people call an LLM with against a gateway: official SDKs, frameworks, agents, and a real model behind it.

Usage: sdk/run.py PATH-OF-FAIRLEAD-GATEWAY [TIER ..]

The gateway serves examples/quickstart and sdk/config. Its providers are simulated, itself once more, the scripted provider of sdk/provider,
and a server with a real model. Tiers: go, node, python, agents, model, pool; these run if none is named; and agents-in-full. One run at a time:
everything is installed below target/sdk and kept there, the model in the cache folder; a changed pin installs anew. Only the standard library
is needed.

What ran, how long it took and what was measured is written to target/sdk/results.json. A tier that cannot start has failed.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

import installed
from installed import INSTALLED, ROOT, SUITES
from provider import serve
from started import Started, free_address

CONFIG = ROOT / "examples" / "quickstart"
KEY = "sk-fairlead-quickstart-0123456789abcdef"
FIGURES = INSTALLED / "figures.jsonl"


def main() -> int:
    chosen = sys.argv[2:] or [name for name in TIERS if name != IN_FULL]
    if len(sys.argv) < 2 or set(chosen) - set(TIERS):
        sys.exit(__doc__)
    INSTALLED.mkdir(parents=True, exist_ok=True)
    FIGURES.unlink(missing_ok=True)
    addresses = {"LISTEN": free_address(), "ADMIN": free_address(), "PROVIDER": free_address(), "MODEL": free_address()}
    serve.start(addresses["PROVIDER"])
    listen, admin = addresses["LISTEN"], addresses["ADMIN"]
    command = [sys.argv[1], "serve", "--config-dir", configuration(addresses), "--listen", listen, "--admin", admin, "--drain-delay", "0"]
    environment = os.environ | {
        "FAIRLEAD_URL": f"http://{listen}/v1",
        "FAIRLEAD_KEY": KEY,
        "FAIRLEAD_MODEL_URL": f"http://{addresses['MODEL']}",
        "FAIRLEAD_FIGURES": str(FIGURES),
        "FAIRLEAD_GATEWAY": str(pathlib.Path(sys.argv[1]).resolve()),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    tiers = []
    with Started("gateway", command, f"http://{admin}/readyz"):
        for name in chosen:
            print(f"== {name}", flush=True)
            tiers.append(run(name, environment))
    return conclude(tiers)


def run(name: str, environment: dict) -> dict:
    """A tier's outcome; one whose packages cannot be installed, or whose client cannot start, has failed, and says why."""
    began = time.monotonic()
    try:
        status, reason = TIERS[name](environment), None
    except (OSError, subprocess.CalledProcessError, TimeoutError) as error:
        status, reason = 1, f"could not start: {error}"
        print(f"{name}: {reason}", flush=True)
    return {"name": name, "ok": status == 0, "reason": reason, "seconds": round(time.monotonic() - began, 1)}


def conclude(tiers: list[dict]) -> int:
    lines = FIGURES.read_text().splitlines() if FIGURES.exists() else []
    results = {"tiers": tiers, "figures": [json.loads(line) for line in lines]}
    (INSTALLED / "results.json").write_text(json.dumps(results, indent=2) + "\n")
    print("== what ran")
    for tier in tiers:
        print(f"{'ok    ' if tier['ok'] else 'FAILED'} {tier['name']}, {tier['seconds']} s")
    if serve.refusals:
        print(f"the scripted provider refused {len(serve.refusals)} requests; the last of them:")
        for refusal in serve.refusals[-3:]:
            print(f"  {refusal['status']} {refusal['path']}: {refusal['message']}")
        (INSTALLED / "refusals.json").write_text(json.dumps(serve.refusals, indent=1))
    return int(not all(tier["ok"] for tier in tiers))


def python(environment: dict) -> int:
    return pytest(SUITES / "python", environment)


def node(environment: dict) -> int:
    suite = installed.node(SUITES / "node", "node")
    tests = sorted(suite.glob("*.test.mjs"))
    return subprocess.run(["node", "--test", "--test-reporter=spec", *tests], env=environment, cwd=suite).returncode


def go(environment: dict) -> int:
    return subprocess.run(["go", "test", "-count=1", "./..."], env=environment, cwd=SUITES / "go").returncode


def agents(environment: dict) -> int:
    """Of each agent what it is for, in every dialect: to work by its own tools."""
    return agents_in_full(environment, "-k", "by_its_own_tool")


def agents_in_full(environment: dict, *options: str) -> int:
    home = installed.node(SUITES / "agents", "agents")
    return pytest(SUITES / "agents", environment | {"FAIRLEAD_AGENTS": str(home / "node_modules" / ".bin")}, *options)


def model(environment: dict) -> int:
    interpreter, weights = installed.model()
    url = environment["FAIRLEAD_MODEL_URL"]
    command = [interpreter, SUITES / "model" / "serve.py", weights, url.removeprefix("http://")]
    with Started("model", command, f"{url}/health"):
        return pytest(SUITES / "model", environment)


def pool(environment: dict) -> int:
    """By itself: it has servers of its own, and a gateway before them."""
    return subprocess.run([sys.executable, SUITES / "pool.py", environment["FAIRLEAD_GATEWAY"]], env=environment).returncode


IN_FULL = "agents-in-full"
# In the order in which they run.
TIERS = {"go": go, "node": node, "python": python, "agents": agents, "model": model, "pool": pool, IN_FULL: agents_in_full}


def pytest(folder: pathlib.Path, environment: dict, *options: str) -> int:
    command = [installed.python() / "bin" / "pytest", "-q", "-p", "no:cacheprovider", "--durations=3", *options, folder]
    return subprocess.run(command, env=environment).returncode


def configuration(addresses: dict[str, str]) -> pathlib.Path:
    """The quick start and what the suites need beside it, in one folder; LISTEN, PROVIDER and MODEL there are addresses, KEY is the gateway's."""
    folder = INSTALLED / "config"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    values = addresses | {"KEY": KEY}
    for file in [*CONFIG.glob("*.yaml"), *(SUITES / "config").glob("*.yaml")]:
        text = re.sub(rf"\b({'|'.join(values)})\b", lambda hit: values[hit[0]], file.read_text())
        (folder / file.name).write_text(text)
    return folder


if __name__ == "__main__":
    sys.exit(main())
