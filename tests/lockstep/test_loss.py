"""Lost frames: reliable links change nothing but time and bytes; who cannot do without, refuses.

All draws are seeded; were they not, all tests of this file together would fail with a probability
below 1e-6.
"""

from __future__ import annotations

import numpy as np
import pytest
from commands import netopt
from homes import home
from scipy.stats import binom, nbinom

from netopt import config, engine
from netopt.algorithms import Algorithm
from netopt.errors import ConfigError
from netopt.registry import discover
from netopt.topologies import load

ALARM = 1e-9
ALGORITHMS = discover(Algorithm)
TIMES = ("seconds", "emulated_seconds", "wire_bytes")
"""Columns that a reliable loss may change."""


def lossy(graph, loss, **link):
    """Return a topology with this loss on every edge."""
    graph = dict(graph) if isinstance(graph, dict) else {"id": graph}
    return {**graph, "link": {"loss": loss, **link}}


def job(algorithm, loss, **link):
    """Return a small run of an algorithm on the first graph that it accepts."""
    return {
        "problem": {"id": "quadratic", "dimension": 12},
        "topology": lossy(home(algorithm), loss, latency="1 ms", **link),
        "algorithm": algorithm,
        "network": {"compute": "fixed"},
        "rounds": 8,
        "record": {"every": 2},
        "seed": 3,
    }


def played(spec):
    return engine.lockstep(config.make(spec), None)


def without_times(rows):
    return [{name: value for name, value in row.items() if name not in TIMES} for row in rows]


SYNCHRONOUS = [name for name, cls in ALGORITHMS.items() if not cls.asynchronous]


@pytest.mark.parametrize("algorithm", SYNCHRONOUS)
def test_a_reliable_loss_changes_no_trajectory(algorithm):
    whole, lost = played(job(algorithm, 0.0)), played(job(algorithm, 0.3))
    assert without_times(whole.rows) == without_times(lost.rows)
    assert whole.x.tobytes() == lost.x.tobytes()
    resent = lost.sent.total().resent_bytes
    assert whole.sent.total().resent_bytes == 0 < resent
    assert lost.rows[-1]["wire_bytes"] == whole.rows[-1]["wire_bytes"] + resent
    assert lost.sent.total()._replace(resent_bytes=0) == whole.sent.total()
    assert lost.rows[-1]["emulated_seconds"] >= whole.rows[-1]["emulated_seconds"] + 0.2
    assert lost.rows[0]["emulated_seconds"] == 0, "set-up is not exposed to chance"


@pytest.mark.parametrize("loss", [0.02, 0.1, 0.5])
def test_as_many_frames_are_resent_as_chance_wants(play, loss):
    """Lost transmissions before F arrivals are negative binomial."""
    outcome = play(topology=lossy("ring-5", loss), rounds=300)
    total = outcome.sent.total()
    size = (total.payload_bytes + total.header_bytes) // total.frames
    assert total.resent_bytes % size == 0
    tail = (total.frames, 1 - loss)
    assert nbinom.ppf(ALARM, *tail) <= total.resent_bytes // size <= nbinom.isf(ALARM, *tail)
    assert total.lost_frames == 0


@pytest.mark.parametrize("loss", [0.02, 0.1, 0.5])
def test_as_many_frames_are_dropped_as_chance_wants(play, loss):
    total = play(topology=lossy("ring-5", loss, on_loss="drop"), rounds=300).sent.total()
    tail = (total.frames, loss)
    assert binom.ppf(ALARM, *tail) <= total.lost_frames <= binom.isf(ALARM, *tail)
    assert total.resent_bytes == 0


def test_an_edge_of_its_own_loses_its_own_frames(play):
    graph = {"id": "ring", "size": 5, "links": {"1->2": {"loss": 0.5, "on_loss": "drop"}}}
    sent = play(topology=graph, rounds=60).sent
    lost = {edge: row[5] for edge, row in zip(sent.edges, sent.counts, strict=True) if row[5]}
    assert lost.keys() == {(1, 2)}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("loss", [0.1, 0.9])
def test_every_method_lives_with_dropped_frames_or_refuses_to_begin(algorithm, loss):
    spec = job(algorithm, loss, on_loss="drop")
    if ALGORITHMS[algorithm].tolerates_loss:
        outcome = played(spec)
        assert np.isfinite(outcome.x).all()
        assert outcome.sent.total().lost_frames > 0
        return
    edge = "{} -> {}".format(*next(iter(load(spec["topology"]).links)))
    with pytest.raises(ConfigError) as caught:
        config.make(spec)
    assert str(caught.value) == (
        f"$.topology: edge {edge} drops frames, and {algorithm} cannot do without one: what a "
        "frame tells builds on all before it; use on_loss: reliable, or an algorithm such as "
        "consensus or dgd"
    )


@pytest.mark.parametrize("algorithm", [n for n, cls in ALGORITHMS.items() if cls.tolerates_loss])
def test_dropped_frames_make_another_run_that_repeats(algorithm):
    spec = job(algorithm, 0.3, on_loss="drop")
    assert played(spec).rows[1:] != played(job(algorithm, 0)).rows[1:]
    first, again = (played(spec) for _ in range(2))
    assert first.x.tobytes() == again.x.tobytes()


def test_the_refusal_ends_with_exit_code_2_and_leaves_nothing(tmp_path):
    changes = ["algorithm=choco-gossip", "topology.link.loss=0.1", "topology.link.on_loss=drop"]
    options = [word for change in changes for word in ("--set", change)]
    # Without the C extension there is a warning as well, and it belongs to another test.
    done = netopt("run", "consensus", "--out", tmp_path / "run", *options, NETOPT_WARNED="1")
    assert done.code == 2, done.err
    assert done.err.count("\n") == 1
    assert "drops frames, and choco-gossip cannot do without one" in done.err
    assert not (tmp_path / "run").exists()
