"""Human units, and that the exact ones lose no digit."""

from __future__ import annotations

import doctest
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netopt.report import units

FACTORS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15}


def test_examples():
    assert doctest.testmod(units).failed == 0


@given(st.integers(0, 10**18))
def test_exact_units_give_the_number_back(count):
    digits, letter = re.fullmatch(
        r"([0-9.]+) ([kMGTP]?)bit", units.bits(count, exact=True)
    ).groups()
    whole, _, part = digits.partition(".")
    exponent = len(str(FACTORS[letter])) - 1
    assert int(whole + part.ljust(exponent, "0")) == count


@given(st.integers(0, 10**17))
def test_short_units_are_within_half_a_percent(count):
    digits, letter = re.fullmatch(r"([0-9.]+) ([kMGTP]?)B", units.size(count)).groups()
    assert abs(float(digits) * FACTORS[letter] - count) <= 0.005 * count


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 s"),
        (3.2e-9, "3.2 ns"),
        (4.5e-5, "45 µs"),
        (0.26867, "269 ms"),
        (0.99951, "1 s"),
        (59.96, "60 s"),
        (1234.5, "1234 s"),
    ],
)
def test_seconds(value, text):
    assert units.seconds(value) == text
