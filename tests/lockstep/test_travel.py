"""Travel over a fabric: the kernel has the rates, netopt what is left of a link."""

from __future__ import annotations

import pytest

from netopt.links.queue import CERTAIN, Fate, Flight, Stamp
from netopt.network import agents_of, travel
from netopt.network.lockstep import Buffers

LINK = {"rate": "1 Mbit/s", "latency": 0.25, "resend_after": 2.0, "loss": 0.5}
SENT, NOW = 10.0, 30.0


@pytest.fixture
def due(make, monkeypatch):
    """Return a function: (a fate, variables) -> when a frame that is here now is handed on."""

    class Wall(travel.RealClock):
        now = NOW

        def until(self, moment):
            self.waited = moment

    def moment(fate, variables=(travel.FABRIC,), uplink=None):
        for name in variables:
            monkeypatch.setenv(name, "1")
        topology = {"id": "ring", "size": 4, "link": LINK, "uplink": uplink}
        experiment = make(topology=topology, network={"clock": "real"})
        monkeypatch.setattr(travel, "RealClock", Wall)
        (agent,) = agents_of(experiment, {0: Buffers()})
        found = travel.Travel(agent, experiment)
        found.begin()
        found.arrive([Flight(1, 0, 125_000, Stamp(SENT, SENT), fate)])
        return found.clock.waited

    return moment


def test_without_a_fabric_a_frame_is_due_after_its_link(due):
    assert due(CERTAIN, ()) == SENT + 1.0 + 0.25


def test_over_a_fabric_the_latency_follows_what_the_kernel_did(due):
    assert due(CERTAIN) == NOW + 0.25


def test_a_latency_that_the_kernel_has_is_not_added_again(due):
    assert due(CERTAIN, (travel.FABRIC, travel.FABRIC_LATENCY)) == NOW


def test_jitter_and_waits_before_frames_are_sent_again_stay_netopts(due):
    assert due(Fate(resent=2, jitter=0.125)) == NOW + 2 * 2.0 + 0.25 + 0.125
