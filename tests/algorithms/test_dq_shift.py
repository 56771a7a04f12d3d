"""dq-shift: its one invariant, its ranges, and where it gets to with workers that disagree."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from netopt import config
from netopt.algorithms import _dq, dq_shift
from netopt.errors import ConfigError, RangeError
from netopt.network.lockstep import Lockstep

APART = {
    "id": "least-squares",
    "rows": 160,
    "dimension": 8,
    "kappa": 5,
    "noise": 1.0,
    "split": "by-class",
    "at": "random",
}
"""Sorted by label, so that four workers' own minima lie far apart."""
MIN_MAX = {"id": "min-max", "bits": 2}


def make(codec, workers=4, problem=APART, **options):
    run = {"problem": problem, "topology": {"id": "star", "size": workers + 1}, "seed": 1}
    run["algorithm"] = {"id": "dq-shift", **options}
    return config.make({**run, "codecs": {"up": codec}})


def uniform(bits):
    return {"id": "uniform", "bits": bits}


def ends_at(made, rounds):
    """||x - x*|| / ||x*|| after the rounds."""
    network, best = Lockstep(made), made.problem.minimum()
    network.setup()
    for k in range(rounds):
        network.play(k)
    return np.linalg.norm(network.estimates()[0] - best) / np.linalg.norm(best)


@pytest.mark.parametrize(("codec", "options"), [(uniform(6), {}), (MIN_MAX, {"lr": 0.4})], ids=str)
def test_one_worker_shadows_gradient_descent(watch, codec, options):
    made = make(codec, workers=1, **options)
    problem, scale = made.problem, np.linalg.norm(made.problem.start()) * 4
    network, (_, worker) = watch(made)
    network.setup()
    z = problem.start()
    for k in range(80):
        shadow = worker.x + worker.lr * worker.error
        assert np.linalg.norm(shadow - z) < 4e-15 * scale
        z = z - worker.lr * problem.gradient(z, None)
        network.play(k)


@pytest.mark.parametrize("codec", [uniform(6), MIN_MAX], ids=str)
def test_the_corrected_mean_descends_by_the_workers_gradients(watch, codec):
    """y = x + eta mean e_i moves by -eta mean grad f_i(x + (eta/n) e_i), whatever was lost."""
    made = make(codec, lr=0.2, alpha=0.3)
    network, (_, *workers) = watch(made)
    network.setup()
    scale = np.linalg.norm(made.problem.start()) * 4
    for k in range(60):
        x, e = workers[0].x, np.stack([worker.error for worker in workers])
        gradients = [made.problem.grad(i, x + 0.2 / 4 * e[i], None) for i in range(4)]
        wanted = x + 0.2 * e.mean(0) - 0.2 * np.mean(gradients, 0)
        network.play(k)
        e = np.stack([worker.error for worker in workers])
        assert np.linalg.norm(workers[0].x + 0.2 * e.mean(0) - wanted) < 4e-15 * scale


@pytest.mark.parametrize(
    ("codec", "options", "rounds"),
    [
        (uniform(6), {}, 350),
        (uniform(6), {"hub_works": True}, 350),
        ({"id": "lattice", "bits": 7}, {}, 200),
        ({"id": "min-max", "bits": 4}, {}, 400),
        (MIN_MAX, {"lr": 0.2, "alpha": 0.3}, 900),
        ("raw", {}, 120),
    ],
    ids=str,
)
def test_workers_that_disagree_get_to_the_minimum(codec, options, rounds):
    assert ends_at(make(codec, **options), rounds) < 1e-14


def test_without_shifts_they_stall():
    """The local DQ: each worker's error stays as large as its own gradient at the minimum."""
    for options in ({"lr": 0.2, "alpha": 0.0}, {"lr": 0.05, "alpha": 0.0}):
        assert ends_at(make(MIN_MAX, **options), 900) > 1e-3
    assert ends_at(make(uniform(6), lr=0.2, alpha=0.0), 600) > 1e-4


@pytest.mark.parametrize("bits", [4, 6])
@pytest.mark.parametrize("heterogeneity", [0.1, 3.0])
def test_no_vector_is_longer_than_its_range(monkeypatch, bits, heterogeneity):
    problem = {
        "id": "quadratic", "kappa": 6, "curvature": "shuffled", "heterogeneity": heterogeneity
    }  # fmt: skip
    seen, original = [], _dq.encoded

    def watched(method, me, scaled, scale, r):
        seen.append(scale * np.linalg.norm(scaled) / r)
        return original(method, me, scaled, scale, r)

    monkeypatch.setattr(_dq, "encoded", watched)
    assert ends_at(make(uniform(bits), problem=problem), 500) < 1e-6
    assert max(seen) <= 1
    assert len(seen) == 4 * 500


def test_the_ranges_shrink_by_the_factor_that_the_rates_promise():
    made = make(uniform(5))
    known = made.algorithm.constants(made.problem, made.codecs[0])
    rates = dq_shift.fastest(known, None, None)
    facts = _dq.Facts(known.top, known.mu, 1.0, known.a, 0.0)
    # Without a floor; ROUNDING is what is left at the gradients' own size.
    r = np.array(list(islice(dq_shift.ranges(known, rates, facts, 1.0), 400)))
    assert (r[200] / r[100]) ** (1 / 100) == pytest.approx(rates.factor, rel=1e-3)
    for lr in (rates.lr / 1.5, rates.lr * 1.5):
        assert dq_shift.fastest(known, lr, None).factor > rates.factor


def test_set_up_is_a_float_up_and_one_down_and_only_for_ranges():
    for codec, frames in ((uniform(6), 8), (MIN_MAX, 0)):
        made = make(codec)
        network = Lockstep(made)
        network.setup()
        assert network.totals() == (0, 0, frames * (32 + 4))
        parts = made.topology, made.problem, made.codecs
        assert len(made.algorithm.setup_traffic(*parts)) == frames


def test_too_few_bits_are_warned_of_with_the_threshold():
    assert make(uniform(1)).warnings == (
        "dq-shift diverges: its ranges grow by 1.418 a round; uniform with R = 1 bits a coordinate "
        "and d = 8 has rho 2^-R = 1.414, and R above 1.5 converges with lr and alpha of theory",
    )
    assert make(uniform(3)).warnings == ()


def test_a_codec_without_constants_needs_numbers():
    codec = {"id": "qsgd", "levels": 1}
    with pytest.raises(ConfigError) as caught:
        make(codec)
    assert str(caught.value) == (
        "$.codecs.up: dq-shift knows rates in theory for codecs with a covering or a contraction, "
        "and qsgd with these options has neither; give lr and alpha numbers"
    )
    assert make(codec, lr=0.1, alpha=0.1).warnings == ()


def test_ranges_need_x_to_come_down_as_it_is():
    run = {"problem": APART, "topology": {"id": "star", "size": 5}, "algorithm": "dq-shift"}
    with pytest.raises(ConfigError) as caught:
        config.make({**run, "codecs": {"down": {"id": "raw", "dtype": "float32"}}})
    assert str(caught.value) == (
        "$.codecs.down: dq-shift has ranges only if x comes down as it is, and raw with these "
        "options changes it; use raw with float64"
    )


def test_a_distance_that_is_too_small_is_an_error():
    """The first range is told; the second follows from D."""
    with pytest.raises(RangeError) as caught:
        ends_at(make(uniform(12), lr=1.5, alpha=1.0, distance=1e-6), 3)
    assert "dq-shift: a vector of norm" in str(caught.value)
    assert "D or L is too small" in str(caught.value)
