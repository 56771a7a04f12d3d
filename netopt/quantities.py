"""Quantities: bits, rates and durations as people write them, with units.

Each raises ValueError with a message that says what was expected and got.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

Units = Mapping[str, int | str]
Written = float | int | str
"""A number in the base unit, or text such as ``10 Mbit/s``."""

_PREFIXES = ("", "k", "M", "G", "T")
_BITS: Units = {
    f"{prefix}{unit}": size * 1000**i
    for unit, size in (("bit", 1), ("B", 8))
    for i, prefix in enumerate(_PREFIXES)
}
_RATES: Units = {
    written: factor
    for unit, factor in _BITS.items()
    for written in (f"{unit}/s", f"{unit.replace('bit', 'b')}ps")  # Mbit/s is also Mbps
}
_SHORT = {"ns": "1e-9", "us": "1e-6", "µs": "1e-6", "ms": "1e-3"}
_TIMES: Units = {**_SHORT, "s": 1, "min": 60, "h": 3600}
_SHAPE = re.compile(r"\s*([0-9.]+(?:[eE][+-]?[0-9]+)?)\s*([A-Za-zµ/]*)\s*")


def bits(value: Written) -> int:
    """Return the bits in ``12000`` or in text with a unit, such as ``10 Mbit`` or ``2 kB``."""
    return round(_number(value, _BITS, "bit", "bits such as '10 Mbit' or '2 kB'"))


def rate(value: Written) -> float:
    """Return bit/s of a number, or of text with a unit, such as ``100 Mbit/s`` or ``1 MB/s``."""
    return _number(value, _RATES, "bit/s", "a rate such as '100 Mbit/s' or '250 kbit/s'")


def duration(value: Written) -> float:
    """Return seconds of a number, or of text with a unit, such as ``5 ms`` or ``200 us``."""
    return _number(value, _TIMES, "s", "a time such as '5 ms' or '1.5 s'")


def written_rate(value: float) -> str:
    """Return a rate in bit/s as text that ``rate`` reads exactly.

    >>> written_rate(1e8), written_rate(0.3)
    ('100 Mbit/s', '0.3 bit/s')
    """
    return _written(value, _RATES, ("Gbit/s", "Mbit/s", "kbit/s", "bit/s"))


def written_duration(value: float) -> str:
    """Return seconds as text that ``duration`` reads exactly.

    >>> written_duration(0.005), written_duration(90.0), written_duration(0.0)
    ('5 ms', '90 s', '0 s')
    """
    return _written(value, _TIMES, ("s", "ms", "us", "ns"))


def _number(value: Written, units: Units, base: str, expected: str) -> float:
    match = _SHAPE.fullmatch(str(value))
    factor = units.get(match[2] or base) if match else None
    try:  # in decimals: 100 us is the number nearest to 0.0001
        found = float(Decimal(match[1]) * Decimal(factor)) if match and factor else math.inf
    except (InvalidOperation, OverflowError):  # digits and dots in a wrong order, or too many
        found = math.inf
    if not math.isfinite(found):
        raise ValueError(f"expected {expected}, got {value!r}")
    return found


def _written(value: float, units: Units, names: tuple[str, ...]) -> str:
    """Return ``value`` exactly, in the largest unit in which it is at least 1."""
    number = Decimal(repr(value))
    for name in names:
        if number >= Decimal(units[name]):
            return f"{(number / Decimal(units[name])).normalize():f} {name}"
    base = next(name for name in names if units[name] == 1)
    return f"{number.normalize():f} {base}"
