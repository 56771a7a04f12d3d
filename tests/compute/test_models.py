"""Laws that every registered compute model obeys, found by itself, and what each of them counts."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import pytest

from netopt.compute import Compute, Meter
from netopt.errors import ConfigError
from netopt.problems import Problem
from netopt.registry import build, discover

IDS = sorted(discover(Compute))
MODELLED = [name for name, cls in discover(Compute).items() if cls.modelled]


@dataclass
class Thinker:
    """What a meter sees of an agent."""

    rank: int = 0
    round: int = 0
    shard: int | None = 0
    gradients: int = 0


@pytest.fixture(scope="module")
def problem():
    made = build(Problem, "quadratic")
    made.prepare(4, 1)
    return made


def played(spec, problem, rank=0, shard=0, rounds=3, pauses=2, gradients=2):
    """Return what a meter charges between the pauses of some rounds."""
    agent = Thinker(rank, 0, shard)
    meter = build(Compute, spec).meter(agent, problem)
    found = []
    for agent.round in range(rounds):
        for pause in range(pauses):
            meter.begin()
            agent.gradients += gradients if pause == 0 and shard is not None else 0
            found.append(meter.end())
    return found


def test_the_expected_models_are_found():
    assert set(IDS) >= {"measured", "fixed", "flops"}
    assert set(MODELLED) >= {"fixed", "flops"}
    assert "measured" not in MODELLED


@pytest.mark.parametrize("name", IDS)
def test_a_model_says_what_it_is_and_is_built_again(name):
    model = build(Compute, name)
    assert model.summary().endswith(".")
    assert build(Compute, model.config()) == model
    model.check(4)


@pytest.mark.parametrize("name", IDS)
def test_time_never_runs_backwards_and_is_a_number(name, problem):
    found = played(name, problem)
    assert all(isinstance(seconds, float) and math.isfinite(seconds) for seconds in found)
    assert min(found) >= 0
    assert sum(found) > 0


@pytest.mark.parametrize("name", MODELLED)
def test_a_modelled_time_is_the_same_again(name, problem):
    assert played(name, problem) == played(name, problem)


@pytest.mark.parametrize("name", MODELLED)
@pytest.mark.parametrize("slowdown", [8, [1, 8, 1, 1], {1: 8}], ids=str)
def test_a_modelled_time_is_stretched_by_the_factor(name, slowdown, problem):
    plain = played(name, problem, rank=1)
    slow = played({"id": name, "slowdown": slowdown}, problem, rank=1)
    assert slow == [8 * seconds for seconds in plain]
    others = played({"id": name, "slowdown": slowdown}, problem, rank=2)
    assert others == (slow if slowdown == 8 else plain)


@pytest.mark.parametrize("name", MODELLED)
def test_an_agent_without_a_share_takes_no_time(name, problem):
    assert sum(played(name, problem, shard=None)) == 0.0


@pytest.mark.parametrize("name", IDS)
def test_a_factor_of_zero_stops_the_time(name, problem):
    assert sum(played({"id": name, "slowdown": 0}, problem)) == 0.0


def test_fixed_charges_each_round_once_whenever_the_agent_first_stops(problem):
    found = played({"id": "fixed", "seconds": "2 ms"}, problem, rounds=2, pauses=3)
    assert found == [0.002, 0.0, 0.0, 0.002, 0.0, 0.0]


def test_flops_charges_each_gradient_where_it_is_taken(problem):
    spec = {"id": "flops", "rate": 1e6}
    one = problem.flops(0) / 1e6
    assert played(spec, problem, rounds=2, gradients=3) == [3 * one, 0.0, 3 * one, 0.0]
    assert sum(played(spec, problem, gradients=0)) == 0.0


def test_flops_are_those_of_the_agents_own_share():
    uneven = build(Problem, {"id": "least-squares", "split": "dirichlet:0.1", "data": "digits"})
    uneven.prepare(4, 1)
    spec = {"id": "flops", "rate": 1.0}
    for shard in range(4):
        assert played(spec, uneven, shard=shard, gradients=1)[0] == uneven.flops(shard)
    assert len({uneven.flops(shard) for shard in range(4)}) > 1


def test_measured_counts_work_and_not_sleep(problem):
    """Processor time: another process that has the core does not slow the agent down."""
    meter = build(Compute, "measured").meter(Thinker(), problem)
    meter.begin()
    began = time.thread_time()
    while time.thread_time() - began < 0.02:
        pass
    busy = meter.end()
    assert busy >= 0.02
    meter.begin()
    time.sleep(0.05)
    assert meter.end() < busy


PLACE = "$.network.compute.slowdown: "
CURE = "times slower; 1 is as fast as the others, 10 is a straggler"
REFUSED = {
    "too-few": ([1, 2], "2 factors for 4 agents; give one for each"),
    "stranger": ({9: 2}, "expected an agent, 0 to 3, got 9"),
    "negative": (-1, f"agent 0 cannot be -1 {CURE}"),
    "one-negative": ([1, 1, -2, 1], f"agent 2 cannot be -2 {CURE}"),
    "endless": ({3: math.inf}, f"agent 3 cannot be inf {CURE}"),
    "nothing": ([1, math.nan, 1, 1], f"agent 1 cannot be nan {CURE}"),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("name", IDS)
def test_factors_that_make_no_sense_are_refused(name, case):
    slowdown, wanted = REFUSED[case]
    model = build(Compute, {"id": name, "slowdown": slowdown})
    with pytest.raises(ConfigError) as caught:
        model.check(4)
    assert str(caught.value) == PLACE + wanted


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        (
            {"id": "fixed", "seconds": "soon"},
            "$: fixed: seconds: expected a time such as '5 ms' or '1.5 s', got 'soon'",
        ),
        (
            {"id": "fixed", "seconds": -1},
            "$: fixed: seconds: expected a time such as '5 ms' or '1.5 s', got -1",
        ),
        ({"id": "flops", "rate": 0}, "$.rate: expected `float` > 0.0; the value is 0"),
        ({"id": "fixd"}, "$.id: no compute is called 'fixd'; did you mean 'fixed'?"),
        (
            {"id": "flops", "slowdonw": 2},
            "$.slowdonw: flops has no option 'slowdonw'; did you mean 'slowdown'?",
        ),
    ],
    ids=str,
)
def test_mistakes_are_named_with_place_value_and_cure(spec, wanted):
    with pytest.raises(ConfigError) as caught:
        build(Compute, spec)
    assert str(caught.value).replace("`", "") == wanted.replace("`", "")


@pytest.mark.parametrize("name", MODELLED)
def test_a_modelled_time_has_no_waits_in_it(name, problem):
    agent = Thinker()
    meter = build(Compute, name).meter(agent, problem)
    meter.begin()
    agent.gradients += 1
    meter.skip(5.0)
    assert meter.end() == played(name, problem, pauses=1, rounds=1, gradients=1)[0]


def test_what_the_processor_spent_on_a_wait_is_left_out_of_the_measured_time(problem):
    meter = build(Compute, {"id": "measured", "slowdown": 2}).meter(Thinker(), problem)
    meter.begin()
    began = time.thread_time()
    while time.thread_time() - began < 0.03:
        pass
    meter.skip(0.02)
    least = 2 * (0.03 - 0.02)
    assert least <= meter.end() < least + 2 * 0.02


def test_a_model_of_ones_own_is_one_class(private_registry, rows):
    class Slower(Compute):
        """Each round takes a second more than the one before."""

        id = "slower"

        def meter(self, agent, problem):
            factor = self.factor(agent.rank)

            class Rounds(Meter):
                def end(self):
                    return factor * agent.round

            return Rounds()

    found = rows(network={"compute": {"id": "slower", "slowdown": 2}}, rounds=4)
    # Each round of dgd stops twice: at its exchange, and at its end.
    assert [row["emulated_seconds"] for row in found] == [0.0, 2 * 2 * (0 + 1 + 2 + 3)]


def test_a_model_that_is_not_finished_says_what_it_lacks(problem):
    with pytest.raises(TypeError, match="the compute model  does not define a meter"):
        type("Nothing", (Compute,), {"__doc__": "Nothing."})().meter(Thinker(), problem)
    with pytest.raises(TypeError, match="Meter does not say how long an agent has computed"):
        Meter().end()
