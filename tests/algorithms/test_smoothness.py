"""DCGD, DIANA, their '+' forms, ADIANA and EF21 against their boxes, and what they refuse."""

from __future__ import annotations

import math

import numpy as np
import pytest

from netopt import config
from netopt.agent import Agent
from netopt.algorithms.adiana import chance
from netopt.codecs import Tuning
from netopt.errors import ConfigError
from netopt.frame import HEADER_BYTES, lane
from netopt.keys import Key, Purpose
from netopt.network.lockstep import Lockstep

N = 4
QUADRATIC = {"id": "quadratic", "dimension": 25, "curvature": "shuffled"}
LOGISTIC = {"id": "logistic", "data": "synthetic", "l2": 0.1, "intercept": False, "solve": True}
PROBLEMS = pytest.mark.parametrize("problem", [QUADRATIC, LOGISTIC], ids=["quadratic", "logistic"])
METHODS = ["dcgd", "dcgd-plus", "diana", "diana-plus", "adiana", "ef21"]
PLUS = ["dcgd-plus", "diana-plus"]
every = pytest.mark.parametrize("name", METHODS)
plus = pytest.mark.parametrize("name", PLUS)
ROUNDS = 40


def make(algorithm, problem=QUADRATIC, up=None, size=N + 1, **more):
    run = {"problem": problem, "topology": {"id": "star", "size": size}, "algorithm": algorithm}
    return config.make({**run, "codecs": {} if up is None else {"up": up}, "seed": 1, **more})


def refusal(*arguments, **options):
    with pytest.raises(ConfigError) as caught:
        make(*arguments, **options)
    return str(caught.value)


class Box:
    """What the boxes of all methods are made of, in plain numpy; ``first`` is worker 0's rank."""

    def __init__(self, experiment, first=1):
        self.problem, self.codec, self.first = experiment.problem, experiment.codecs[0], first
        self.n, self.d = self.problem.agents, self.problem.d
        self.mu, self.top = self.problem.strong_convexity(), self.problem.top()
        self.tops = [self.problem.smoothness(i) for i in range(self.n)]
        self.x = self.problem.start()

    def grad(self, i, x):
        return self.problem.grad(i, x, None)

    def send(self, i, v, k, exchange=0):
        """C_i(v) as the hub decodes it."""
        key = Key(1, Purpose.ROUNDING, k, exchange, self.first + i, 0, lane(0, 0))
        return self.tuned[i].decode(self.tuned[i].encode(v, key), self.d, key)

    def plain(self):
        """Fit the one codec of all workers; return it."""
        self.tuned = [self.codec.tuned(Tuning(self.n), self.d)] * self.n
        return self.tuned[0]

    def precondition(self, aim):
        """Set ``roots`` and ``inverses``, and fit every worker's codec to L_i."""
        exact = [self.problem.curvature_of(i).root for i in range(self.n)]
        self.roots = [root.astype(np.float32).astype(float) for root in exact]
        self.inverses = [np.linalg.inv(root) for root in self.roots]
        fits = [Tuning(self.n, np.diag(m @ m), self.mu, aim) for m in self.roots]
        self.tuned = [self.codec.tuned(t, self.d, self.codec.tune(t)) for t in fits]
        matrices = [root @ root for root in self.roots]
        pairs = zip(self.tuned, matrices, strict=True)
        tops = [(c, np.diag(m), np.linalg.eigvalsh(m)[-1]) for c, m in pairs]
        self.worst = max(codec.cal_l(diagonal, top) for codec, diagonal, top in tops)
        self.omega = max(codec.omega(self.d) for codec in self.tuned)
        self.top = np.linalg.eigvalsh(np.mean(matrices, 0))[-1]


def dcgd(box):
    gamma = 1 / (box.top + 2 * max(box.tops) * box.plain().omega(box.d) / box.n)
    for k in range(ROUNDS):
        q = [box.send(i, box.grad(i, box.x), k) for i in range(box.n)]
        box.x = box.x - gamma * np.mean(q, 0)
        yield box.x


def dcgd_plus(box):
    box.precondition("dcgd")
    gamma = 1 / (box.top + 2 * box.worst / box.n)
    for k in range(ROUNDS):
        q = [box.send(i, box.inverses[i] @ box.grad(i, box.x), k) for i in range(box.n)]
        box.x = box.x - gamma * np.mean([m @ v for m, v in zip(box.roots, q, strict=True)], 0)
        yield box.x


def diana(box):
    omega = box.plain().omega(box.d)
    gamma = 1 / (max(box.tops) * (1 + 2 * omega / box.n))
    h = np.zeros((box.n, box.d))
    for k in range(ROUNDS):
        q = np.array([box.send(i, box.grad(i, box.x) - h[i], k) for i in range(box.n)])
        box.x = box.x - gamma * (h.mean(0) + q.mean(0))
        h += q / (1 + omega)
        yield box.x


def diana_plus(box):
    box.precondition("diana")
    gamma = 1 / (box.top + 6 * box.worst / box.n)
    alpha = float(np.float32(1 / (1 + box.omega)))
    h = np.zeros((box.n, box.d))
    for k in range(ROUNDS):
        v = [box.inverses[i] @ (box.grad(i, box.x) - h[i]) for i in range(box.n)]
        q = np.array([box.roots[i] @ box.send(i, v[i], k) for i in range(box.n)])
        box.x = box.x - gamma * (h.mean(0) + q.mean(0))
        h += alpha * q
        yield box.x


def adiana(box):
    omega, top, mu, n = box.plain().omega(box.d), max(box.tops), box.mu, box.n
    p = min(1, max(1, math.sqrt(n / (32 * omega)) - 1) / (2 * (1 + omega)))
    eta = min(1 / (2 * top), n / (64 * omega * (2 * p * (omega + 1) + 1) ** 2 * top))
    one, two = min(1 / 4, math.sqrt(eta * mu / p)), 1 / 2
    gamma = eta / (2 * (one + eta * mu))
    beta = 1 - gamma * mu
    y = z = w = box.x
    h = np.zeros((n, box.d))
    for k in range(ROUNDS):
        x = one * z + two * w + (1 - one - two) * y
        g = np.mean([box.send(i, box.grad(i, x) - h[i], k) for i in range(n)], 0) + h.mean(0)
        h += [box.send(i, box.grad(i, w) - h[i], k, 1) / (1 + omega) for i in range(n)]
        new = x - eta * g
        z = beta * z + (1 - beta) * x + gamma / eta * (new - x)
        if Key(1, Purpose.NOISE, k).words(1)[0] / 2**32 < p:
            w = y
        y = new
        yield y


def ef21(box):
    a = box.plain().contraction(box.d)
    theta, beta = 1 - math.sqrt(1 - a), (1 - a) / (1 - math.sqrt(1 - a))
    gamma = 1 / (box.top + math.sqrt(np.mean(np.square(box.tops)) * beta / theta))
    g = np.zeros((box.n, box.d))
    for k in range(ROUNDS):
        g += [box.send(i, box.grad(i, box.x) - g[i], k) for i in range(box.n)]
        box.x = box.x - gamma * g.mean(0)
        yield box.x


BOXES = {"dcgd": dcgd, "dcgd-plus": dcgd_plus, "diana": diana, "diana-plus": diana_plus}
BOXES |= {"adiana": adiana, "ef21": ef21}


def follow(experiment, box, first=1):
    """Play both, and compare all agents' estimates after every round."""
    network = Lockstep(experiment)
    network.setup()
    for k, x in enumerate(box(Box(experiment, first))):
        network.play(k)
        for mine in network.estimates():
            np.testing.assert_allclose(mine, x, rtol=1e-9, atol=1e-11)


@every
@PROBLEMS
def test_a_run_is_its_box(name, problem):
    follow(make(name, problem), BOXES[name])


@every
def test_a_hub_that_works_is_worker_0(name):
    follow(make({"id": name, "hub_works": True}, size=N), BOXES[name], first=0)


@every
@pytest.mark.parametrize("up", ["natural", "ternary", "randk"])
def test_other_codecs_fit_the_same_boxes(name, up):
    if name == "ef21" and up != "natural":
        up = {"id": "topk", "fraction": 0.3}
    follow(make(name, up=up), BOXES[name])


# ---- where they go ----


def errors(experiment, rounds, every=50):
    """||x - x*||^2 / ||x_0 - x*||^2 after 0, every, 2 every, ... rounds."""
    best, network = experiment.problem.minimum(), Lockstep(experiment)
    network.setup()
    found = [1.0]
    whole = np.sum((network.estimates()[0] - best) ** 2)
    for k in range(rounds):
        network.play(k)
        if (k + 1) % every == 0:
            found.append(float(np.sum((network.estimates()[0] - best) ** 2) / whole))
    return found


@pytest.mark.parametrize("name", ["diana", "diana-plus"])
@PROBLEMS
def test_learning_the_shifts_leads_to_the_solution(name, problem):
    assert min(errors(make(name, problem), 900)) <= 1e-25


@pytest.mark.parametrize("name", ["dcgd", "dcgd-plus"])
@PROBLEMS
def test_without_shifts_a_floor_remains(name, problem):
    late = errors(make(name, problem), 900)[10:]
    assert min(late) > 1e-6
    assert max(late) < 0.5


def test_ef21_leads_to_the_solution():
    up = {"id": "topk", "fraction": 0.4, "dtype": "float64"}
    assert min(errors(make("ef21", up=up), 700)) <= 1e-25


def test_adiana_leads_to_the_solution_and_overtakes_diana_where_the_condition_is_bad():
    """With omega = 1/8, kappa = 10^4: DIANA shrinks by 1 - 1/kappa, ADIANA by 1 - O(kappa^-1/2)."""
    flat = {"id": "quadratic", "dimension": 10, "kappa": 1e4}
    slow, fast = (errors(make(m, flat, up="natural"), 1000)[-1] for m in ("diana", "adiana"))
    assert fast < slow / 5
    assert min(errors(make("adiana", up="natural"), 800)) <= 1e-25


@pytest.mark.parametrize("name", ["diana", "diana-plus"])
def test_the_hub_keeps_the_mean_of_the_workers_shifts(watch, name):
    network, states = watch(make(name))
    network.setup()
    for k in range(200):
        network.play(k)
        mean = np.mean([s.h for s in states[1:]], 0)
        scale = max(np.abs(s.h).max() for s in states[1:])
        np.testing.assert_allclose(states[0].mean, mean, rtol=0, atol=1e-13 * scale)


def test_the_shifts_of_ef21_average_to_the_hubs(watch):
    network, states = watch(make("ef21"))
    for k in range(200):
        network.play(k)
        mean = np.mean([s.g for s in states[1:]], 0)
        np.testing.assert_allclose(states[0].mean, mean, rtol=0, atol=1e-12)


def test_if_mu_is_0_steps_are_half_as_long(monkeypatch, watch):
    wide = {"id": "varying-steps", "steps": "uniform"}
    runs = [make(m, up=wide) for m in ("dcgd", "diana", "dcgd-plus", "diana-plus")]
    whole = [rate(watch, run) for run in runs]
    for run in runs:
        run.problem.__dict__["strong_convexity"] = lambda: None
    assert [rate(watch, run) for run in runs] == [lr / 2 for lr in whole]


@plus
@PROBLEMS
def test_steps_are_those_of_the_exact_matrices(watch, name, problem):
    """gamma = 1/(L + 2 or 6 calL_max / n); for DCGD+ calL = n tr(L_i)/d, the closed form."""
    problem = make(name, problem).problem
    n, d = problem.agents, problem.d
    curved = [problem.curvature_of(i) for i in range(n)]
    top = np.linalg.eigvalsh(np.mean([c.matrix for c in curved], 0))[-1]
    if name == "dcgd-plus":
        gamma = 1 / (top + 2 * max(np.trace(c.matrix) for c in curved) / d)
    else:
        a = [np.hypot(1, c.diagonal / (n * problem.strong_convexity())) for c in curved]
        h = [n / d * np.sqrt(v.sum() / v) for v in a]
        pairs = zip(h, curved, strict=True)
        gamma = 1 / (top + 6 / n * max(np.linalg.norm(v * c.diagonal) for v, c in pairs))
    assert rate(watch, make(name, problem.config())) == pytest.approx(gamma, rel=1e-6)


def rate(watch, experiment):
    network, states = watch(experiment)
    network.setup()
    return states[0].lr


@every
def test_rates_may_be_numbers(watch, name):
    algorithm = {"id": name, "lr": 0.01}
    if "diana" in name and name != "adiana":
        algorithm["alpha"] = 0.1
    up = "sign" if name != "adiana" else "natural"  # without an omega there is no ADIANA
    network, states = watch(make(algorithm, up=up))
    network.setup()
    network.play(0)
    assert states[0].lr == 0.01
    assert [getattr(s, "alpha", 0.1) for s in states] == [0.1] * (N + 1)


def test_the_chance_of_adiana_is_1_without_noise_and_grows_with_the_workers():
    assert chance(0.0, 4) == 1.0
    assert chance(4.0, 4) == 1 / 10
    assert chance(4.0, 128 * 9) == pytest.approx(2 / 10)
    assert chance(0.1, 10**6) == 1.0


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
        assert counts[5:] == [32 * count, 4 * count + HEADER_BYTES * frames]


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


# ---- refusals ----

WITHOUT = {"id": "logistic", "data": "breast-cancer", "l2": 0, "intercept": False}


def test_a_codec_without_omega_is_refused():
    for name in ("dcgd", "dcgd-plus", "diana", "diana-plus", "adiana"):
        assert refusal(name, up="sign") == (
            "$.codecs.up: codec sign has no variance bound omega with these options, so there is "
            "no step size in theory; choose an unbiased codec such as dithering, or give lr a "
            "number"
        )


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
    said = refusal(name, flat)
    assert said.startswith("$.problem")
    assert "agent 0: the smoothness matrix L_i is singular (its smallest eigenvalue is" in said


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
    monkeypatch.setattr("netopt.problems.quadratic.Quadratic.strong_convexity", lambda self: None)
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
    seen, decode = set(), Agent.decode

    def spy(self, message, out=None):
        seen.add((self.rank, message.header.sender))
        return decode(self, message, out)

    monkeypatch.setattr(Agent, "decode", spy)
    network = Lockstep(make("diana-plus"))
    network.setup()
    network.play(0)
    assert {(r, s) for r, s in seen if 0 not in (r, s)} == {(i, i) for i in range(1, 5)}
