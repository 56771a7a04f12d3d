"""Quantities against exact fractions; what is written is read again to the last bit."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from netopt import quantities

TIMES = {"ns": -9, "us": -6, "µs": -6, "ms": -3, "s": 0}
PREFIXES = ("", "k", "M", "G", "T")


def numbers(seed, count=2000):
    """Floats over 30 decades, also round ones and those next to them."""
    rng = np.random.default_rng(seed)
    any_ = 10 ** rng.uniform(-12, 18, count)
    round_ = [float(f"{m}e{e}") for m, e in rng.integers((1, -9), (1000, 12), (count, 2))]
    return [
        float(x) for x in (*any_, *round_, *np.nextafter(round_, np.inf), *map(float, range(9)))
    ]


@pytest.mark.parametrize(
    ("write", "read"),
    [
        (quantities.written_rate, quantities.rate),
        (quantities.written_duration, quantities.duration),
    ],
)
def test_what_is_written_is_read_exactly(write, read):
    for number in numbers(1):
        assert read(write(number)) == number, write(number)


def test_a_duration_is_written_in_the_largest_unit_that_fits():
    written = [quantities.written_duration(t) for t in (90.0, 1.0, 0.999, 1e-3, 5e-7, 1e-9, 3e-10)]
    assert written == ["90 s", "1 s", "999 ms", "1 ms", "500 ns", "1 ns", "0.0000000003 s"]


def test_a_rate_is_written_in_the_largest_unit_that_fits():
    written = [quantities.written_rate(r) for r in (0.0, 0.5, 1.0, 999.0, 1e3, 1.544e6, 1e9, 4e12)]
    assert written == [
        "0 bit/s", "0.5 bit/s", "1 bit/s", "999 bit/s", "1 kbit/s", "1.544 Mbit/s", "1 Gbit/s",
        "4000 Gbit/s",
    ]  # fmt: skip


@pytest.mark.parametrize("unit", TIMES)
def test_a_duration_is_the_float_nearest_to_what_was_written(unit):
    for number in numbers(2, 100):
        exact = Fraction(repr(number)) * Fraction(10) ** TIMES[unit]
        for text in (f"{number!r} {unit}", f"  {number!r}{unit} "):
            assert quantities.duration(text) == float(exact)


@pytest.mark.parametrize("power", range(5))
def test_rates_and_bits_have_decimal_prefixes_and_bytes_of_eight_bits(power):
    prefix = PREFIXES[power]
    for number in numbers(3, 100):
        exact = Fraction(repr(number)) * 1000**power
        for unit in (f"{prefix}bit/s", f"{prefix}bps"):
            assert quantities.rate(f"{number!r} {unit}") == float(exact)
        for unit in (f"{prefix}B/s", f"{prefix}Bps"):
            assert quantities.rate(f"{number!r} {unit}") == float(8 * exact)
        assert quantities.bits(f"{number!r} {prefix}bit") == round(float(exact))
        assert quantities.bits(f"{number!r} {prefix}B") == round(float(8 * exact))


def test_minutes_hours_and_numbers_without_a_unit():
    assert quantities.duration("2 min") == 120
    assert quantities.duration("1.5 h") == 5400
    for number in numbers(4, 100):
        assert quantities.duration(number) == quantities.rate(number) == number
        assert quantities.duration(repr(number)) == quantities.rate(repr(number)) == number
    assert quantities.rate(10**6) == 1e6
    assert quantities.bits(12_000) == 12_000


BITS, RATE, TIME = (
    "bits such as '10 Mbit' or '2 kB'",
    "a rate such as '100 Mbit/s' or '250 kbit/s'",
    "a time such as '5 ms' or '1.5 s'",
)
WRONG = [
    *[(quantities.rate, RATE, bad) for bad in ("10 Mbit", "5 ms", "1 Mb/s", "10 mbit/s", "fast")],
    *[(quantities.duration, TIME, bad) for bad in ("5 Mbit/s", "5 m", "1 day", "soon", "5 MS")],
    *[(quantities.bits, BITS, bad) for bad in ("5 ms", "1 Mb", "10 Mbit/s", "some")],
    *[
        (read, expected, bad)
        for read, expected in (
            (quantities.rate, RATE), (quantities.duration, TIME), (quantities.bits, BITS)
        )
        for bad in (
            "", " ", ".", "1.2.3", "--1", "-1", -1, -0.5, "1e", "1e999", float("inf"),
            float("nan"), True, None, [], "1 2", "0x10", "1_000", "１",
        )
    ],
]  # fmt: skip


@pytest.mark.parametrize(("read", "expected", "bad"), WRONG)
def test_what_is_no_quantity_is_refused_with_what_was_expected(read, expected, bad):
    with pytest.raises(ValueError, match="expected") as caught:
        read(bad)
    assert str(caught.value) == f"expected {expected}, got {bad!r}"
