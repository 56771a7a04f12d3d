"""A straggler does not hold up asynchronous DIANA: emulated seconds to an equal loss."""

from __future__ import annotations

import pytest

from netopt import config, engine

SLOWDOWN = 10
GAP = 1e-3
"""F(x) - F(x*) that both have to reach."""


def seconds(algorithm, slowdown, best, every):
    """Return the emulated seconds until the loss is within GAP of the ``best``."""
    raw = {
        "seed": 1,
        "rounds": 100_000,
        "problem": {"id": "logistic", "data": "breast-cancer", "l2": 1e-2},
        "topology": {"id": "star", "size": 6, "link": {"rate": "10 Mbit/s", "latency": "1 ms"}},
        "algorithm": algorithm,
        "network": {"compute": {"id": "fixed", "seconds": "2 ms", "slowdown": {5: slowdown}}},
        "stop": {"loss": best + GAP, "emulated_seconds": "200 s"},
        "record": {"every": every},
    }
    outcome = engine.lockstep(config.make(raw), None)
    assert outcome.summary["stopped_by"] == "loss"
    return outcome.rows[-1]["emulated_seconds"]


@pytest.fixture(scope="module")
def best():
    """Return the least loss, from long gradient descent."""
    raw = {
        "rounds": 4000,
        "problem": {"id": "logistic", "data": "breast-cancer", "l2": 1e-2},
        "topology": {"id": "star", "size": 6},
        "algorithm": {"id": "nag"},
        "record": {"every": 4000},
    }
    return engine.lockstep(config.make(raw), None).rows[-1]["loss"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_with_a_straggler_it_is_several_times_faster_than_waiting(best):
    """Each with its own step size of theory, and both with the same, which is n steps a sweep."""
    gain = {}
    for lr in ("theory", 0.05):
        for slowdown in (1, SLOWDOWN):
            waiting, pacing = (
                seconds({"id": name, "lr": lr}, slowdown, best, every)
                for name, every in (("diana", 5), ("async-diana", 25))
            )
            gain[lr, slowdown] = waiting / pacing
            print(f"gamma {lr}, {slowdown} x: {waiting:.3f} s waiting, {pacing:.3f} s pacing")
    assert gain["theory", 1] == pytest.approx(1, rel=0.2), "n steps of gamma over n"
    assert gain["theory", SLOWDOWN] > 3
    assert all(gain[lr, SLOWDOWN] > 3 * gain[lr, 1] for lr in ("theory", 0.05))
