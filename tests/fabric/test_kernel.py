"""A fabric in this kernel: what goes where, at which rate, and that nothing of it is left."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from networks import cycle, ring

from netopt import fabric
from netopt.errors import ConfigError
from netopt.fabric import Count, Counters, Fabric, _kernel, _namespaces, _requirements, _state
from netopt.fabric._fabric import members
from netopt.fabric._plan import HUB_ADDRESS, address

pytestmark = pytest.mark.usefixtures("kernel")
HEADERS = 66
"""Bytes of Ethernet, IPv4 and TCP with timestamps, as the kernel counts them."""


def left(name: str) -> list[object]:
    """Return what there still is of a fabric."""
    spaces = [space for space in _namespaces.names() if space.startswith(f"{name}-")]
    return spaces + [record for record in _state.records() if record.name == name]


def carry(built: Fabric, source: str, target: str, place: Any, size: int) -> None:
    """Send ``size`` bytes over TCP from one namespace to a place (address) in another."""

    def listen() -> socket.socket:
        return socket.create_server((str(place), 4000))

    server = _namespaces.within(target, listen)
    server.settimeout(20)

    def send() -> None:
        with socket.create_connection((str(place), 4000), timeout=20) as sender:
            sender.sendall(bytes(size))

    thread = threading.Thread(target=lambda: _namespaces.within(source, send))
    thread.start()
    with server, server.accept()[0] as receiver:
        receiver.settimeout(20)
        heard = 0
        while piece := receiver.recv(1 << 16):
            heard += len(piece)
    thread.join()
    assert heard == size


def grown(built: Fabric, work: Callable[[], None]) -> Counters:
    """Return what was counted during ``work``, without what counted nothing."""
    before = built.counters()
    work()
    after = built.counters()
    return Counters(
        *(
            {key: now[key] - then[key] for key in now if now[key] != then[key]}
            for now, then in zip(after, before, strict=True)
        )
    )


def test_what_goes_to_a_neighbour_crosses_that_cable_alone_and_counts_to_the_byte() -> None:
    size = 100_000
    with fabric.build(ring(rate="1 Gbit/s")) as built:
        here, there = built.plan.agents[0], built.plan.agents[1]
        seen = grown(built, lambda: carry(built, here, there, address(1), size))
    assert set(seen.directions) == {(0, 1), (1, 0)}
    assert carried(seen.stubs, 0) == set()
    sent, answered = seen.directions[0, 1], seen.directions[1, 0]
    # The packets that open a connection have 8 bytes of options more.
    assert sent.tx_bytes - HEADERS * sent.tx_packets - 8 == size
    assert answered.tx_bytes - HEADERS * answered.tx_packets - 8 == 0
    for count in (sent, answered):
        assert (count.tx_packets, count.tx_bytes) == (count.rx_packets, count.rx_bytes)
        assert count.drops == 0
    assert sent.tx_packets >= size / 1448, "no packet is larger than the link's mtu"


def test_what_goes_elsewhere_takes_the_bridge() -> None:
    with fabric.build(ring()) as built:
        zero, two = built.plan.agents[0], built.plan.agents[2]
        far = grown(built, lambda: carry(built, zero, two, address(2), 5000))
        hub = grown(built, lambda: carry(built, zero, built.plan.hub, HUB_ADDRESS, 5000))
    assert (far.directions, carried(far.stubs, 5000)) == ({}, {0, 2})
    assert (hub.directions, carried(hub.stubs, 5000)) == ({}, {0})


def carried(stubs: Mapping[int, Count], size: int) -> set[int]:
    """Return the agents whose stub saw ``size`` bytes; all hear who asks for an address."""
    return {agent for agent, count in stubs.items() if max(count.tx_bytes, count.rx_bytes) > size}


def test_each_direction_has_its_own_bucket_and_packet_size() -> None:
    links = {"0->1": {"rate": "10 Mbit/s", "framing": 38}, "1->2": {"rate": "1 Mbit/s"}}
    topology = cycle(links=links, link={"mtu": 1000})
    with fabric.build(topology) as built:
        found = {
            (agent, name): (queue, mtu)
            for agent, space in enumerate(built.plan.agents)
            for name, (queue, mtu) in _kernel.within(space, queues).items()
        }
    assert found == {
        (0, "edge1"): ((1_250_000, 24), 1000),
        (1, "edge2"): ((125_000, 0), 1000),
        (2, "edge0"): (None, 1000),
        (1, "edge0"): (None, 1000),
        (2, "edge1"): (None, 1000),
        (0, "edge2"): (None, 1000),
    }


def queues(kernel: Any) -> dict[str, tuple[tuple[int, int] | None, int]]:
    """Return, as pyroute2 reads them, rate in bytes/s, overhead and mtu of the cables."""
    shaped = {}
    for queue in kernel.get_qdiscs():
        if queue.get_attr("TCA_KIND") == "tbf":
            told = queue.get_attr("TCA_OPTIONS").get_attr("TCA_TBF_PARMS")
            shaped[queue["index"]] = (told["rate"], told["rate_overhead"])
    links = {link.get_attr("IFLA_IFNAME"): link for link in kernel.get_links()}
    return {
        name: (shaped.get(link["index"]), link.get_attr("IFLA_MTU"))
        for name, link in links.items()
        if name.startswith("edge")
    }


def test_a_program_inside_has_the_namespace_s_name_for_its_host() -> None:
    with fabric.build(ring()) as built:
        name = built.plan.agents[3]
        words = built.inside(name, ["sh", "-c", 'uname -n; echo "$1\'s"', "x", "a  b"])
        done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout == f"{name}\na  b's\n"


def test_two_fabrics_at_once_have_nothing_in_common() -> None:
    with fabric.build(ring()) as one, fabric.build(ring()) as other:
        assert not set(members(one._state)) & set(members(other._state))
        zero, one_ = one.plan.agents[:2]
        seen = grown(other, lambda: carry(one, zero, one_, address(1), 5000))
        assert seen == ({}, {})


def test_nothing_is_left_after_an_error_nor_of_what_ran_inside() -> None:
    started = []

    def fail() -> None:
        with fabric.build(ring()) as built:
            words = built.inside(built.plan.agents[0], ["sleep", "1000"])
            started.append((built.name, subprocess.Popen(words)))
            assert left(built.name)
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match=r"^in the middle$"):
        fail()
    name, sleeper = started[0]
    assert sleeper.wait(10) != 0
    assert left(name) == []


@pytest.mark.parametrize("trouble", [OSError(95, "Operation not supported"), KeyboardInterrupt()])
def test_nothing_is_left_of_a_fabric_that_could_not_be_finished(
    trouble: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = []

    def claim(*arguments: Any) -> _state.Record:
        names.append(honest(*arguments))
        return names[-1]

    def add(index: int, shape: object) -> None:
        raise trouble

    honest = _state.claim
    monkeypatch.setattr(_state, "claim", claim)
    monkeypatch.setattr(_kernel._bucket, "add", add)
    monkeypatch.setattr(_requirements, "check", lambda shaped: _requirements.Abilities(True, False))
    expected = ConfigError if isinstance(trouble, Exception) else KeyboardInterrupt
    with pytest.raises(expected), fabric.build(ring(rate="1 Mbit/s")):
        pytest.fail("it cannot be built")
    assert left(names[0].name) == []


def test_counts_subtract() -> None:
    assert Count(5, 4, 3, 2, 1) - Count(1, 1, 1, 1, 1) == Count(4, 3, 2, 1, 0)
