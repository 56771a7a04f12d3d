"""Units know how a count of bits, bytes or seconds is written for a reader."""

from __future__ import annotations

from decimal import Decimal

PREFIXES = ("", "k", "M", "G", "T", "P")
_TIMES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def bits(count: int, exact: bool = False) -> str:
    """Return a number of bits with its unit.

    ``exact`` keeps every digit, whatever the prefix; otherwise two decimals below 100, else one.

    >>> bits(5_251_200), bits(5_251_200, exact=True), bits(656)
    ('5.25 Mbit', '5.2512 Mbit', '656 bit')
    """
    return _scaled(count, "bit", exact)


def size(count: int, exact: bool = False) -> str:
    """Return a number of bytes with its unit; ``exact`` as in ``bits``.

    >>> size(708_800), size(70_880), size(443)
    ('708.8 kB', '70.88 kB', '443 B')
    """
    return _scaled(count, "B", exact)


def seconds(value: float) -> str:
    """Return a duration to three significant digits, whole seconds from 1000 s on.

    >>> seconds(0.2687), seconds(1.5), seconds(0.0)
    ('269 ms', '1.5 s', '0 s')
    """
    if value >= 1000:
        return f"{value:.0f} s"
    for unit, name in _TIMES:
        # 0.9995 s is 1 s once it is rounded, not 1000 ms.
        if value >= unit * 0.9995:
            return f"{float(f'{value / unit:.3g}'):g} {name}"
    return "0 s"


def scale(largest: float) -> tuple[float, str]:
    """Return the unit, and its name, in which ``largest`` seconds are at least 1, if any is.

    >>> scale(0.2687), scale(1.5), scale(0.0)
    ((0.001, 'ms'), (1.0, 's'), (1.0, 's'))
    """
    return next(((unit, name) for unit, name in _TIMES if largest >= unit), _TIMES[0])


def prefix(largest: float) -> tuple[float, str]:
    """Return the divisor and the SI prefix in which ``largest`` is at least 1, if any is.

    >>> prefix(708_800), prefix(12)
    ((1000.0, 'k'), (1.0, ''))
    """
    power = 0
    while power + 1 < len(PREFIXES) and largest >= 1000.0 ** (power + 1):
        power += 1
    return 1000.0**power, PREFIXES[power]


def _scaled(count: int, unit: str, exact: bool) -> str:
    divisor, name = prefix(count)
    if not name:
        return f"{count} {unit}"
    value = Decimal(count) / int(divisor)
    if exact:
        digits = f"{value.normalize():f}"
    else:
        digits = f"{value:.1f}" if value >= 100 else f"{value:.2f}"
        digits = digits.rstrip("0").rstrip(".")
    return f"{digits} {name}{unit}"
