"""What '+' methods tell before the first round, and what all of the smoothness methods refuse."""

from __future__ import annotations

import re

import numpy as np
import pytest
from algorithms.smoothness import LOGISTIC, METHODS, PLUS, N, make, plus, refusal
from threadpoolctl import threadpool_info, threadpool_limits

from netopt.agent import Agent
from netopt.errors import ConfigError
from netopt.frame import HEADER_BYTES
from netopt.network.lockstep import Lockstep
from netopt.problems.quadratic import Quadratic

# ---- set-up ----

UPS = [({"id": "varying-steps"}, 25), ("blocks", 4), ("rand-tau", 25)]
UPS += [({"id": "varying-steps", "steps": "uniform"}, 0), ("dithering", 0), ("natural", 0)]


@plus
@pytest.mark.parametrize(("up", "numbers"), UPS, ids=str)
@pytest.mark.parametrize("working", [False, True])
def test_setup_takes_32_bits_a_number(name, up, numbers, working):
    """32 d^2 bits of L_i^(1/2), the parameters up, and for DIANA+ alpha down."""
    d, down = 25, int(name == "diana-plus")
    experiment = make({"id": name, "hub_works": working}, up=up, size=N + (not working))
    network = Lockstep(experiment)
    network.setup()
    network.play(0)
    sent = network.books()[0]
    for (_, target), counts in zip(sent.edges, sent.counts.tolist(), strict=True):
        frames = d + (numbers > 0) if target == 0 else down
        count = d * d + numbers if target == 0 else down
        assert counts[6:] == [32 * count, 4 * count + HEADER_BYTES * frames]


@plus
def test_setup_is_told_exactly(name):
    experiment = make(name)
    parts = (experiment.topology, experiment.problem, experiment.codecs)
    up = [(i, 0, 25) for i in range(1, 5) for _ in range(26)]
    down = [(0, i, 1) for i in range(1, 5)] if name == "diana-plus" else []
    assert experiment.algorithm.setup_traffic(*parts) == up + down
    fixed = make({"id": name, "alpha": 0.1} if down else name)
    assert fixed.algorithm.setup_traffic(*parts) == up


@plus
def test_both_ends_have_the_same_matrix_and_its_inverse(watch, name):
    network, states = watch(make(name, LOGISTIC))
    network.setup()
    d = len(states[0].x)
    for i, s in enumerate(states[1:]):
        at_hub = states[0].stack[:, i * d : (i + 1) * d] * N
        assert at_hub.tobytes() == s.root.tobytes()  # n = 4: dividing by it is exact
        assert s.root.tobytes() == s.root.T.copy().tobytes()
        np.testing.assert_allclose(s.root @ s.inverse, np.eye(d), atol=1e-12)


@plus
def test_matrices_are_decomposed_by_one_thread_on_every_driver(monkeypatch, name):
    """The last bits of a decomposition depend on the number of threads, and ranks have one."""
    seen, original = [], Quadratic.curvature_of

    def spy(self, rank):
        seen.extend(p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas")
        return original(self, rank)

    monkeypatch.setattr(Quadratic, "curvature_of", spy)
    with threadpool_limits(limits=2):
        Lockstep(make(name)).setup()
    assert set(seen) == {1}


# ---- refusals ----


def test_a_codec_without_omega_is_refused():
    for name in ("dcgd", "dcgd-plus", "diana", "diana-plus"):
        assert refusal(name, up="sign") == (
            "$.codecs.up: codec sign has no variance bound omega with these options, so there is "
            "no step size in theory; choose an unbiased codec such as dithering, or give lr a "
            "number"
        )


def test_shifts_need_an_omega_too_or_an_alpha():
    said = (
        "$.codecs.up: codec sign has no variance bound omega with these options, so theory does "
        "not say how fast shifts may learn; choose an unbiased codec such as dithering"
    )
    for name in ("diana", "diana-plus"):
        assert refusal({"id": name, "lr": 0.1}, up="sign") == f"{said}, or give alpha a number"
    assert refusal("adiana", up="sign") == said


def test_a_codec_that_is_no_contraction_is_refused():
    assert refusal("ef21", up="dithering") == (
        "$.codecs.up: codec dithering is not known to be a contraction with these options, so "
        "there is no step size in theory; choose one such as topk, or give lr a number"
    )


def test_more_workers_than_the_root_of_d_are_refused():
    small = {"id": "quadratic", "dimension": 15}
    for name in METHODS[:-1]:
        codec = "varying-steps" if name in PLUS else "dithering"
        assert refusal(name, small) == (
            f"$.codecs.up: {codec}: n = 4 workers are more than sqrt(d) = 3.87 of d = 15 "
            "coordinates, which leaves no level to send; use at most 3 workers, or the codec "
            "dithering with its option levels"
        )


@plus
def test_a_singular_smoothness_matrix_is_refused(name):
    flat = {"id": "least-squares", "rows": 60, "dimension": 25}
    wanted = (
        r"\$\.problem\.l2: agent 0: the smoothness matrix L_i is singular \(its smallest "
        r"eigenvalue is -?\d\.\de[+-]\d\d, its largest \d\.\de[+-]\d\d\); "
        r"a larger l2 makes it regular"
    )
    assert re.fullmatch(wanted, refusal(name, flat))


@plus
def test_a_problem_without_smoothness_matrices_is_refused(name):
    big = {"id": "quadratic", "dimension": 5000}
    experiment = make({"id": name, "lr": 0.1}, big)  # every rank would look at 4 large matrices
    with pytest.raises(ConfigError) as caught:
        Lockstep(experiment).setup()
    assert str(caught.value) == (
        "agent 1, round 0, exchange 0: $.problem: problem quadratic gives no smoothness matrices "
        "L_i for its d = 5000 coordinates; use a method without them, such as diana"
    )


def test_smooth_steps_need_strong_convexity_for_diana_plus_alone(monkeypatch):
    monkeypatch.setattr(Quadratic, "strong_convexity", lambda self: None)
    assert refusal("diana-plus") == (
        "$.codecs.up: varying-steps: steps: smooth for DIANA+ needs a strongly convex problem, got "
        "mu = None; add a regulariser, or use steps: uniform"
    )
    assert make("dcgd-plus").algorithm.id == "dcgd-plus"
    assert refusal("adiana") == (
        "$.problem: adiana needs a strongly convex problem, and quadratic has no mu > 0 that is "
        "known; give it an l2 above 0, or data of full rank"
    )


def test_what_has_to_be_told_is_refused_where_nobody_tells():
    for name in ("dcgd", "diana", "adiana", "ef21"):
        assert refusal(name, up="varying-steps").startswith(
            "$.codecs.up: varying-steps: steps: smooth needs a method that preconditions"
        )


def test_a_codec_that_tells_without_a_diagonal_is_refused(monkeypatch):
    monkeypatch.setattr("netopt.codecs.natural.Natural.tune", lambda self, t: np.ones(3))
    assert refusal("diana", up="natural") == (
        "$.codecs.up: diana has no set-up in which workers could tell the parameters of natural; "
        "choose those that both ends know (such as steps: uniform), or a method that tells them "
        "(dcgd-plus, diana-plus)"
    )


def test_the_hub_is_the_only_one_who_decodes_others(monkeypatch):
    """Workers read the one frame that comes down, and their own."""
    seen = set()

    def spy(method):
        def look(self, message, *more):
            seen.add((self.rank, message.header.sender))
            return method(self, message, *more)

        return look

    monkeypatch.setattr(Agent, "decode", spy(Agent.decode))
    monkeypatch.setattr(Agent, "add", spy(Agent.add))
    network = Lockstep(make("diana-plus"))
    network.setup()
    network.play(0)
    assert {(r, s) for r, s in seen if 0 not in (r, s)} == {(i, i) for i in range(1, 5)}
