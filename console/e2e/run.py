#!/usr/bin/env python3
"""Looks at the console with a browser, while the gateway it belongs to serves requests.

Usage: console/e2e/run.py PATH-OF-FAIRLEAD-GATEWAY [FOLDER-FOR-SCREENSHOTS]

The gateway serves examples/quickstart and console/e2e/config, whose providers are simulated; callers send requests until the last test has
ended, some of them with names that try to be markup. Needs Node and Chromium ($CHROMIUM, absent: /usr/bin/chromium). What ran and how long it
took is added to target/seeing/results.json. Only the standard library is needed.
"""

import contextlib
import http.client
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
RESULTS = ROOT / "target" / "seeing" / "results.json"
KEY = "sk-fairlead-quickstart-0123456789abcdef"
RESEARCH = "sk-fairlead-console-research-0123456789abcdef"
HOSTILE = [
    "<img src=x onerror=\"document.title='owned'\">",
    "<script>document.title='owned'</script>",
    "javascript:alert(1)",
    "turned\u202eexe.\u200b4o",
]
# What they write: markup, and two things that are masked.
SAID = "<img src=x onerror=\"document.title='owned'\"> Write to jane@corp.example about C-123456, please."
# So many callers send one request after the other.
CALLERS = 4
# The browser begins when so many requests are over.
BEFORE = 150


def main() -> int:
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    if not (HERE / "node_modules").is_dir():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=HERE, check=True)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as ends:
        folder = pathlib.Path(folder)
        address, admin = free_address(), free_address()
        ends.callback(end, start(sys.argv[1], folder, address, admin))
        await_ready(admin)
        load = Load(address)
        ends.callback(load.stop)
        load.await_count(BEFORE)
        return browse(folder, admin, load)


def browse(folder: pathlib.Path, admin: str, load: "Load") -> int:
    report = folder / "report.json"
    environment = os.environ | {
        "CONSOLE_URL": f"http://{admin}",
        "CONSOLE_TOKEN": (folder / "state" / "admin-token").read_text().strip(),
        "CONSOLE_KEY": KEY,
        "CONSOLE_REPORT": str(report),
    }
    if len(sys.argv) == 3:
        environment["CONSOLE_SCREENSHOTS"] = str(pathlib.Path(sys.argv[2]).resolve())
    began = time.monotonic()
    outcome = subprocess.run(["npx", "--no-install", "playwright", "test"], cwd=HERE, env=environment, check=False)
    took = time.monotonic() - began
    stats = json.loads(report.read_text())["stats"] if report.exists() else {}
    size = sum(gzipped(file) for file in (HERE.parent / "dist").iterdir())
    keep([
        figure("tests in a browser that pass", stats.get("expected", 0), "tests", "at least", 1),
        figure("tests in a browser that fail", stats.get("unexpected", 1), "tests", "at most", 0),
        figure("pages and all that they load, compressed", size, "bytes", "at most", 61_440),
    ])
    print(f"{stats.get('expected', 0)} passed, {stats.get('unexpected', 1)} failed, {took:.0f} s, beside {load.count} requests")
    return outcome.returncode


def figure(name: str, value: float, unit: str, must_be: str, bound: float) -> dict:
    ok = value <= bound if must_be == "at most" else value >= bound
    return {"name": f"console: {name}", "figure": value, "unit": unit, "bound": f"{must_be} {bound}", "ok": ok}


def keep(figures: list[dict]) -> None:
    """Adds figures to those of the suite; one of the same name is replaced."""
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    names = {figure["name"] for figure in figures}
    kept = [figure for figure in kept if figure["name"] not in names] + figures
    RESULTS.write_text(json.dumps(kept, indent=2) + "\n")


def gzipped(file: pathlib.Path) -> int:
    import gzip

    return len(gzip.compress(file.read_bytes(), 9, mtime=0))


def start(gateway: str, folder: pathlib.Path, address: str, admin: str) -> subprocess.Popen:
    config = folder / "config"
    config.mkdir()
    for source in (ROOT / "examples" / "quickstart", HERE / "config"):
        for file in source.glob("*.yaml"):
            shutil.copy(file, config)
    command = [gateway, "serve", "--config-dir", config, "--state-dir", folder / "state", "--access-log", "off", "--drain-delay", "0", "--log-content", "Full"]
    return subprocess.Popen([*command, "--listen", address, "--admin", admin], stderr=subprocess.DEVNULL)


def end(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()


def await_ready(admin: str) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError):
            if urllib.request.urlopen(f"http://{admin}/readyz", timeout=2).status == 200:
                return
        time.sleep(0.05)
    sys.exit("the gateway is not ready after 10 s")


class Load:
    """Callers that send requests until they are told to stop."""

    def __init__(self, address: str):
        self.address, self.count, self.over = address, 0, False
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.call, args=(at,)) for at in range(CALLERS)]
        for thread in self.threads:
            thread.start()

    def call(self, at: int) -> None:
        turn = at
        while not self.over:
            turn += 1
            model = HOSTILE[turn % len(HOSTILE)] if turn % 13 == 0 else ("chat", "assistant", "fast")[turn % 3]
            if turn % 29 == 0:
                model = "nightly"
            key = RESEARCH if turn % 5 == 0 else KEY
            with contextlib.suppress(OSError, http.client.HTTPException):
                self.send(model, key, turn % 2 == 0)
            with self.lock:
                self.count += 1

    def send(self, model: str, key: str, stream: bool) -> None:
        connection = http.client.HTTPConnection(self.address, timeout=10)
        body = {"model": model, "stream": stream, "messages": [{"role": "user", "content": SAID}]}
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", "User-Agent": "load/<b>1</b>"}
        connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        connection.getresponse().read()
        connection.close()

    def await_count(self, count: int) -> None:
        until = time.monotonic() + 60
        while self.count < count:
            if time.monotonic() > until:
                sys.exit(f"only {self.count} requests in a minute")
            time.sleep(0.05)

    def stop(self) -> None:
        self.over = True
        for thread in self.threads:
            thread.join()


def free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return "127.0.0.1:%d" % probe.getsockname()[1]


if __name__ == "__main__":
    sys.exit(main())
