"""Topologies know who is connected to whom and with which mixing weight; they never see data."""

from __future__ import annotations
