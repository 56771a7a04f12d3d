"""SGD, perturbed SGD, QSGD, signSGD and EF-SGD on a star against numpy, line by line."""

from __future__ import annotations

import numpy as np
import pytest

from netopt.codecs import Codec
from netopt.errors import ConfigError
from netopt.keys import BROADCAST, Key, Purpose
from netopt.network.lockstep import Lockstep
from netopt.registry import build

ROUNDS, LR = 15, 0.05
STAR = {"id": "star", "size": 4}
BATCHES = {"id": "logistic", "data": "digits", "batch": 8}
QUADRATIC = {"id": "quadratic", "dimension": 12}


@pytest.fixture
def start(make):
    """Return a function: algorithm, problem, codecs -> the experiment and its network."""

    def begin(algorithm, problem=BATCHES, **codecs):
        made = make(algorithm=algorithm, problem=problem, topology=STAR, codecs=codecs)
        return made.problem, Lockstep(made)

    return begin


def gradients(problem, x, k):
    """The workers' stochastic gradients of round k, each from its own stream."""
    return [
        problem.grad(shard, x, Key(1, Purpose.BATCH, k, 0, shard + 1, BROADCAST))
        for shard in range(problem.agents)
    ]


def coded(codec, x, k, sender, receiver=0, exchange=0, part=0):
    key = Key(1, Purpose.ROUNDING, k, exchange, sender, receiver, part)
    return codec.decode(codec.encode(x, key), len(x), key)


def follows(network, wanted, within=1e-13):
    """Play round after round; all agents' x are those of ``wanted``."""
    count = 0
    for k, x in enumerate(wanted):
        network.play(k)
        assert np.abs(network.estimates() - x).max() <= within * max(1.0, np.abs(x).max())
        count += 1
    assert count == ROUNDS


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("decay", [0.0, 0.5])
def test_sgd(start, momentum, decay):
    problem, network = start({"id": "sgd", "lr": LR, "momentum": momentum, "decay": decay})

    def sgd(x, m=0.0):
        for k in range(ROUNDS):
            m = momentum * m + np.mean(gradients(problem, x, k), axis=0)
            x = x - LR / (1 + decay * k) * m
            yield x

    follows(network, sgd(problem.start()))


def test_perturbed_sgd_adds_the_same_noise_to_all(start):
    problem, network = start({"id": "perturbed-sgd", "lr": LR, "r": 0.3}, QUADRATIC)

    def perturbed(x):
        for k in range(ROUNDS):
            key = Key(1, Purpose.NOISE, k, 0, BROADCAST)
            xi = 0.3 / np.sqrt(12) * key.generator().standard_normal(12)
            x = x - LR * (problem.gradient(x, None) + xi)
            yield x

    follows(network, perturbed(problem.start()))


def test_qsgd(start):
    problem, network = start({"id": "qsgd", "lr": LR})
    codec = build(Codec, {"id": "qsgd", "levels": 4, "floor": 1e-30})

    def qsgd(x):
        for k in range(ROUNDS):
            found = enumerate(gradients(problem, x, k), 1)
            x = x - LR * np.mean([coded(codec, g, k, i) for i, g in found], axis=0)
            yield x

    follows(network, qsgd(problem.start()))
    d = problem.d
    counts = network.books()[0].counts[:, 1].tolist()  # in the order of the edges: down, then up
    assert counts == [ROUNDS * 64 * d] * 3 + [ROUNDS * (32 + 4 * d)] * 3


@pytest.mark.parametrize("problem", [QUADRATIC, BATCHES], ids=["d = 12", "zero gradients"])
@pytest.mark.parametrize("hub_works", [False, True])
def test_sign_sgd_votes_and_zeros_and_ties_alternate(start, problem, hub_works):
    """The digits have pixels that are always 0; with the hub four agents vote, and often tie."""
    problem, network = start({"id": "sign-sgd", "lr": LR, "hub_works": hub_works}, problem)
    first, seen = 0 if hub_works else 1, []

    def voted(x):
        for k in range(ROUNDS):
            other = -1.0 if k % 2 else 1.0
            found = [
                problem.grad(shard, x, Key(1, Purpose.BATCH, k, 0, shard + first, BROADCAST))
                for shard in range(problem.agents)
            ]
            votes = np.sum([np.where(g == 0, other, np.sign(g)) for g in found], axis=0)
            seen.extend([(votes == 0).any(), (np.array(found) == 0).any()])
            x = x - LR * np.where(votes == 0, other, np.sign(votes))
            yield x

    follows(network, voted(problem.start()))
    assert any(seen[::2]) == hub_works
    assert any(seen[1::2]) == (problem.id == "logistic")


def test_sign_sgd_sends_a_bit_a_coordinate_each_way(start):
    problem, network = start("sign-sgd")
    network.play(0)
    assert network.books()[0].counts[:, 1].tolist() == [problem.d] * 6


def test_sign_sgd_wants_signs(start):
    with pytest.raises(ConfigError) as caught:
        start("sign-sgd", down="sign")
    assert str(caught.value) == (
        "$.codecs.down: sign-sgd sends signs alone, and sign more; use sign-bits, or ef-sgd, which "
        "takes every codec"
    )


@pytest.mark.parametrize("momentum", [0.0, 0.8])
@pytest.mark.parametrize("decay", [0.0, 0.5])
@pytest.mark.parametrize("down", ["sign", "raw"])
def test_ef_sgd_is_dist_ef_sgdm(start, momentum, decay, down):
    """Zheng, Huang and Kwok's form: errors in units of the gradient, corrected by step sizes."""
    options = {"lr": LR, "momentum": momentum, "decay": decay}
    problem, network = start({"id": "ef-sgd", **options}, up="sign", down=down)
    up, down = build(Codec, "sign"), build(Codec, down)

    def dist_ef(x):
        n, before = problem.agents, LR
        m, e, hub = [0.0] * n, [0.0] * n, 0.0
        for k in range(ROUNDS):
            lr = LR / (1 + decay * k)
            sent = []
            for i, g in enumerate(gradients(problem, x, k)):
                m[i] = momentum * m[i] + g
                p = (momentum * m[i] + g if momentum else g) + before / lr * e[i]
                sent.append(coded(up, p, k, i + 1))
                e[i] = p - sent[i]
            p = np.mean(sent, axis=0) + before / lr * hub
            answer = coded(down, p, k, 0, BROADCAST, 1)
            hub, before = p - answer, lr
            x = x - lr * answer
            yield x

    follows(network, dist_ef(problem.start()), 1e-6)  # scales are float32, of p and of lr p


def test_ef_sgd_moves_by_all_gradients_whatever_its_codecs(start):
    problem, network = start(
        {"id": "ef-sgd", "lr": LR}, up="topk", down={"id": "randk", "k": 1, "unbiased": False}
    )
    x, total = problem.start(), 0.0
    for k in range(ROUNDS):
        total = total + LR * np.mean(gradients(problem, network.estimates()[0], k), axis=0)
        network.play(k)
    states = network._states
    owed = states[0].owed + np.mean([s.e for s in states[1:]], axis=0)
    assert np.abs(states[0].x - owed - (x - total)).max() < 1e-14
    assert np.abs(owed).max() > 1e-3


def test_sign_bits_are_the_signs_in_order_and_nothing_else():
    x = np.array([0.5, -3.0, 0.0, -0.0, 1e-300, -1e-300, 1e38, 2.0, -1.0])
    codec = build(Codec, "sign-bits")
    payload = codec.encode(x, Key(1, Purpose.ROUNDING))
    bits = np.unpackbits(np.frombuffer(payload, np.uint8), bitorder="little")[:9]
    assert bits.tolist() == (~np.signbit(x)).astype(int).tolist()
    assert codec.decode(payload, 9, Key(1, Purpose.ROUNDING)).tolist() == (2.0 * bits - 1).tolist()


def test_codecs_that_do_not_fit_are_warned_of(make):
    run = {"problem": QUADRATIC, "topology": STAR}
    assert make(algorithm="qsgd", **run).warnings == ()
    assert make(algorithm="ef-sgd", **run).warnings == ()
    assert make(algorithm="qsgd", codecs={"up": "topk"}, **run).warnings == (
        "qsgd needs an unbiased codec, and topk has no variance bound omega with these options; "
        "use an unbiased one such as qsgd with floor: 1e-30, or ef-sgd",
    )
    assert (
        len(make(algorithm="ef-sgd", codecs={"up": "qsgd", "down": "sign-bits"}, **run).warnings)
        == 2
    )
