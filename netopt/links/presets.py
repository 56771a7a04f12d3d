"""Presets of links: data alone; each is a typical value, not a promise of any product.

Times are one way. The rate of an access network (Wi-Fi, mobile, satellite) is that of its slower
direction, the upload, since an agent sends as much as it receives. Rates are net of what no packet
pays for (coding, contention, guard times); packets pay ``overhead`` and ``framing``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PLAIN: dict[str, Any] = {"jitter": "0 s", "loss": 0.0, "duplex": "full", "framing": 0}
"""What a preset has unless it says otherwise. It is whole: on an edge it replaces all of this that
the other edges have, and leaves them only what happens after a loss."""

TCP: dict[str, Any] = {"mtu": 1500, "overhead": 52}
"""A packet of 1500 bytes with 20 of IPv4 (RFC 791), 20 of TCP (RFC 9293), 12 of timestamps."""

ETHERNET: dict[str, Any] = {**TCP, "framing": 38}
"""IEEE 802.3: preamble 8, header 14, checksum 4, gap 12 bytes around each packet."""

JUMBO: dict[str, Any] = {**ETHERNET, "mtu": 9000}
"""What data centres use to have fewer packets."""

# IEEE 802.11: header of QoS data 26, LLC/SNAP 8, CCMP 16, checksum 4 bytes. A household measures
# some 200 Mbit/s of 802.11ac with two antennas; one channel carries both directions.
WIFI: dict[str, Any] = {
    **TCP,
    **{"rate": "200 Mbit/s", "latency": "1.5 ms", "jitter": "3 ms", "duplex": "half"},
    "framing": 54,
}

# LTE and NR: PDCP, RLC and MAC headers, some 8 bytes; the radio resends what it loses. 4G: Ofcom's
# drive tests of 2014 (13.6 Mbit/s up, 53 ms there and back); 5G beside a 4G core: surveys of the
# 2020s (some 20 Mbit/s up, 20 to 30 ms there and back).
MOBILE: dict[str, Any] = {**TCP, "framing": 8}

# Bluetooth Core 4.2, 1M PHY with data length extension: 1 Mbit/s on the air. Of 251 bytes of a
# packet, 7 are L2CAP's and ATT's. Around them: preamble 1, access address 4, header 2, message
# integrity 4, checksum 3 bytes, then two gaps of 150 us and an empty answer of 80 us, in which 48
# bytes would fit. A message waits for the next connection event, here every 15 ms.
BLUETOOTH_LE: dict[str, Any] = {
    **{"rate": "1 Mbit/s", "latency": "1 ms", "jitter": "15 ms", "duplex": "half"},
    **{"mtu": 251, "overhead": 7, "framing": 14 + 48},
}

# LoRaWAN Regional Parameters, EU868, 125 kHz: bit rate by spreading factor, largest packet (5 bytes
# more than their M). Framing: preamble, physical header, its checksum and the padding to whole
# symbols, as bytes at that rate, from the time on air in Semtech's AN1200.13.
_LORA = {
    7: (5470, 235, 17),
    8: (3125, 235, 21),
    9: (1760, 128, 21),
    10: (980, 64, 23),
    11: (440, 64, 21),
    12: (250, 64, 22),
}


def _lora(factor: int) -> dict[str, Any]:
    """Return LoRa at a spreading factor: half duplex, unslotted, an acknowledgement after 2 s."""
    rate, mtu, framing = _LORA[factor]
    return {
        **{"rate": f"{rate} bit/s", "latency": "1 ms", "loss": 0.05, "resend_after": "2 s"},
        # MAC header 1, frame header 7, port 1, message integrity 4.
        **{"duplex": "half", "mtu": mtu, "overhead": 13, "framing": framing},
    }


_PRESETS: dict[str, dict[str, Any]] = {
    "lan": {"rate": "1 Gbit/s", "latency": "100 us", **ETHERNET},
    # Kernel TCP between two racks, half of some 50 us there and back; RDMA is ten times faster.
    "datacenter-25g": {"rate": "25 Gbit/s", "latency": "25 us", **JUMBO},
    "datacenter-100g": {"rate": "100 Gbit/s", "latency": "25 us", **JUMBO},
    "wifi": WIFI,
    "4g": {"rate": "14 Mbit/s", "latency": "22 ms", "jitter": "10 ms", **MOBILE},
    "5g": {"rate": "20 Mbit/s", "latency": "10 ms", "jitter": "5 ms", **MOBILE},
    # New York to London: providers state some 70 ms there and back; the straight line in glass
    # would be 27 ms one way.
    "transatlantic": {"rate": "1 Gbit/s", "latency": "35 ms", "jitter": "500 us", **ETHERNET},
    # Geostationary: up and down 35 786 km is 239 ms; surveys measure some 600 ms there and back,
    # and a usual contract has 3 Mbit/s up. Framing: Generic Stream Encapsulation, ETSI TS 102 606.
    # Nobody learns of a loss before those 600 ms; TCP waits for 1 s at first (RFC 6298).
    "satellite": {
        **{"rate": "3 Mbit/s", "latency": "280 ms", "jitter": "40 ms", "resend_after": "1 s"},
        **TCP,
        "framing": 10,
    },
    # Michel et al., A first look at Starlink performance, IMC 2022: 40 to 60 ms there and back.
    # Some 17 Mbit/s up and a loss of a few in a thousand are typical; the framing is not published.
    "leo": {"rate": "17 Mbit/s", "latency": "20 ms", "jitter": "10 ms", "loss": 0.004, **TCP},
    "bluetooth-le": BLUETOOTH_LE,
    "lora": _lora(7),
    **{f"lora-sf{factor}": _lora(factor) for factor in _LORA},
}

PRESETS: Mapping[str, Mapping[str, Any]] = {n: {**PLAIN, **own} for n, own in _PRESETS.items()}
"""Options of ``Link`` by name."""

ABOUT: Mapping[str, str] = {
    "lan": "switched gigabit Ethernet in an office or a laboratory",
    "datacenter-25g": "two racks of a data centre, kernel TCP over 25 Gbit/s",
    "datacenter-100g": "two racks of a data centre, kernel TCP over 100 Gbit/s",
    "wifi": "Wi-Fi at home, one channel for both directions",
    "4g": "a phone on 4G, at the rate of its upload",
    "5g": "a phone on 5G beside a 4G core, at the rate of its upload",
    "transatlantic": "New York to London",
    "satellite": "Internet by a geostationary satellite, at the rate of its upload",
    "leo": "Internet by satellites in low orbit, at the rate of its upload",
    "bluetooth-le": "Bluetooth Low Energy, 1M PHY, a connection event every 15 ms",
    "lora": "LoRa at its fastest; a limit on the time on air (1 % in EU868) is not in the rate",
    **{f"lora-sf{factor}": f"LoRa at 125 kHz, spreading factor {factor}" for factor in _LORA},
}
"""What each preset stands for."""
