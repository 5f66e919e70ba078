"""Reads genai-prices: prices by vendor, curated by hand, each with the day from which it holds.

The package is Python source. It is read as a syntax tree of literals and calls and never run.
"""

import ast
import re
from decimal import Decimal

from facts import Facts

PRICES = {
    "input_mtok": "input",
    "output_mtok": "output",
    "cache_read_mtok": "cache-read",
    "cache_write_mtok": "cache-write",
    "cache_write_5m_mtok": "cache-write",
    "cache_write_1h_mtok": "cache-write-1h",
    "output_reasoning_mtok": "reasoning",
    "input_audio_mtok": "input-audio",
    "output_audio_mtok": "output-audio",
    "cache_audio_read_mtok": "cache-read-audio",
    "input_image_mtok": "input-image",
    "output_image_mtok": "output-image",
    "cache_image_read_mtok": "cache-read-image",
    "input_video_mtok": "input-video",
}
VARIANTS = {
    ("processing", "batch"): "batch",
    ("service_tier", "flex"): "flex",
    ("service_tier", "priority"): "priority",
    ("speed", "fast"): "fast",
}


def load(folder):
    """The vendors of the package: id -> models in the order in which they are to be tried."""
    tree = ast.parse((folder / "genai_prices" / "data.py").read_text())
    table = next(node for node in tree.body if isinstance(node, ast.AnnAssign) and node.target.id == "providers")
    return {provider["id"]: provider["models"] for provider in value(table.value)}


def value(node):
    """The value of a literal, or of a call as a dictionary of its arguments."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, (ast.List, ast.Tuple)):
        return [value(item) for item in node.elts]
    if isinstance(node, ast.Dict):
        return {value(key): value(item) for key, item in zip(node.keys, node.values)}
    if isinstance(node, ast.Call):
        name = ast.unparse(node.func)
        arguments = [value(item) for item in node.args]
        if name == "Decimal":
            return Decimal(arguments[0])
        if name == "datetime.date":
            return "{:04}-{:02}-{:02}".format(*arguments)
        return {"call": name, **{item.arg: value(item.value) for item in node.keywords}}
    return ast.unparse(node)


def names(models):
    """The ids that the package itself spells out: of a model, and those its clause compares for equality."""
    for model in models:
        ids = {model["id"], *equals(model["match"])}
        yield from (name for name in ids if matches(model["match"], name) and not name.endswith("-"))


def equals(clause):
    """Every name that the clause compares for equality."""
    if clause["call"] == "ClauseEquals":
        yield clause["equals"]
    for part in clause.get("or_", []):
        yield from equals(part)


def matches(clause, name):
    """Whether the clause of a model takes the name."""
    kind = clause["call"]
    if kind == "ClauseOr":
        return any(matches(part, name) for part in clause["or_"])
    if kind == "ClauseAnd":
        return all(matches(part, name) for part in clause["and_"])
    if kind == "ClauseEquals":
        return name == clause["equals"]
    if kind == "ClauseStartsWith":
        return name.startswith(clause["starts_with"])
    if kind == "ClauseEndsWith":
        return name.endswith(clause["ends_with"])
    if kind == "ClauseContains":
        return clause["contains"] in name
    if kind == "ClauseRegex":
        return re.search(clause["regex"], name) is not None
    raise ValueError(f"genai-prices has a clause that is not known here: {kind}")


def facts(models, name, today):
    """What the package says of a name: the first model that takes it."""
    model = next((model for model in models if matches(model["match"], name)), None)
    if model is None:
        return None
    said = Facts()
    said.limit("window", model.get("context_window"))
    read(said, current(model.get("prices"), today), "standard")
    for variant in model.get("price_variants") or []:
        when = list(variant["when"].items())
        mode = VARIANTS.get(when[0]) if len(when) == 1 else None
        if mode and begun(variant, today):
            read(said, variant["prices"], mode)
    return said


def current(prices, today):
    """The prices that hold today; of those that change with the hour, the dearest."""
    if not isinstance(prices, list):
        return prices
    held, hourly = None, []
    for entry in prices:
        if (entry.get("constraint") or {}).get("call") == "TimeOfDateConstraint":
            hourly.append(entry["prices"])
        elif begun(entry, today):
            held = entry["prices"]
    return max([held, *hourly] if held else hourly, key=dearness, default=None)


def begun(entry, today):
    """Whether what holds from a day on holds today."""
    constraint = entry.get("constraint") or {}
    return constraint.get("start_date", "") <= today


def dearness(prices):
    """What to compare prices of different hours by."""
    rate = prices.get("input_mtok") or Decimal(0)
    return rate["base"] if isinstance(rate, dict) else rate


def read(said, prices, mode):
    """Notes every rate of a price."""
    for key, rate in (prices or {}).items():
        unit = PRICES.get(key)
        if unit is None or rate is None:
            continue
        if not isinstance(rate, dict):
            said.price(unit, rate, mode)
            continue
        said.price(unit, rate["base"], mode)
        for tier in rate["tiers"]:
            said.price(unit, tier["price"], mode, tier["start"])
