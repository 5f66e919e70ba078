"""Facts about one model, as a source tells them: the shape that every reader fills and that becomes a row.

Money is decimal text from end to end: a source's number is read as a Decimal, never as a float, and a rate that is not a whole number of
picodollars a token (the unit the gateway counts in) is rounded up to one and named.
"""

from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal

UNITS = (
    "input", "output", "cache-read", "cache-write", "cache-write-1h", "cache-write-12h", "reasoning",
    "input-audio", "output-audio", "cache-read-audio", "input-image", "output-image", "cache-read-image", "input-video",
)
MODES = ("standard", "batch", "flex", "priority", "fast")
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
LIMITS = ("window", "max-input", "max-output", "min-budget")

# What JSON writers leave of a product of floats: 1.5000000000000002e-07.
SIGNIFICANT = 12


@dataclass
class Facts:
    """What one source, or all of them together, say of a model. What is absent is unknown."""

    kind: str | None = None
    prices: dict = field(default_factory=dict)  # (unit, mode, above) -> Decimal, USD per million tokens
    limits: dict = field(default_factory=dict)  # of LIMITS -> int
    can: set = field(default_factory=set)
    cannot: set = field(default_factory=set)
    efforts: set = field(default_factory=set)
    no_efforts: set = field(default_factory=set)
    quirks: set = field(default_factory=set)
    retires: str | None = None

    def feature(self, name, value):
        """Notes a feature; None says nothing."""
        if value is not None:
            (self.can if value else self.cannot).add(name)

    def effort(self, name, value):
        """Notes a level of reasoning; None says nothing."""
        if value is not None:
            (self.efforts if value else self.no_efforts).add(name)

    def limit(self, name, value):
        """Notes a limit; zero and what is no number say nothing."""
        if isinstance(value, (int, Decimal)) and not isinstance(value, bool) and 0 < value < 2**32:
            self.limits[name] = int(value)

    def price(self, unit, per_million, mode="standard", above=0):
        """Notes a rate in USD per million tokens."""
        if per_million is not None and per_million >= 0:
            self.prices[(unit, mode, above)] = clean(per_million)


def clean(number):
    """Takes the noise of floats out of a number that was written by one."""
    if len(number.as_tuple().digits) > SIGNIFICANT:
        return Decimal(f"{number:.{SIGNIFICANT - 1}e}")
    return number


def is_whole(per_million):
    """Whether the rate is a whole number of picodollars a token."""
    picos = per_million * 1_000_000
    return picos == picos.to_integral_value()


def round_up(per_million):
    """The next whole number of picodollars a token, in USD per million tokens."""
    return (per_million * 1_000_000).to_integral_value(ROUND_CEILING) / 1_000_000


def plain(number):
    """Decimal text without exponent and without zeros at its end."""
    text = format(number.normalize(), "f")
    return "0" if text in ("-0", "0") else text
