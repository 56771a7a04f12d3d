"""Where the lines of a codec and of plain numbers cross: both sides of it, and its borders."""

from __future__ import annotations

import random

import pytest

from netopt.bench.break_even import holds
from netopt.bench.break_even_model import Parts, Verdict, compared, spread, verdict

RATES = [10.0**k for k in range(13)]


def test_a_codec_pays_exactly_on_the_side_that_the_verdict_says():
    """The two times are equal at the crossing; without one, one is less at every rate."""
    draw, seen = random.Random(3), set()
    for _ in range(500):
        codec, plain = (
            Parts(*(10 ** draw.uniform(-6, 0) for _ in range(2)), 10 ** draw.uniform(2, 9))
            for _ in range(2)
        )
        pays, rate = compared(codec, plain)
        seen.add(pays)
        if rate is None:
            quicker = {codec.seconds(r) < plain.seconds(r) for r in RATES}
            assert quicker == {pays == "always"}
            continue
        assert rate > 0
        assert codec.seconds(rate) == pytest.approx(plain.seconds(rate), rel=1e-9)
        below, above = (codec.seconds(r) < plain.seconds(r) for r in (rate / 1.01, rate * 1.01))
        assert (below, above) == ((True, False) if pays == "below" else (False, True))
    assert seen == {"below", "above", "always", "never"}


@pytest.mark.parametrize(
    ("saved", "slower", "wanted"),
    [
        (1e6, 0.5, Verdict("below", 2e6)),
        (1e6, 0.0, Verdict("always")),
        (1e6, -1.0, Verdict("always")),
        (0.0, 0.0, Verdict("never")),
        (0.0, 1.0, Verdict("never")),
        (0.0, -1.0, Verdict("always")),
        (-1e6, 0.0, Verdict("never")),
        (-1e6, 1.0, Verdict("never")),
        (-1e6, -0.5, Verdict("above", 2e6)),
    ],
)
def test_the_borders_of_the_verdict(saved, slower, wanted):
    assert verdict(saved, slower) == wanted


def test_the_quartiles_are_those_of_what_turns_differ():
    """Put around the difference of the medians, so that it is always among them."""
    codec, plain = Parts(0.2, 0.3, 1e6), Parts(0.1, 0.1, 3e6)
    quick, slow = spread(codec, plain, [0.1, 0.2, 0.3, 0.4, 0.5])
    assert [v.pays for v in (quick, slow)] == ["below"] * 2
    assert [v.rate for v in (quick, slow)] == pytest.approx([2e6 / 0.2, 2e6 / 0.4])
    assert spread(codec, plain, [-0.1, -0.1, 0.3, 0.4, 0.5])[0] == Verdict("always")
    once = [v.rate for v in spread(codec, plain, [0.7])]
    assert once == pytest.approx([compared(codec, plain).rate] * 2)


@pytest.mark.parametrize(
    ("ratio", "predicted", "held"),
    [
        (0.5, 0.3, True),
        (1.5, 0.3, False),
        (9.0, 2.0, True),
        (0.9, 2.0, False),
        (1.1, 1.0, True),
        (1.5, 1.0, False),
        (0.7, 1.0, False),
    ],
)
def test_a_check_can_fail_on_either_side_and_at_the_crossing(ratio, predicted, held):
    assert holds(ratio, predicted) is held
