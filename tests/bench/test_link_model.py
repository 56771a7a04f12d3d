"""What the benchmark of links predicts, and how often it measures: formulas and made-up clocks."""

from __future__ import annotations

import random

import pytest

from netopt.bench import link_model
from netopt.bench.link_cases import BANDWIDTH, BIDIRECTIONAL, LATENCY, REPLY, TESTS, case_of
from netopt.bench.link_sampling import GROWTH, LEAST, SAMPLES, WHILE, Forecast, sample, window_of
from netopt.topologies import load


def pair_of(link, links=None, **ports):
    """Return the one edge of two agents with this link."""
    spec = {"id": "path", "size": 2, "link": link, **({"links": links} if links else {}), **ports}
    (pair,) = case_of(load(spec), (), None, None, "none").pairs
    return pair


def test_the_model_is_latency_and_bits_over_rate():
    """A round trip, a window and its reply, and windows both ways, by the formula."""
    draw = random.Random(5)
    for _ in range(50):
        there, back = (
            {
                "rate": 10 ** draw.uniform(4, 10),
                "latency": draw.choice([0.0, 10 ** draw.uniform(-5, -1)]),
                "mtu": draw.choice([None, 576, 1500]),
                "overhead": 40,
                "framing": draw.choice([0, 38]),
            }
            for _ in range(2)
        )
        pair = pair_of(None, {"0->1": there, "1->0": back})
        size, window = draw.randrange(1, 100_000), draw.choice([1, 7, 64])
        one, two = pair.links()[0, 1], pair.links()[1, 0]
        trip = one.latency + two.latency
        found = [link_model.seconds(pair, test, size, window) for test in TESTS]
        assert found == [
            pytest.approx(trip + one.seconds(size) + two.seconds(size)),
            pytest.approx(trip + window * one.seconds(size) + two.seconds(REPLY)),
            pytest.approx(max(e.latency + window * e.seconds(size) for e in (one, two))),
        ]
        turned = [link_model.seconds(pair.turned(), test, size, window) for test in TESTS]
        assert (turned[0], turned[2]) == (pytest.approx(found[0]), pytest.approx(found[2]))


def test_the_model_knows_radio_shared_rates_and_jitter():
    half = pair_of({"rate": 1e6, "latency": 0.01, "duplex": "half"})
    full = pair_of({"rate": 1e6, "latency": 0.01})
    assert link_model.seconds(full, BIDIRECTIONAL, 1000, 10) == pytest.approx(0.08 + 0.01)
    assert link_model.seconds(half, BIDIRECTIONAL, 1000, 10) == pytest.approx(2 * 0.08 + 0.01)
    shared = pair_of({"rate": 1e9}, uplink="1 Mbit/s")
    assert link_model.seconds(shared, BANDWIDTH, 1000, 10) == pytest.approx(0.08, rel=0.01)
    trembling = pair_of({"latency": 0.01, "jitter": 0.002})
    assert link_model.seconds(trembling, LATENCY, 1, 1) == pytest.approx(2 * 0.011)
    assert link_model.seconds(trembling.hurried(), LATENCY, 1, 1) == 0


def test_values_are_those_of_the_definitions():
    """Half a round trip; bits of the messages over the time, twice as many both ways."""
    assert link_model.value(LATENCY, 1000, 1, 0.5) == 0.25
    assert link_model.value(BANDWIDTH, 1000, 64, 0.5) == 8 * 1000 * 64 / 0.5
    assert link_model.value(BIDIRECTIONAL, 1000, 64, 0.5) == 2 * 8 * 1000 * 64 / 0.5


@pytest.mark.parametrize("each", [1e-7, 1e-5, 1e-3, 0.05, 0.4])
def test_a_point_keeps_its_time_limit_and_leaves_out_what_warms_up(each):
    """A timer whose first iteration is ten times slower."""
    clock, calls = 0.0, 0

    def timer(iterations):
        nonlocal clock, calls
        taken = each * (iterations + (9 if calls == 0 else 0))
        clock, calls = clock + taken, calls + 1
        return taken

    limit = 5.0
    found = sample(timer, limit)
    assert found.seconds == pytest.approx([each] * len(found.seconds))
    assert LEAST <= len(found.seconds) <= SAMPLES
    assert clock <= max(limit, (LEAST + 11) * each)
    assert found.iterations * each == pytest.approx(max(WHILE, each), rel=GROWTH)
    assert found.iterations * each >= WHILE
    assert (len(found.seconds) < SAMPLES) == (each == 0.4)


def test_a_machine_that_gets_busy_cannot_make_a_point_endless():
    """Iterations become a thousand times slower after the first samples."""
    spent, calls = 0.0, 0

    def timer(iterations):
        nonlocal spent, calls
        calls += 1
        taken = iterations * (1e-6 if calls < 12 else 1e-3)
        spent += taken
        return taken

    found = sample(timer, 1.0)
    assert len(found.seconds) >= LEAST
    assert spent <= 1.0 + LEAST * found.iterations * 1e-3


def test_a_window_gets_smaller_until_it_fits():
    assert window_of(64, 0.0, 4.0) == 64
    assert window_of(64, 1.0, 4.0) == 64
    assert window_of(64, 2.0, 4.0) == 32
    assert window_of(64, 64.5, 4.0) == 0


def test_the_forecast_is_exact_on_a_link():
    """Latency and a time for each byte."""
    forecast = Forecast()
    assert forecast.seconds(7) == 0
    forecast.see(1, 0.3 + 0.02)
    assert forecast.seconds(2) == pytest.approx(0.32), "of one size nobody can tell the slope"
    for size in (2, 8, 1000):
        forecast.see(size, 0.3 + 0.02 * size)
        assert forecast.seconds(4 * size) == pytest.approx(0.3 + 0.02 * 4 * size)
