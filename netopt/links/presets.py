"""Presets of links: data alone; each is a typical value, not a promise of any product."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ETHERNET = {"mtu": 1500, "overhead": 52, "framing": 38}
"""IPv4 and TCP with timestamps in 1500 bytes; preamble, header, checksum and gap around them."""

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "lan": {"rate": "1 Gbit/s", "latency": "100 us", **ETHERNET},
}
"""Options of ``Link`` by name."""
