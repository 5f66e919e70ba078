"""A server that runs while it is needed, and is stopped by its process id."""

import pathlib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

from installed import INSTALLED

READY_WITHIN_SECONDS = 60


class Started:
    """`with Started(name, command, url)`: what it says is in target/sdk/NAME.out and .err; it is ready once the URL answers."""

    def __init__(self, name: str, command: list, url: str):
        self.name, self.command, self.url = name, command, url

    def __enter__(self):
        self.err: pathlib.Path = INSTALLED / f"{self.name}.err"
        with (INSTALLED / f"{self.name}.out").open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(self.command, stdout=out, stderr=err)
        if not self.ready():
            self.stop()
            sys.stderr.write(self.err.read_text(errors="replace")[-4_000:])
            raise TimeoutError(f"{self.name} did not become ready; what it said stands above")
        return self

    def __exit__(self, *_):
        self.stop()

    def ready(self) -> bool:
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                urllib.request.urlopen(self.url, timeout=1).close()
                return True
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.05)
        return False

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"
