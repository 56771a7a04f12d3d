"""Keys: each names a stream of its own, and the stream is Philox as its authors define it."""

from __future__ import annotations

import numpy as np
import pytest

from netopt.keys import BROADCAST, Key, Purpose

KEY = Key(7, Purpose.ROUNDING, 3, 1, 4, 2, 5)
LAST = Key(2**63 - 1, Purpose.GRAPH, 2**32 - 1)
MASK = 2**64 - 1


def philox_4x64_10(counter, key):
    """Salmon et al., SC 2011: ten rounds of two multiplications, the key bumped after each."""
    c, k = list(counter), list(key)
    for _ in range(10):
        a, b = c[0] * 0xD2E7470EE14C6C93, c[2] * 0xCA5A826395121157
        c = [(b >> 64) ^ c[1] ^ k[0], b & MASK, (a >> 64) ^ c[3] ^ k[1], a & MASK]
        k = [(k[0] + 0x9E3779B97F4A7C15) & MASK, (k[1] + 0xBB67AE8584CAA73B) & MASK]
    return c


def words_by_hand(key, count):
    """32-bit words, low half first; the counter's low words count blocks of four from 1."""
    place = (key.round << 32) | (key.part << 16) | key.exchange
    ends = (key.sender << 32) | key.receiver
    found = []
    for block in range(1, count // 8 + 2):
        for number in philox_4x64_10([block, 0, place, ends], [key.seed, int(key.purpose)]):
            found += [number & 0xFFFFFFFF, number >> 32]
    return found[:count]


@pytest.mark.parametrize("count", [0, 1, 2, 7, 8, 9, 100])
@pytest.mark.parametrize(
    "key", [KEY, Key(0, Purpose.DATA), Key(2**63 - 1, Purpose.GRAPH, 2**32 - 1)]
)
def test_words_are_those_of_philox(key, count):
    words = key.words(count)
    assert words.dtype == np.uint32
    assert words.tolist() == words_by_hand(key, count)


@pytest.mark.parametrize("field", Key._fields)
def test_every_field_names_another_stream(field):
    other = Purpose.DITHER if field == "purpose" else getattr(KEY, field) + 1
    assert not set(KEY.words(64).tolist()) & set(KEY._replace(**{field: other}).words(64).tolist())


def test_a_stream_starts_afresh_each_time():
    assert KEY.words(50).tolist() == KEY.words(50).tolist() == KEY.words(60)[:50].tolist()
    first, second = KEY.generator().standard_normal(9), KEY.generator().standard_normal(9)
    assert first.tobytes() == second.tobytes()


def test_by_default_a_stream_is_for_all_receivers():
    assert Key(1, Purpose.NOISE).receiver == BROADCAST == 2**32 - 1
