#!/usr/bin/env python3
"""Runs the official SDKs of OpenAI, Anthropic and Google against a gateway that serves examples/quickstart, and itself as its own provider.

Usage: sdk/run.py PATH-OF-FAIRLEAD-GATEWAY

Everything is installed below target/sdk and kept there; a changed pin installs anew. Only the standard library is needed.
"""

import hashlib
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
SUITES = ROOT / "sdk"
INSTALLED = ROOT / "target" / "sdk"
CONFIG = ROOT / "examples" / "quickstart"
KEY = "sk-fairlead-quickstart-0123456789abcdef"
READY_WITHIN_SECONDS = 20


def main() -> int:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    pytest = install_python()
    node_suite = install_node()
    listen, admin = free_address(), free_address()
    gateway = subprocess.Popen(
        [sys.argv[1], "serve", "--config-dir", configuration(listen), "--listen", listen, "--admin", admin],
        stdout=open(INSTALLED / "gateway.out", "wb"),
        stderr=open(INSTALLED / "gateway.err", "wb"),
    )
    try:
        wait_until_ready(gateway, f"http://{admin}/readyz")
        environment = os.environ | {
            "FAIRLEAD_URL": f"http://{listen}/v1",
            "FAIRLEAD_KEY": KEY,
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        print("== Python", flush=True)
        python = subprocess.run([pytest, "-q", "-p", "no:cacheprovider", SUITES / "python"], env=environment).returncode
        print("== Node", flush=True)
        tests = sorted(node_suite.glob("*.test.mjs"))
        node = subprocess.run(["node", "--test", "--test-reporter=spec", *tests], env=environment, cwd=node_suite).returncode
        print("== Go", flush=True)
        go = subprocess.run(["go", "test", "-count=1", "./..."], env=environment, cwd=SUITES / "go").returncode
    finally:
        gateway.terminate()
        gateway.wait()
    return python or node or go


def configuration(listen: str) -> pathlib.Path:
    """The quick start and what the suites need beside it, in one folder; LISTEN and KEY there are the gateway's address and its key."""
    folder = INSTALLED / "config"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for file in [*CONFIG.glob("*.yaml"), *(SUITES / "config").glob("*.yaml")]:
        text = re.sub(r"\bLISTEN\b", listen, file.read_text())
        (folder / file.name).write_text(re.sub(r"\bKEY\b", KEY, text))
    return folder


def install_python() -> pathlib.Path:
    """A virtual environment with the pinned packages; its pytest."""
    home, pins = INSTALLED / "python", SUITES / "python" / "requirements.txt"

    def install() -> None:
        subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
        pip = [home / "bin" / "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps"]
        subprocess.run([*pip, "--requirement", pins], check=True)

    unless_installed(home, pins, install)
    return home / "bin" / "pytest"


def install_node() -> pathlib.Path:
    """The Node suite beside its packages: a module finds its packages by where it lies."""
    home, suite = INSTALLED / "node", SUITES / "node"

    def install() -> None:
        for pins in ("package.json", "package-lock.json"):
            shutil.copy(suite / pins, home)
        subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=home, check=True)

    unless_installed(home, suite / "package-lock.json", install)
    for stale in home.glob("*.mjs"):
        stale.unlink()
    for module in suite.glob("*.mjs"):
        shutil.copy(module, home)
    return home


def unless_installed(home: pathlib.Path, pins: pathlib.Path, install) -> None:
    """Installs unless the same pins were installed to the end before."""
    home.mkdir(parents=True, exist_ok=True)
    stamp, digest = home / ".installed", hashlib.sha256(pins.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != digest:
        install()
        stamp.write_text(digest)


def free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def wait_until_ready(gateway: subprocess.Popen, url: str) -> None:
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < deadline:
        if gateway.poll() is not None:
            break
        try:
            urllib.request.urlopen(url, timeout=1).close()
            return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)
    sys.stderr.write((INSTALLED / "gateway.err").read_text(errors="replace"))
    sys.exit("the gateway did not become ready; what it said stands above")


if __name__ == "__main__":
    sys.exit(main())
