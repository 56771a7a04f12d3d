"""netopt: distributed optimization over real, bit-packed, counted messages."""

from __future__ import annotations

__version__ = "0.1.0"
