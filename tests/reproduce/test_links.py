"""Times over links: the closed form against the clock, and crossings against their equations."""

from __future__ import annotations

import math

import numpy as np
import pytest

from netopt import config, engine
from netopt.reproduce import _curves, _study
from netopt.reproduce._cases import Case, Request
from netopt.reproduce._curves import Results
from netopt.reproduce.links import _judged, _lines, _methods, _times
from netopt.reproduce.links._crossings import emulated_to, passes
from netopt.reproduce.links._lines import ALIKE, FAST, ONE, Shape, Time, pays_below, seen_below
from netopt.topologies import load

HALF_HUB = Shape("a hub that is slow down", 0.25, True)
"""More goes down than up: the last worker, not the first one, sets the pace."""


def over(shape, rate, latency, n, seconds, algorithm="gd", codec=None):
    """The case of a quadratic over lines, of fixed compute."""
    run = {
        "seed": 1,
        "rounds": 12,
        "problem": {"id": "quadratic", "dimension": 9},
        "topology": _lines.topology(shape, rate, latency, n),
        "algorithm": algorithm,
        "codecs": {"up": codec or _methods.FLOATS, "down": _methods.FLOATS},
        "network": {"clock": "virtual", "compute": {"id": "fixed", "seconds": seconds}},
        "record": {"every": 1},
    }
    return Case("GD", run)


@pytest.fixture
def play(tmp_path):
    """Return a function that plays a case in this process and reads it."""

    def playing(case):
        engine.lockstep(config.make(case.run), tmp_path / "run")
        return _curves.read(case, tmp_path / "run", 2)

    return playing


@pytest.mark.parametrize("shape", [ALIKE, FAST, ONE, HALF_HUB], ids=lambda shape: shape.name)
@pytest.mark.parametrize("seed", range(4))
def test_the_closed_form_is_the_time_of_every_round_but_the_first(shape, seed, play):
    """With one interface the first round is shorter or longer: all workers start at once."""
    draw = np.random.default_rng(seed)
    n, rate = int(draw.integers(2, 6)), float(10 ** draw.uniform(3, 8))
    latency, seconds = draw.uniform(0, 0.02, 2).tolist()
    run = play(over(shape, rate, latency, n, seconds))
    sent = _lines.sent(run)
    assert (sent.up, sent.down) == (8 * (36 + 32), 8 * (36 + 32))
    time = _lines.round_time(shape, n, latency, _lines.thinks(run), sent)
    rounds = np.diff(run.table["emulated_seconds"])
    np.testing.assert_allclose(rounds[1:], time.at(rate), rtol=1e-9)
    if not shape.shared:
        assert rounds[0] == pytest.approx(time.at(rate), rel=1e-12)


def test_the_star_has_the_lines_that_are_asked_for():
    star = load(_lines.topology(ONE, 1e6, 2e-3, 3), "$.topology")
    assert {star.link(i, 0).rate for i in (1, 2, 3)} == {1e6}
    assert {star.link(0, i).rate for i in (1, 2, 3)} == {1e7}
    assert {star.link(i, j).latency for i, j in star.links} == {2e-3}
    assert (star.uplinks, star.downlinks) == ({0: 1e7}, {0: 1e6})


def test_a_set_up_takes_what_its_bytes_take(play):
    """Three workers tell d rows of d float32 and their steps, and the hub tells alpha."""
    case = over(FAST, 1e5, 1e-3, 3, 0.0, "diana-plus", {"id": "varying-steps"})
    run = play(case)
    sent = _lines.sent(run)
    d, header = 9, 8 * 32
    assert sent.setup_up >= 32 * (d * d + d) + header
    assert sent.setup_down == 32 + header
    time = _lines.setup_time(FAST, 3, 1e-3, sent)
    assert time == Time(2e-3, sent.setup_up + sent.setup_down / 10)
    assert _lines.setup_time(ONE, 3, 1e-3, sent).bits == 3 * time.bits
    assert _lines.setup_time(FAST, 3, 1e-3, sent._replace(setup_up=0.0)) == Time(0, 0)


def test_a_method_is_sooner_below_the_rate_and_later_above_it():
    draw = np.random.default_rng(5)
    inside = 0
    for fixed, more, bits, fewer in draw.uniform(-1, 1, (200, 4)):
        base, other = Time(2 + fixed, 2 + bits), Time(2 + fixed + more, 2 + bits - fewer)
        rate = pays_below(base, other)
        if math.isinf(rate):
            assert other.at(1e-6) < base.at(1e-6)
            assert other.at(1e6) <= base.at(1e6)
        elif rate == 0:
            assert other.at(1e-9) >= base.at(1e-9)
        else:
            inside += 1
            assert other.at(0.99 * rate) < base.at(0.99 * rate)
            assert other.at(1.01 * rate) > base.at(1.01 * rate)
    assert inside > 20


def test_a_sweep_finds_the_rate_of_the_closed_form_however_few_its_rates():
    draw = np.random.default_rng(6)
    for _ in range(50):
        base = Time(1.0, float(draw.uniform(2e4, 1e6)))
        other = Time(float(draw.uniform(1.5, 3)), base.bits * float(draw.uniform(0.1, 0.9)))
        rates = [1.0, *np.sort(10 ** draw.uniform(2, 6, 2)).tolist(), 1e9]
        seen = seen_below(rates, [base.at(r) for r in rates], [other.at(r) for r in rates])
        assert seen == pytest.approx(pays_below(base, other), rel=1e-9)


def test_a_sweep_without_a_crossing_says_on_which_side_it_is():
    assert seen_below([1.0, 2.0], [1.0, 1.0], [2.0, 2.0]) == 0
    assert seen_below([1.0, 2.0], [2.0, 2.0], [1.0, 1.0]) == math.inf
    assert seen_below([1.0, 2.0], [math.inf, math.inf], [math.inf, math.inf]) == 0


@pytest.mark.parametrize("late", [0.5, 1.0, 3.0])
def test_a_late_and_steep_curve_passes_where_both_have_the_same_error(late):
    """exp(-t) and exp(-2 (t - late)) meet at t = 2 late, also between rows."""
    t = np.linspace(0, 10, 38)
    base = (t, np.exp(-t))
    assert passes(base, (t + late, np.exp(-2 * t))) == pytest.approx(2 * late, rel=1e-9)
    assert passes((t + late, np.exp(-2 * t)), base) is None
    assert passes(base, (t, np.exp(-2 * t))) == 0
    assert passes(base, (t + 9, np.exp(-2 * t)), floor=1e-6) is None


def test_time_to_an_error_is_that_of_the_first_row(play):
    run = play(over(ALIKE, 1e5, 1e-3, 2, 1e-3))
    target = float(run.error[3])
    assert emulated_to(run, target) == run.table["emulated_seconds"][3]
    assert emulated_to(run, 0.0) == math.inf


def test_operations_are_those_of_products_with_the_matrices():
    rows, n, d = 100, 5, 30
    bare, plus = (m.operations(rows, n, d) for m in (_methods.GD, _methods.PLUS))
    assert plus - bare == 2 * d * d + 2 * d * n * d
    assert bare == 4 * rows * d + 2 * n * d


def test_rates_are_told_with_units():
    found = _times.BreakEven(2.5e5, 0.0, 1e4, 1e9)
    assert _judged.predicted(found) == "below 250 kbit/s"
    assert _judged.words(found, 0.0) == "nowhere above 10 kbit/s"
    assert _judged.words(found, math.inf) == "up to 1 Gbit/s at least"
    assert _judged.predicted(found._replace(predicted=0.0)) == "at no rate"
    assert not _judged.agrees(found)
    assert _judged.agrees(found._replace(seen=2.52e5))
    assert not _judged.agrees(found._replace(seen=2.6e5))


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """Return the results of some of the quick study, cut after 120 rounds."""
    folder = tmp_path_factory.mktemp("links")
    study = _study.find("links/time-to-accuracy")
    runs = []
    for case in study.cases(Request(None, True)):
        wanted = case.group in (_times.swept(FAST), _times.group(_lines.SWEPT, FAST))
        if wanted and case.series in (_methods.GD.series, _methods.PLUS.series):
            case = case._replace(run={**case.run, "rounds": 120})
            engine.lockstep(config.make(case.run), folder / case.name)
            runs.append(_curves.read(case, folder / case.name, study.power, study.measure))
    return Results(Request(None, True), runs)


def test_the_study_predicts_the_break_even_rate_of_its_sweep(played):
    target = _times.common_target(played, FAST)
    assert target == 1e-1
    claim = _judged.even(played, _methods.PLUS, FAST, target, setup=False)
    assert claim.held
    assert str(claim.expected).startswith("below ")
    found = _times.break_even(played, _methods.PLUS, FAST, target, setup=False)
    assert found.lowest < found.predicted < found.highest


def test_frames_of_varying_length_are_within_a_hundredth_of_the_clock(played):
    assert _times.spread(played, _methods.GD.series) == 1
    assert 1 < _times.spread(played, _methods.PLUS.series) < 1.3
    runs = played.runs(_methods.PLUS.series, _lines.SWEPT.rate, _times.swept(FAST))
    time = _times.cost(played, runs[0], FAST, _lines.SWEPT.latency).round
    seconds = runs[0].table["emulated_seconds"][-1]
    assert seconds == pytest.approx(120 * time.at(_lines.SWEPT.rate), rel=0.01)
