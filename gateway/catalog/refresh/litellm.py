"""Reads the table of models inside the litellm package: prices a token, limits, and what models can do."""

import json
import re
from decimal import Decimal

from facts import EFFORTS, Facts

KINDS = {
    "chat": "chat",
    "responses": "chat",
    "completion": "completion",
    "embedding": "embedding",
    "rerank": "rerank",
    "realtime": "realtime",
    "audio_transcription": "transcription",
    "audio_speech": "speech",
    "image_generation": "image",
    "image_edit": "image",
}
RATES = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cache-read",
    "cache_creation_input_token_cost": "cache-write",
    "cache_creation_input_token_cost_above_1hr": "cache-write-1h",
    "cache_creation_input_token_cost_above_12hr": "cache-write-12h",
    "output_cost_per_reasoning_token": "reasoning",
    "input_cost_per_audio_token": "input-audio",
    "output_cost_per_audio_token": "output-audio",
    "cache_read_input_audio_token_cost": "cache-read-audio",
    "input_cost_per_image_token": "input-image",
    "output_cost_per_image_token": "output-image",
    "cache_read_input_image_token_cost": "cache-read-image",
    "input_cost_per_video_token": "input-video",
}
RATE = re.compile(
    "^(" + "|".join(sorted(RATES, key=len, reverse=True)) + r")(?:_above_(\d+)k_tokens)?(?:_(batches|flex|priority))?$"
)
FEATURES = {
    "supports_function_calling": "tools",
    "supports_parallel_function_calling": "parallel-tools",
    "supports_vision": "images",
    "supports_image_input": "images",
    "supports_pdf_input": "pdf",
    "supports_audio_input": "audio",
    "supports_video_input": "video",
    "supports_audio_output": "audio-out",
    "supports_reasoning": "reasoning",
    "supports_adaptive_thinking": "adaptive-thinking",
    "supports_legacy_thinking": "budget-thinking",
    "supports_assistant_prefill": "prefill",
    "supports_prompt_caching": "cache",
    "supports_system_messages": "system",
    "supports_mid_conversation_system": "mid-system",
    "supports_sampling_params": "sampling",
    "supports_web_search": "web-search",
    "supports_computer_use": "computer-use",
}
MODALITIES = {"image": "images", "audio": "audio", "video": "video"}
# Prices by size of picture, by commitment and by region: names that no request carries.
NOT_A_MODEL = re.compile(r"-x-|-steps/|commitment/|^(us|eu|global|global-standard|apac)/|^claude_platform/")


def load(folder):
    """The table: provider -> name -> row, names without the provider's own prefix."""
    path = next(iter(sorted((folder / "litellm").glob("model_prices_and_context_window*.json"))))
    table = json.loads(path.read_text(), parse_float=Decimal)
    table.pop("sample_spec", None)
    providers = {}
    for name, row in table.items():
        target = table.get(row.get("alias_of", ""), row)
        provider = target.get("litellm_provider")
        if provider:
            providers.setdefault(provider, {}).setdefault(bare(name, provider), target)
    return providers


def bare(name, provider):
    """The name without the provider in front of it."""
    if name.startswith(f"{provider}/"):
        name = name[len(provider) + 1 :]
    for prefix in ("vertex_ai/", "bedrock/", "azure/", "fireworks_ai/", "amazon-nova/"):
        if provider.replace("-", "_").startswith(prefix[:5].replace("-", "_")) and name.startswith(prefix):
            name = name[len(prefix) :]
    return name


def facts(name, row):
    """What a row says; None where it is no model that is asked by its name and paid by the token."""
    kind = KINDS.get(row.get("mode"))
    if kind is None or NOT_A_MODEL.search(name):
        return None
    said = Facts(kind=kind)
    said.limit("max-input", row.get("max_input_tokens"))
    if kind in ("chat", "completion", "realtime"):
        said.limit("max-output", row.get("max_output_tokens"))
    rates(said, row)
    if kind not in ("chat", "completion", "realtime") and not said.prices:
        return None
    abilities(said, name, row)
    if re.fullmatch(r"\d{4}-\d\d-\d\d", str(row.get("deprecation_date", ""))):
        said.retires = row["deprecation_date"]
    endpoints = row.get("supported_endpoints") or []
    if "/v1/responses" in endpoints and "/v1/chat/completions" not in endpoints:
        said.quirks.add("responses-only")
    return said


def rates(said, row):
    """Notes the prices: flat ones by their keys, and those in brackets of the prompt's length."""
    for key, rate in row.items():
        found = RATE.match(key)
        if not found or not isinstance(rate, (int, Decimal)):
            continue
        unit, above, mode = RATES[found[1]], int(found[2] or 0) * 1000, found[3] or "standard"
        said.price(unit, Decimal(rate) * 1_000_000, "batch" if mode == "batches" else mode, above)
    for bracket in row.get("tiered_pricing") or []:
        above = int(bracket.get("range", [0])[0])
        for key, unit in RATES.items():
            if key in bracket:
                said.price(unit, Decimal(bracket[key]) * 1_000_000, "standard", above)


def abilities(said, name, row):
    """Notes what the model can do and what it refuses."""
    for key, feature in FEATURES.items():
        said.feature(feature, row.get(key))
    said.feature("forced-tool", row.get("supports_forced_tool_use", row.get("supports_tool_choice")))
    # For Claude the plain flag means "by a forced tool call", which is translation and no ability of the model.
    native = row.get("supports_bedrock_native_structured_output", row.get("supports_native_structured_output") or None)
    said.feature("schema", native if "claude" in name else row.get("supports_response_schema"))
    always = row.get("thinking_always_on")
    said.feature("thinking-off", None if always is None else not always)
    for modality in row.get("supported_modalities") or []:
        if modality in MODALITIES:
            said.can.add(MODALITIES[modality])
    for modality in row.get("supported_output_modalities") or []:
        if modality in ("image", "audio"):
            said.can.add(f"{modality}-out")
    levels = row.get("reasoning_effort_levels")
    for effort in EFFORTS:
        said.effort(effort, effort in levels if levels else row.get(f"supports_{effort}_reasoning_effort"))
