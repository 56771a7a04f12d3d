"""Compressed SGD against its paper's box in numpy, its invariant, its resets and what they cost."""

from __future__ import annotations

import numpy as np
import pytest

from netopt.codecs import Codec
from netopt.frame import HEADER_BYTES
from netopt.keys import BROADCAST, Key, Purpose
from netopt.network.lockstep import Lockstep
from netopt.registry import build
from netopt.report.plan import plan, render
from netopt.report.text import plain

D = 20
QUADRATIC = {"id": "quadratic", "dimension": D}
COMMON = {"id": "randk", "indices": "common", "unbiased": False, "fraction": 0.2}
EXACT = {**COMMON, "dtype": "float64"}
STAR = {"id": "star", "size": 5}
ETA, R_NOISE = 0.02, 0.1
CODECS = [
    {},
    {"up": "topk", "down": "raw"},
    {"up": "sign", "down": {"id": "topk", "fraction": 0.3}},
    {
        "up": {"id": "raw", "dtype": "float16"},
        "down": COMMON,
        "reset": {"id": "raw", "dtype": "float32"},
    },
    {"up": {**COMMON, "indices": "shared"}, "down": "sign", "reset": "sign"},
]
RESETS = [{}, {"I": 0}, {"I": 7}, {"R": 0.05}, {"I": 4, "R": 0.5}]


@pytest.fixture
def small(make):
    """Return a function that makes a run on a quadratic that the workers disagree on."""

    def experiment(options, codecs=None, **changes):
        algorithm = {"id": "compressed-sgd", "lr": ETA, "r": R_NOISE, **options}
        run = {"problem": QUADRATIC, "topology": STAR, "algorithm": algorithm, **changes}
        return make(**run, codecs=codecs or {})

    return experiment


def xi(k, seed=1, d=D):
    """The noise of a round, drawn here anew."""
    key = Key(seed, Purpose.NOISE, k, 0, BROADCAST)
    return R_NOISE / np.sqrt(d) * key.generator().standard_normal(d)


def ends(network, states):
    """Return x and y = x - eta (mean e_i + e) of all states."""
    workers = [s.e for s in states if len(s.e)]
    return states[0].x.copy(), states[0].x - ETA * (sum(workers) / len(workers) + states[0].owed)


@pytest.mark.parametrize("hub_works", [False, True])
@pytest.mark.parametrize("options", RESETS, ids=str)
@pytest.mark.parametrize("codecs", CODECS, ids=lambda c: "-".join(map(str, c)) or "default")
def test_y_moves_by_the_mean_gradient_and_the_noise_whatever_is_forgotten(
    small, watch, codecs, options, hub_works
):
    experiment = small({**options, "hub_works": hub_works}, codecs)
    network, states = watch(experiment)
    y = experiment.problem.start()
    for k in range(20):
        x = states[0].x.copy()
        network.play(k)
        y = y - ETA * (experiment.problem.gradient(x, None) + xi(k))
        found = ends(network, states)[1]
        assert np.abs(found - y).max() <= 1e-13 * max(1.0, np.abs(y).max())
        for state in states[1:]:
            assert state.x.tobytes() == states[0].x.tobytes()
    assert (found != states[0].x).any() or options


def box(gradient, compress, x, rounds, escape=None, radius=None):
    """The paper's algorithm, line by line; yield x_t and whether the step before it was a reset."""
    e, since, origin = np.zeros_like(x), 0, x
    for t in range(rounds):
        u = gradient(x) + xi(t, d=len(x))
        g = compress(e + u, t)
        x = x - ETA * g
        e = e + u - g
        far = radius is not None and np.linalg.norm((x - ETA * e) - origin) > radius
        reset = far or (escape is not None and t - since > escape)
        if reset:
            x = x - ETA * e
            e, since, origin = np.zeros_like(e), t + 1, x
        yield x, reset


def decoded(spec, sender=1, receiver=0):
    """Return C as a function of vector and round, of a sender's first message."""
    codec = build(Codec, spec)

    def compress(x, t):
        key = Key(1, Purpose.ROUNDING, t, 0, sender, receiver)
        return codec.decode(codec.encode(x, key), len(x), key)

    return compress


@pytest.mark.parametrize("options", RESETS, ids=str)
@pytest.mark.parametrize(
    "spec", [EXACT, {"id": "topk", "fraction": 0.2, "dtype": "float64"}], ids=str
)
def test_one_worker_is_the_papers_box(small, spec, options):
    down = EXACT if spec == EXACT else "raw"
    pair = {"id": "star", "size": 2}
    experiment = small(options, {"up": spec, "down": down}, topology=pair)
    problem, network = experiment.problem, Lockstep(experiment)
    gradient = lambda x: problem.gradient(x, None)  # noqa: E731
    known = box(gradient, decoded(spec), problem.start(), 30, options.get("I"), options.get("R"))
    resets = 0
    for t, (x, reset) in enumerate(known):
        network.play(t)
        assert np.abs(network.estimates() - x).max() < 1e-14
        resets += reset
    frames = network.books()[0].counts[:, 0]
    told = 30 if "R" in options else 0
    assert frames.tolist() == [30 + resets + told] * 2
    assert (resets > 0) == bool(options)


def test_many_workers_with_common_coordinates_are_one_machine_with_the_mean_gradient(small):
    experiment = small({}, {"up": EXACT, "down": EXACT})
    problem, network = experiment.problem, Lockstep(experiment)
    gradient = lambda x: problem.gradient(x, None)  # noqa: E731
    for t, (x, _) in enumerate(box(gradient, decoded(EXACT), problem.start(), 60)):
        network.play(t)
        assert np.abs(network.estimates() - x).max() < 1e-13


def test_the_radius_is_never_told_too_small(small, watch):
    """With four workers: the mean of their distances is at least that of the mean."""
    experiment = small({"R": 0.3}, {"up": "topk", "down": "sign"})
    network, states = watch(experiment)
    origin, resets, early = experiment.problem.start(), 0, 0
    for k in range(60):
        network.play(k)
        x, y = ends(network, states)
        distance, reset = np.linalg.norm(y - origin), states[0].since == k + 1
        assert reset or distance <= 0.3 * (1 + 1e-6)
        early += reset and distance <= 0.3
        resets += reset
        origin = x if reset else origin
    assert resets > 3
    assert early <= resets


@pytest.mark.parametrize(("options", "known"), [({}, True), ({"I": 4}, True), ({"R": 0.3}, False)])
def test_the_ledger_is_what_was_planned_and_the_resets(small, watch, options, known):
    rounds, n, k = 30, 4, 2
    experiment = small(options, rounds=rounds)
    network, states = watch(experiment)
    resets = 0
    for t in range(rounds):
        network.play(t)
        resets += states[0].since == t + 1
    told = rounds if "R" in options else 0
    bits = 32 * k * rounds + 64 * D * resets + 32 * told
    frames = rounds + resets + told
    foretold = plan(experiment)
    for row in network.books()[0].counts.tolist():  # the same up and down
        assert row[:4] == [frames, bits, bits // 8, HEADER_BYTES * frames]
    total = (foretold.payload_bits_total, foretold.wire_bytes_total)
    missing = 0 if known else resets
    wire = 2 * n * (bits // 8 + HEADER_BYTES * frames)
    assert total == (
        2 * n * (bits - 64 * D * missing),
        wire - 2 * n * missing * (8 * D + HEADER_BYTES),
    )
    assert [extra.times for extra in foretold.extras] == {
        "": [], "I": [resets], "R": [None, rounds]
    }["".join(options)]  # fmt: skip
    assert foretold.exact
    assert (resets > 0) == bool(options)


def test_a_rendered_plan_says_what_a_reset_costs(small):
    """Four workers, d = 20: (8 x 20 + 32) bytes up and down, and a float32 each way is told."""

    def lines(options):
        text = plain(render(plan(small(options, rounds=30))))
        return [" ".join(line.split()) for line in text.splitlines()]

    assert "a reset 1536 B (1.54 kB), 5 times" in lines({"I": 4})
    told = lines({"R": 1.0})
    assert "a reset 1536 B (1.54 kB), when the data want it" in told
    assert "a telling of distances 288 B, 30 times" in told
    assert "all edges, 30 rounds 18240 B (18.24 kB), and each reset" in told
    assert not any("reset" in line for line in lines({}))


def test_a_codec_that_is_not_linear_wants_resets_and_one_that_expands_is_warned_of(small):
    assert small({}).warnings == ()
    assert small({"I": 100}, {"up": "topk", "down": "raw"}).warnings == ()
    assert small({}, {"up": "topk", "down": "raw"}).warnings == (
        "compressed-sgd has no theory for topk without resets, since C(x + y) is not C(x) + C(y); "
        "give I or R, or use randk with indices: common",
    )
    scaled = {**COMMON, "unbiased": True}
    assert small({}, {"up": scaled}).warnings == (
        "error feedback needs a contraction, and codec randk on channel up is not known to be one "
        "with these options: errors may pile up; use randk with unbiased: false, topk or sign",
    )


def test_without_noise_and_with_raw_codecs_it_is_sgd(make):
    run = {"problem": QUADRATIC, "topology": STAR}
    plain = {"id": "compressed-sgd", "lr": ETA, "r": 0}
    ours = Lockstep(make(algorithm=plain, codecs={"up": "raw", "down": "raw"}, **run))
    sgd = Lockstep(make(algorithm={"id": "sgd", "lr": ETA}, **run))
    for k in range(20):
        ours.play(k)
        sgd.play(k)
    assert np.abs(ours.estimates() - sgd.estimates()).max() < 1e-14
