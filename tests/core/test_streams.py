"""The two random streams of stochastic rounding: their bits, and their statistics.

Every statistic is compared with a bound that a perfect stream exceeds with a stated probability;
seeds are fixed, so a pass stays a pass. A normal statistic is held to 7 standard deviations
(2.6e-12), a chi-square statistic to the bound of Laurent and Massart (*Adaptive estimation of a
quadratic functional by model selection*, 2000, lemma 1) at exp(-22) = 3e-10 for either side. With
fewer than 10 000 and 1000 of them, a false alarm has a probability below 1e-6 altogether.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys

import numpy as np
import pytest
from core import streams_oracle as oracle

from netopt.core import packing, streams
from netopt.keys import Key, Purpose

IMPLEMENTATIONS = {"packing": packing.random16, "numpy": streams.random16}
STREAMS = ["fast", "philox"]
ROWS, WIDTH = 1 << 15, 32
AXES = ["seed", "round", "sender", "receiver", "part", "block"]
"""What one row of numbers and the next may differ in."""
FRACTIONS = {"1/65536": 1, "1/3": 21845, "1/2": 32768, "0.9": 58982}
"""Places on the grid in units of 2**-16: what ``round(65536 * place)`` makes of them."""

ORDINARY = Key(1, Purpose.ROUNDING)
KEYS = {
    "zero": Key(0, Purpose.DATA),
    "ordinary": Key(20260101, Purpose.ROUNDING, round=7, exchange=1, sender=3, part=2),
    "edge": Key(5, Purpose.ROUNDING, round=1, sender=2, receiver=4),
    "largest": Key(2**64 - 1, Purpose.DITHER, 2**32 - 1, 2**16 - 1, 2**32 - 1, 0, 2**16 - 1),
}


# ---- the bits ----

ANSWERS = [  # of the authors' library, Random123
    ((0,) * 2, (0,) * 4, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ((oracle.MASK,) * 2, (oracle.MASK,) * 4, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    (
        (0xA4093822, 0x299F31D0),
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        "d16cfe09 94fdcceb 5001e420 24126ea1",
    ),
]


@pytest.mark.parametrize(("key", "counter", "answer"), ANSWERS)
def test_known_answers_of_philox(key, counter, answer):
    expected = [int(word, 16) for word in answer.split()]
    assert oracle.philox4x32(key, counter) == expected
    assert streams.philox4x32(key, np.array([counter], np.uint32)).tolist() == [expected]


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("key", KEYS)
def test_bits_are_the_definitions(implementation, stream, key):
    expected = oracle.random16(KEYS[key], stream, 8300)
    for n in [*range(131), 4095, 4096, 4097, 8191, 8193, 8300]:
        found = IMPLEMENTATIONS[implementation](KEYS[key], stream, n)
        assert found.dtype == np.uint16
        np.testing.assert_array_equal(found, expected[:n], err_msg=f"n = {n}")


DIGEST = """
import zlib
from netopt.core import packing
from netopt.keys import Key, Purpose
key = Key(9, Purpose.ROUNDING, 8, sender=7)
print([zlib.crc32(packing.random16(key, s, n)) for s in ("fast", "philox") for n in (999, 99999)])
"""


@pytest.mark.parametrize("tier", ["portable", "avx2", "avx512"])
def test_every_tier_has_the_same_bits(tier):
    def printed(**environment):
        command = [sys.executable, "-W", "error", "-c", DIGEST]
        return subprocess.run(
            command, env=os.environ | environment, capture_output=True, text=True, check=False
        )

    found = printed(NETOPT_TIER=tier)
    if "NETOPT_TIER must be" in found.stderr:
        pytest.skip(f"this machine has no tier {tier}")
    assert (found.returncode, found.stdout) == (0, printed(NETOPT_TIER="").stdout), found.stderr


# ---- statistics, in units of the bound ----


def normal_excess(deviations) -> float:
    """Return the largest of some standardised deviations over the bound of 7."""
    return float(np.max(np.abs(deviations)) / 7)


def chi_square_excess(cells, size: int) -> float:
    """Return how far from uniform the cells that were hit are, over the bound at exp(-22)."""
    return counts_excess(np.bincount(np.ravel(cells), minlength=size))


def counts_excess(counts) -> float:
    freedom, mean = counts.size - 1, counts.mean()
    excess = ((counts - mean) ** 2).sum() / mean - freedom
    return float(abs(excess) / (2 * np.sqrt(22 * freedom) + 2 * 22))


def correlation_excess(first, second) -> float:
    """Return the largest correlation of columns, at zero mean of the numbers, over its bound."""
    deviation = (65536**2 - 1) / 12
    product = (first.astype(float) - 32767.5) * (second.astype(float) - 32767.5)
    return normal_excess(product.sum(axis=0) / deviation / np.sqrt(len(product)))


def pairs_excess(first, second) -> float:
    """Return the excess of the joint distribution of the top, and of the lowest, four bits."""
    top = (first >> 12) * 16 + (second >> 12)
    low = (first & 15) * 16 + (second & 15)
    return max(chi_square_excess(top, 256), chi_square_excess(low, 256))


def rounded_up(numbers, place: int):
    """Say where ``(t + r) >> 16`` is one more than ``t >> 16`` for ``place``, t's last 16 bits."""
    return (numbers.astype(np.uint32) + np.uint32(place)) >> np.uint32(16)


@functools.cache
def vector(stream: str):
    """Return one long vector's numbers, shape (1024, 4096): a row is a block."""
    return packing.random16(ORDINARY, stream, 1 << 22).reshape(1024, 4096)


@functools.cache
def rows(stream: str, axis: str):
    """Return the numbers of keys, or blocks, that follow each other in one part, (ROWS, WIDTH)."""
    if axis == "block":
        blocks = packing.random16(ORDINARY, stream, 1 << 25).reshape(-1, 4096)
        return blocks[:, :WIDTH].copy()
    found = np.empty((ROWS, WIDTH), np.uint16)
    for i in range(ROWS):
        found[i] = packing.random16(ORDINARY._replace(**{axis: i}), stream, WIDTH)
    return found


# ---- the streams ----


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("place", FRACTIONS)
def test_rounding_is_unbiased_in_1e7_draws(stream, place):
    """Ten vectors of 2**20 coordinates: all together, and each place of a group of 32."""
    up = np.zeros(WIDTH)
    for seed in range(10):
        numbers = packing.random16(ORDINARY._replace(seed=seed), stream, 1 << 20)
        up += rounded_up(numbers.reshape(-1, WIDTH), FRACTIONS[place]).sum(axis=0)
    draws, p = 10 * (1 << 20), FRACTIONS[place] / 65536
    assert normal_excess((up.sum() - draws * p) / np.sqrt(draws * p * (1 - p))) < 1
    if p > 0.01:  # else a count is too small to be nearly normal
        each = draws / WIDTH
        assert normal_excess((up - each * p) / np.sqrt(each * p * (1 - p))) < 1


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("axis", AXES)
def test_each_coordinate_is_unbiased_over(axis, stream):
    numbers = rows(stream, axis)
    for place in (2048, 21845, 32768):
        up, p = rounded_up(numbers, place).sum(axis=0), place / 65536
        expected = len(numbers) * p
        assert normal_excess((up - expected) / np.sqrt(expected * (1 - p))) < 1
    assert chi_square_excess(numbers, 65536) < 1


@pytest.mark.parametrize("stream", STREAMS)
def test_numbers_are_uniform(stream):
    for half in np.split(vector(stream).reshape(-1, 2, 16), 2, axis=1):  # of words, in `fast`
        assert chi_square_excess(half, 65536) < 1


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("lag", [*range(1, 65), 128, 1024, 2048, 4095, 4096, 4097, 32 * 1597])
def test_coordinates_are_independent(lag, stream):
    """Among others: both halves of one word (16), one place in two blocks (4096)."""
    flat = vector(stream).reshape(-1)
    first, second = flat[:-lag], flat[lag:]
    assert correlation_excess(first, second) < 1
    whole = flat[: len(flat) // (2 * lag) * 2 * lag].reshape(-1, 2, lag)  # each number once
    assert pairs_excess(whole[:, 0], whole[:, 1]) < 1


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("lag", [1, 2, 4, 8, 16, 512, 1024])
def test_differences_are_uniform(lag, stream):
    """First and second differences of numbers at full resolution, within a block."""
    halves = vector(stream).reshape(-1, 2, 16)  # as `fast` has them: lows and highs of words
    words = halves.swapaxes(0, 1).reshape(2, 1024, 2048 // (2 * lag), 2, lag)
    for half in words:
        difference = half[:, :, 1] - half[:, :, 0]
        assert chi_square_excess(difference, 65536) < 1
        assert chi_square_excess(half[:, :, 1] ^ half[:, :, 0], 65536) < 1
        flat = difference.reshape(-1, 2)
        assert chi_square_excess(flat[:, 1] - flat[:, 0], 65536) < 1


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("lag", [1, 2, 3, 8])
def test_streams_are_independent_along(axis, lag, stream):
    assert axis_excess(rows(stream, axis), lag) < 1


def axis_excess(numbers, lag: int) -> float:
    """Return the dependence of rows at a distance, at the same and at neighbouring coordinates."""
    first, second = numbers[:-lag], numbers[lag:]
    found = [correlation_excess(first, np.roll(second, shift, axis=1)) for shift in (-1, 0, 1)]
    whole = numbers[: len(numbers) // (2 * lag) * 2 * lag].reshape(-1, 2, lag, WIDTH)
    return max(*found, pairs_excess(whole[:, 0], whole[:, 1]))


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("place", [2048, 21845, 32768])
def test_sums_of_a_block_vary_as_they_should(place, stream):
    """The count rounded up of 4096: its variance over 8192 blocks adds up all correlations."""
    key, p = ORDINARY._replace(seed=3), place / 65536
    numbers = packing.random16(key, stream, 1 << 25).reshape(8192, 4096)
    up = np.count_nonzero(numbers >= 65536 - place, axis=1)
    ratio = ((up - 4096 * p) ** 2).mean() / (4096 * p * (1 - p))
    assert normal_excess((ratio - 1) / np.sqrt(2 / 8192)) < 1


# ---- the tests' own power ----


def test_raw_keys_are_seen():
    """Consecutive raw keys of the hash share words: sender s + 1 repeats sender s."""
    numbers = oracle.bad_rows(np.arange(ROWS), step=1)
    assert chi_square_excess(numbers[:, 0], 256 * 256) < 1  # nothing shows in one coordinate
    assert axis_excess(numbers, 1) > 10


def test_steps_of_one_are_seen():
    """Good keys, but a counter whose neighbours differ in their lowest bits alone."""
    keys = np.random.default_rng(12).integers(0, 1 << 32, ROWS)
    excess = {}
    for step in (1, 0x9E3779B9):
        high = oracle.bad_rows(keys, step)[:, 16:].reshape(-1, 2)
        excess[step] = chi_square_excess(high[:, 1] - high[:, 0], 65536)
    assert excess[1] > 10
    assert excess[0x9E3779B9] < 1


def test_a_bias_of_one_number_in_a_thousand_is_seen():
    numbers = vector("philox").reshape(-1).copy()
    numbers[::1000] = 0
    assert chi_square_excess(numbers, 65536) > 1


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("stream", STREAMS)
def test_each_coordinate_is_unbiased_in_1e7_keys(stream):
    """Rounds of 1000 senders, the first 32 coordinates, with their pairs."""
    key, up = Key(11, Purpose.ROUNDING), np.zeros(WIDTH)
    pairs = np.empty((10**7, 2), np.uint16)
    for i in range(10**7):
        numbers = packing.random16(key._replace(round=i // 1000, sender=i % 1000), stream, WIDTH)
        up += numbers >= 65536 - 21845
        pairs[i] = numbers[:2]
    p = 21845 / 65536
    assert normal_excess((up - 1e7 * p) / np.sqrt(1e7 * p * (1 - p))) < 1
    first, second = pairs.T
    assert pairs_excess(first, second) < 1
    assert chi_square_excess(first - second, 65536) < 1


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("stream", STREAMS)
def test_1e9_numbers(stream):
    counts, differences = np.zeros((2, 2, 65536))
    for seed in range(240):
        halves = packing.random16(ORDINARY._replace(seed=seed), stream, 1 << 22).reshape(-1, 2, 16)
        for half in (0, 1):
            counts[half] += np.bincount(halves[:, half].ravel(), minlength=65536)
            pairs = halves[:, half].reshape(-1, 8, 2)
            steps = pairs[..., 1] - pairs[..., 0]
            differences[half] += np.bincount(steps.ravel(), minlength=65536)
    assert max(counts_excess(cells) for cells in (*counts, *differences)) < 1
