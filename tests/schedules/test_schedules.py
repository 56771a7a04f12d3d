"""The two rates, against their formulas and the paper's own list of boundaries."""

from __future__ import annotations

import itertools
import math

import pytest

from netopt.errors import ConfigError
from netopt.registry import build
from netopt.schedules import Schedule

PUBLISHED = [10, 26, 52, 90, 142, 210, 296, 402, 529, 679, 853, 1053]
TOY = {"id": "sample-and-hold"}
CNN = TOY | {"c_e": 0.5, "c_g": 0.5, "r": 0.3, "a": 0.6, "b": 0.9, "t0": 200, "c_k": 1}


def e(t, c=1.0, r=1.0, a=0.62):
    return c / (1 + r * t**a)


def g(t, c=1.0, r=1.0, b=0.94):
    return c / (1 + r * t**b)


def test_constant_rates_do_not_change():
    schedule = build(Schedule, {"id": "constant", "eps": 0.5, "alpha": 0.2})
    assert {schedule.rates(k) for k in (0, 1, 10, 10**6)} == {(0.5, 0.2)}


def test_decaying_rates_follow_their_formulas():
    toy = build(Schedule, "decaying")
    assert [toy.rates(k) for k in range(2000)] == [(e(k), g(k)) for k in range(2000)]
    assert toy.rates(0) == (1, 1)
    assert toy.rates(1) == (0.5, 0.5)
    other = build(
        Schedule, {"id": "decaying", "c_e": 0.5, "c_g": 0.1, "r": 0.3, "a": 0.6, "b": 0.9}
    )
    assert other.rates(7) == (e(7, 0.5, 0.3, 0.6), g(7, 0.1, 0.3, 0.9))


def test_the_boundaries_are_the_papers():
    assert build(Schedule, TOY).boundaries(1000) == PUBLISHED


@pytest.mark.parametrize("order", ["forwards", "backwards"])
def test_rates_decay_up_to_t0_and_are_then_held_from_boundary_to_boundary(order):
    schedule = build(Schedule, TOY)
    ks = range(1053)
    held = {k: k if k <= 10 else max(t for t in PUBLISHED if t <= k) for k in ks}
    for k in ks if order == "forwards" else reversed(ks):
        assert schedule.rates(k) == (e(held[k]), g(held[k]))


def test_rates_change_at_a_boundary_and_nowhere_else_after_t0():
    schedule = build(Schedule, TOY)
    changes = [k for k in range(11, 1054) if schedule.rates(k) != schedule.rates(k - 1)]
    assert changes == PUBLISHED[1:]


def test_a_stage_lasts_as_long_as_its_mixing_rate_asks():
    schedule = build(Schedule, CNN)
    limits = schedule.boundaries(5000)
    assert limits[0] == 200
    for now, later in itertools.pairwise(limits):
        assert later - now == math.ceil(1 / e(now, 0.5, 0.3, 0.6))


def test_the_stage_variant_evaluates_at_a_counter_of_stages():
    schedule = build(Schedule, CNN | {"evaluate_at": "stage"})
    boundary = 200
    for stage in range(40):
        eps, alpha = e(200 + stage, 0.5, 0.3, 0.6), g(200 + stage, 0.5, 0.3, 0.9)
        length = math.ceil(1 / eps)
        for k in (boundary, boundary + 1, boundary + length - 1):
            assert schedule.rates(k) == (eps, alpha)
        boundary += length
    assert schedule.rates(199) == (e(199, 0.5, 0.3, 0.6), g(199, 0.5, 0.3, 0.9))


def test_a_schedule_keeps_no_trace_of_what_it_was_asked():
    schedule = build(Schedule, TOY)
    before = schedule.config()
    schedule.rates(5000)
    assert schedule.config() == before
    assert schedule == build(Schedule, TOY)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"id": "constant", "eps": 0}, "$.eps: expected float > 0.0; the value is 0"),
        ({"id": "constant", "eps": 1.5}, "$.eps: expected float <= 1.0; the value is 1.5"),
        ({"id": "constant", "alpha": -1}, "$.alpha: expected float >= 0.0; the value is -1"),
        ({"id": "decaying", "c_e": 2}, "$.c_e: expected float <= 1.0; the value is 2"),
        (TOY | {"c_k": 0}, "$.c_k: expected float > 0.0; the value is 0"),
        (TOY | {"t0": 0.5}, "$.t0: expected int, got float; the value is 0.5"),
        (
            TOY | {"evaluate_at": "epoch"},
            "$.evaluate_at: expected one of iteration, stage; the value is 'epoch'",
        ),
    ],
)
def test_options_out_of_bounds_are_refused(spec, message):
    with pytest.raises(ConfigError) as caught:
        build(Schedule, spec)
    assert str(caught.value) == message
