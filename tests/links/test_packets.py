"""What a frame takes on the wire, against a cutter that makes every packet."""

from __future__ import annotations

import numpy as np
import pytest

from netopt.links import IDEAL, Link, make
from netopt.links.presets import PRESETS


def cut(frame, room):
    """Return the pieces of a frame, of at most ``room`` bytes each; an empty frame is sent too."""
    pieces = [frame]
    while room is not None and len(pieces[-1]) > room:
        last = pieces.pop()
        pieces += [last[:room], last[room:]]
    return pieces


def on_the_wire(link, size):
    """Return the packets of a frame as bytes, with all headers."""
    room = None if link.mtu is None else link.mtu - link.overhead
    header = bytes(link.overhead + link.framing)
    return [header + piece for piece in cut(bytes(size), room)]


def links():
    rng = np.random.default_rng(7)
    for _ in range(60):
        overhead, framing, room = (int(x) for x in rng.integers((0, 0, 1), (60, 60, 200)))
        mtu = None if rng.random() < 0.2 else overhead + room
        yield Link(mtu=mtu, overhead=overhead, framing=framing, rate=float(rng.uniform(1, 1e9)))
    yield from (make(name, "$") for name in PRESETS)
    yield IDEAL


def test_packets_and_bits_are_those_of_a_cutter():
    rng = np.random.default_rng(8)
    for link in links():
        room = (link.mtu or 1000) - link.overhead
        edges = [room * k + o for k in (1, 2, 3) for o in (-1, 0, 1)]
        for size in {0, 1, 2, *map(int, rng.integers(0, 3000, 20)), *edges}:
            packets = on_the_wire(link, size)
            assert link.packets(size) == len(packets)
            assert link.bits(size) == 8 * sum(map(len, packets))
            assert all(link.mtu is None or len(p) <= link.mtu + link.framing for p in packets)


def test_seconds_are_bits_over_the_rate():
    for link in links():
        for size in (0, 1, 1448, 1449, 10**7):
            expected = 0.0 if link.rate is None else link.bits(size) / link.rate
            assert link.seconds(size) == expected


def test_a_gigabit_of_full_packets_leaves_94_percent_to_the_frame():
    lan = make("lan", "$")  # 1448 of 1538 bytes, as every iperf on gigabit Ethernet shows
    size = 1448 * 10_000
    assert 8 * size / lan.seconds(size) == pytest.approx(0.9415e9, rel=1e-4)


def test_nothing_is_charged_without_headers():
    for size in (0, 1, 999):
        assert IDEAL.bits(size) == 8 * size
        assert IDEAL.seconds(size) == 0
    assert IDEAL.ideal
    assert not Link(loss=0.1).ideal
    assert not Link(rate="1 Mbit/s").ideal
    assert not Link(latency="1 ms").ideal
    assert not Link(jitter="1 ms").ideal
