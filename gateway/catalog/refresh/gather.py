"""Collects what each package says of a vendor's models, under the names that a request carries."""

import re
from dataclasses import replace

import genai
import litellm
import modelsdev
from merge import NEWEST


def gather(vendor, others, tables, ids, today):
    """Every name that a vendor has anywhere -> what each source says of it."""
    prices, limits, hosts = tables
    found, spelled = {}, {}

    def put(name, source, facts):
        if facts is not None and known(vendor, name):
            name = spelled.setdefault(name.lower(), name)
            found.setdefault(name, {}).setdefault(source, facts)

    for provider in ids[1]:
        for name, row in limits.get(provider, {}).items():
            name = short(vendor, others, name)
            put(name, "litellm", litellm.facts(name, row))
    for host in ids[2]:
        for name, row in hosts.get(host, {}).items():
            put(short(vendor, others, name), "modelsdev", modelsdev.facts(name, row))
    for provider in ids[0]:
        models = prices[provider]
        # A name with dots is the vendor's; the same with dashes is what other tools write for it.
        for name in sorted(genai.names(models)):
            name = short(vendor, others, name)
            if name.lower() in spelled or name.replace(".", "-") not in {known.replace(".", "-") for known in found}:
                put(name, "genai", genai.facts(models, name, today))
        for name in list(found):
            put(name, "genai", genai.facts(models, name, today))
    lend(found)
    return found


def lend(found):
    """Gives a name that only a price list knows what is known of the same model under its date or without it, prices left out."""
    told = {}
    for name in sorted(found):
        if any(source in found[name] for source in NEWEST):
            # The newest date is the last.
            told[stem(name)] = found[name]
    for name, said in found.items():
        if not any(source in said for source in NEWEST):
            for source in NEWEST:
                if source in told.get(stem(name), {}):
                    said[source] = replace(told[stem(name)][source], prices={})


def stem(name):
    """The name without its date and without `-latest`."""
    return re.sub(r"-latest$|(?<=.)@[^/]+$|-20\d{6}$|-20\d\d-\d\d-\d\d$|-20\d{6}-v\d(:0)?$", "", name.lower())


def short(vendor, others, name):
    """The name as the vendor's own clients say it, without the path it stands under or the vendor in front."""
    if vendor in ("fireworks", "google"):
        name = re.sub(r"^accounts/fireworks/(models|routers)/|^models/", "", name)
    first, _, rest = name.partition("/")
    return rest if first in others else name


def known(vendor, name):
    """Whether a name of this vendor is one that a request may carry."""
    if vendor == "amazon-bedrock" and "/" in name:
        return False
    if vendor == "google" and ("claude" in name or "@" in name or "/" in name):
        return False
    if vendor == "openrouter" and name.endswith(":batch"):
        return False
    return re.fullmatch(r"[\w.:@/~+-]+", name, re.ASCII) is not None
