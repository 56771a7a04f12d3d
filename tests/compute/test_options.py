"""Clocks and compute models that do not fit each other are refused before anything runs."""

from __future__ import annotations

import pytest

from netopt.errors import ConfigError

BAD = {
    "real-in-lockstep": (
        {"network": {"clock": "real", "driver": "lockstep"}},
        "$.network.clock: lockstep plays all agents in one process, which has no real clock for "
        "each; use clock: virtual, or the driver mpi",
    ),
    "real-and-modelled": (
        {"network": {"clock": "real", "compute": "fixed"}},
        "$.network.compute: compute is modelled for clock: virtual, and the clock is real; leave "
        "one of them out",
    ),
    "none-and-modelled": (
        {"network": {"clock": "none", "compute": "measured"}},
        "$.network.compute: compute is modelled for clock: virtual, and the clock is none; leave "
        "one of them out",
    ),
    "no-clock-to-stop": (
        {"stop": {"emulated_seconds": "1 s"}},
        "$.stop.emulated_seconds: there is no clock; give the topology links, or network.clock",
    ),
    "no-time": (
        {"stop": {"emulated_seconds": "soon"}, "network": {"clock": "virtual"}},
        "$.stop.emulated_seconds: expected a time such as '5 ms' or '1.5 s', got 'soon'",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_options_that_do_not_fit_are_refused(make, name):
    changes, wanted = BAD[name]
    with pytest.raises(ConfigError) as caught:
        make(**changes)
    assert str(caught.value) == wanted


@pytest.mark.parametrize(
    "links", [{}, {"link": {"latency": 1}}, {"uplink": 9}, {"links": {"0-1": "lan"}}]
)
def test_links_bring_the_virtual_clock_with_them(make, links):
    experiment = make(topology={"id": "ring", "size": 5, **links})
    assert experiment.options.network.clock == ("virtual" if links else "none")
    assert experiment.resolved["network"]["clock"] == experiment.options.network.clock


def test_a_compute_model_brings_the_virtual_clock_with_it(make):
    experiment = make(network={"compute": "fixed"})
    assert experiment.options.network.clock == "virtual"
    compute = {"id": "fixed", "slowdown": 1.0, "seconds": "1 ms"}
    assert experiment.resolved["network"]["compute"] == compute


def test_the_virtual_clock_measures_unless_told(make):
    resolved = make(network={"clock": "virtual"}).resolved["network"]
    assert resolved["compute"] == {"id": "measured", "slowdown": 1.0}
    assert make(network={"clock": "none"}).resolved["network"]["compute"] is None


def test_the_resolved_file_is_the_same_experiment(make):
    slow = {"compute": {"id": "flops", "rate": 1e6, "slowdown": {3: 2.5}}}
    first = make(network=slow, topology={"id": "ring", "size": 5, "link": "lan"})
    again = make(**first.resolved)
    assert again.resolved == first.resolved
    assert again.compute == first.compute
