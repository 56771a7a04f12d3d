"""The benchmark of a round: its rivals compute what netopt computes, its rows say what they are."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest

from netopt.bench import round as bench
from netopt.bench import round_rivals
from netopt.bench.round_cases import CODECS, METHODS, Case, cases, experiment_of
from netopt.bench.round_rivals import BY_HAND, Bare
from netopt.bench.round_share import Stopwatch, alone, own_seconds, watched
from netopt.errors import ConfigError
from netopt.network.lockstep import Lockstep

SMALL = [Case(method, codec, 3, 7, 4, 2) for method in METHODS for codec in METHODS[method]]


class Hall:
    """Neighbourhoods without MPI: what all agents have posted is read by their neighbours."""

    def __init__(self, topology):
        self.places = [Seat(self, topology.predecessors(i)) for i in range(topology.size)]
        self.posted = {}


class Seat:
    """One agent's place in the hall."""

    def __init__(self, hall, sources):
        self.hall, self.sources = hall, sources

    def allgather(self, x, out):
        """Write what the sources have posted before this round."""
        for row, source in zip(out, self.sources, strict=True):
            row[:] = self.hall.posted[source]


@pytest.mark.parametrize("method", METHODS)
def test_the_method_by_hand_is_netopts_to_rounding(method):
    """Both play 30 rounds uncompressed; sums in another order differ by some units of 2^-53."""
    experiment = experiment_of(Case(method, "raw float64", 5, 7, 1, 1))
    network, hall = Lockstep(experiment), Hall(experiment.topology)
    hands = [BY_HAND[method](experiment, i, seat) for i, seat in enumerate(hall.places)]
    for k in range(30):
        network.play(k)
        hall.posted = {i: hand.x.copy() for i, hand in enumerate(hands)}
        for hand in hands:
            hand.play(k)
    x = network.estimates()
    assert np.abs(x).min() > 0
    np.testing.assert_allclose(x, [hand.x[0] for hand in hands], rtol=1e-10, atol=1e-12)


def test_without_disropt_there_is_no_such_rival(monkeypatch):
    monkeypatch.setitem(sys.modules, "disropt", None)
    monkeypatch.setattr(round_rivals, "find_spec", lambda name: object())
    assert round_rivals.disropt(experiment_of(SMALL[0]), 0) is None
    monkeypatch.setattr(round_rivals, "find_spec", lambda name: None)
    assert round_rivals.disropt(experiment_of(SMALL[0]), 0) is None


def test_disropts_agents_get_the_same_weights_step_and_gradients(monkeypatch):
    """A stand-in with disropt's calls writes down what it is given."""
    seen = {}

    def agent(sources, targets, in_weights):
        seen.update(sources=sources, targets=targets, weights=in_weights)
        return SimpleNamespace()

    def tracking(agent, x):
        seen.update(agent=agent, x=x)
        return SimpleNamespace(iterate_run=lambda stepsize: seen.update(step=stepsize))

    modules = {"agents": {"Agent": agent}, "gradient_tracking": {"GradientTracking": tracking}}
    monkeypatch.setattr(round_rivals, "find_spec", lambda name: object())
    monkeypatch.setattr(
        round_rivals,
        "import_module",
        lambda name: SimpleNamespace(**modules[name.rsplit(".", 1)[1]]),
    )
    experiment = experiment_of(SMALL[0])
    round_rivals.disropt(experiment, 1)(0)
    assert (seen["sources"], seen["targets"]) == ([0, 2], [0, 2])
    assert seen["weights"] == experiment.topology.weights[1].tolist()
    assert seen["step"] == experiment.algorithm.lr
    assert seen["x"].shape == (7,)
    gradient = seen["agent"].problem.objective_function.subgradient(seen["x"])
    assert gradient is experiment.problem.grad(1, seen["x"], None)


def test_the_bare_rival_hands_over_arrays_of_the_size_of_a_message():
    seen = []

    class Neighbours:
        sources = (1, 4)

        def allgather(self, x, out):
            seen.append((x.shape, x.dtype, out.shape))

    Bare(Neighbours(), 2, 9).play(0)
    assert seen == [((2, 9), np.float64, (2, 2, 9))]


def test_the_gradient_is_an_array_that_is_drawn_once_for_each_agent():
    experiment = experiment_of(SMALL[0])
    first, again = (experiment.problem.grad(1, np.zeros(7), None) for _ in range(2))
    assert first is again
    assert not np.array_equal(first, experiment.problem.grad(2, np.zeros(7), None))


def test_the_cases_are_those_of_the_table_and_the_quick_ones_leave_the_largest_out():
    whole, quick = cases(quick=False), cases(quick=True)
    assert sorted({case.d for case in whole}) == [100, 10_000, 1_000_000]
    assert sorted({case.d for case in quick}) == [100, 10_000]
    assert {case.algorithm for case in whole} == {"gradient-tracking", "qgd"}
    assert {case.ranks for case in whole} == {8}
    four = [case for case in whole if case.codec != "raw float64"]
    assert len(four) == len(whole) / 2
    for case in four:
        (codec,) = experiment_of(case._replace(d=1000)).codecs
        assert codec.nbits(1000) == 32 + 4 * 1000
    assert {case.codec for case in whole} <= set(CODECS)


def test_stopwatches_see_kernels_and_gradients_and_leave_the_run_as_it_is():
    experiment, watch = experiment_of(SMALL[1]), Stopwatch()
    plain, timed = Lockstep(experiment), Lockstep(watched(experiment, watch))
    assert watch.seconds > 0, "the trackers start at a gradient"
    before = watch.seconds
    for network in (plain, timed):
        network.play(0)
    assert watch.seconds > before
    assert plain.estimates().tobytes() == timed.estimates().tobytes()


def test_what_a_stopwatch_saw_is_no_share_of_netopts():
    watch = Stopwatch()
    sleep = watch.timed(time.sleep)

    def play(k):
        sleep(0.05)

    assert own_seconds(play, watch, 3) < 0.025
    assert 0 < alone(experiment_of(SMALL[0]), 3) < 1


def test_the_rows_of_a_small_run_say_what_was_measured():
    seen = []
    rows = bench.measure(SMALL, lambda done, of: seen.append((done, of)))
    assert seen == [(i, 4) for i in range(1, 5)]
    for row, case in zip(rows, SMALL, strict=True):
        assert [row[name] for name in ("algorithm", "codec", "ranks", "d")] == list(case[:4])
        assert row["ratio"] == row["seconds"] / row["bare_seconds"] > 0
        assert row["handwritten_seconds"] > 0
        assert row["disropt_seconds"] is None or case.algorithm == "gradient-tracking"
        assert row["own_seconds_per_neighbour"] > 0
        assert row["alone_seconds_per_neighbour"] > 0
        assert row["mpi"]
        if case.codec == "raw float64":
            assert row["difference"] < 1e-12, "both loops computed the same"
        else:
            assert row["difference"] is None
    assert bench.table(rows).row_count == 4
    assert f"numpy {np.__version__}" in bench.machine(rows)


def test_a_launcher_that_fails_is_told_in_one_line(monkeypatch, tmp_path):
    broken = tmp_path / "mpirun"
    broken.write_text(
        '#!/bin/sh\ncase "$1" in --version) exit 0;; esac\necho no slots >&2\nexit 7\n'
    )
    broken.chmod(0o755)
    monkeypatch.setenv("NETOPT_MPIRUN", str(broken))
    with pytest.raises(ConfigError) as caught:
        bench.measure(SMALL)
    assert str(caught.value) == "mpirun ended with exit code 7: no slots"
    monkeypatch.setenv("NETOPT_MPIRUN", str(tmp_path / "none"))
    with pytest.raises(ConfigError, match=r"^no MPI launcher \("):
        bench.measure(SMALL)


def test_a_rank_that_fails_is_told_in_its_own_words():
    with pytest.raises(
        ConfigError, match=r"^mpirun ended with exit code \d+: \$.algorithm.id: no algorith"
    ):
        bench.measure([SMALL[0]._replace(algorithm="magic")])


@pytest.mark.parametrize("word", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_the_command_and_its_ranks(word):
    process = subprocess.Popen(
        [sys.executable, "-m", "netopt", "bench", "round"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        start_new_session=True,
    )
    try:
        ranks = wait_for(lambda: children(process.pid))
        process.send_signal(word)
        out, err = process.communicate(timeout=30)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert (process.returncode, out, err.strip()) == (130, "", "")
    wait_for(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in ranks))


def children(pid):
    """Return the process ids of a process's children."""
    told = ["ps", "-o", "pid=", "--ppid", str(pid)]
    return subprocess.run(told, capture_output=True, text=True, check=False).stdout.split()


def wait_for(condition, seconds=30):
    """Poll until a condition holds; return what it gave."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)
    return found
