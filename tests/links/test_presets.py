"""Presets: whole, told again by their own words, and not faster than physics."""

from __future__ import annotations

import math

import pytest

from netopt.links import Link, make, mapping
from netopt.links.presets import ABOUT, PLAIN, PRESETS
from netopt.topologies._earth import FIBRE, LIGHT, great_circle, seconds

every = pytest.mark.parametrize("name", PRESETS)


def test_every_preset_says_what_it_stands_for():
    assert list(PRESETS) == list(ABOUT)


@every
def test_a_preset_builds_and_its_config_builds_it_again(name):
    link = make(name, "$.link")
    assert make(link.config(), "$") == link
    assert make(mapping(name, "$"), "$") == link
    assert make({"id": name}, "$") == link
    assert make(link.config(), "$").config() == link.config()


@every
def test_a_preset_is_whole(name):
    """On an edge it replaces all that the other edges have, but what happens after a loss."""
    physical = {*PLAIN, "rate", "latency", "mtu", "overhead"}
    assert set(Link.__struct_fields__) - physical == {"on_loss", "resend_after"}
    assert physical <= set(PRESETS[name])
    assert "on_loss" not in PRESETS[name]


@every
def test_a_preset_is_no_faster_than_its_medium_and_no_slower_than_a_minute_a_kilobyte(name):
    link = make(name, "$")
    assert link.rate is not None
    assert link.latency > 0
    assert link.seconds(1000) < 60
    assert 0.5 < 8 * (link.mtu - link.overhead) / link.bits(link.mtu - link.overhead) < 1


def test_changes_are_put_over_a_preset():
    wifi = make("wifi", "$")
    changed = make({"id": "wifi", "latency": "9 ms", "loss": 0.2}, "$")
    assert changed.latency == 0.009
    assert changed.loss == 0.2
    assert (changed.rate, changed.duplex, changed.mtu) == (wifi.rate, "half", 1500)
    assert make({"id": "wifi", "rate": None}, "$").rate is None
    assert make("wifi", "$") == wifi


def test_space_is_as_far_as_it_is():
    low_orbit, geostationary = 550, 35_786  # km above the ground
    assert make("satellite", "$").latency > 2 * geostationary / LIGHT
    assert make("leo", "$").latency > 2 * low_orbit / LIGHT
    london, new_york = (51.51, -0.13), (40.71, -74.01)
    straight = seconds(great_circle(london, new_york), FIBRE)
    assert straight < make("transatlantic", "$").latency < 1.5 * straight


def time_on_air(factor, size):
    """Semtech AN1200.13: 125 kHz, coding rate 4/5, explicit header, checksum, 8 of preamble."""
    symbol = 2**factor / 125e3
    slow = factor >= 11  # low data rate optimization
    blocks = math.ceil((8 * size - 4 * factor + 28 + 16) / (4 * (factor - 2 * slow)))
    return (12.25 + 8 + 5 * max(blocks, 0)) * symbol


@pytest.mark.parametrize("factor", range(7, 13))
def test_lora_takes_the_time_on_air_of_its_maker(factor):
    link = make(f"lora-sf{factor}", "$")
    for size in range(10, link.mtu - link.overhead + 1):
        expected = time_on_air(factor, size + link.overhead)
        # A whole number of blocks of five symbols: half of one is the best a rate can do.
        block = 5 * 2**factor / 125e3
        assert abs(link.seconds(size) - expected) < 0.02 * expected + 0.75 * block
    full = link.mtu - link.overhead
    assert link.seconds(full) == pytest.approx(time_on_air(factor, link.mtu), rel=0.02)


def test_lora_slows_down_with_its_spreading_factor():
    times = [make(f"lora-sf{factor}", "$").seconds(1000) for factor in range(7, 13)]
    assert times == sorted(times)
    assert make("lora", "$") == make("lora-sf7", "$")


def test_bluetooth_brings_what_its_longest_packets_bring():
    """Of 1 Mbit/s: 244 bytes in 2120 us of packet, 80 us of answer and two gaps of 150 us."""
    link = make("bluetooth-le", "$")
    air = 8 * (1 + 4 + 2 + 251 + 4 + 3) + 80 + 2 * 150
    assert link.seconds(244) == pytest.approx(air * 1e-6, rel=0.002)
