"""An oracle for queues: bits are poured through them in small steps of time, and then counted.

It shares no arithmetic with netopt: a frame is a curve, bits that have come by each step.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

STEP = 0.02
STEPS = 6000


class Parcel(NamedTuple):
    """A frame of ``bits`` that is ready in an exchange at a time (s), with what chance has for it.

    Rates (bit/s, None for no limit) and delay (s) are those on its own way.
    """

    source: int
    target: int
    bits: int
    exchange: int
    ready: float
    uplink: float | None
    rate: float | None
    downlink: float | None
    delay: float
    half: bool = False
    resent: int = 0
    resend_after: float = 0.0


def arrivals(parcels):
    """Return when each parcel is whole, in seconds, to a few steps."""
    curves = [_from(parcel.ready, parcel.bits) for parcel in parcels]
    for _, ours in _groups(parcels, lambda p: p.source):
        ours.sort(key=lambda i: (parcels[i].exchange, parcels[i].target))
        _serve(ours, curves, [p.uplink for p in parcels], [1 + p.resent for p in parcels])
    left = list(curves)
    for _, ours in _groups(parcels, lambda p: _channel(p)):
        ours.sort(key=lambda i: (parcels[i].exchange, _first(left[i]), parcels[i][:2]))
        _line(ours, parcels, curves)
    for _, ours in _groups(parcels, lambda p: (p.source, p.target)):
        _delay(sorted(ours, key=lambda i: parcels[i].exchange), parcels, curves)
    for _, ours in _groups(parcels, lambda p: p.target):
        ours.sort(key=lambda i: (parcels[i].exchange, _first(curves[i]), parcels[i].source))
        _serve(ours, curves, [p.downlink for p in parcels], [1] * len(parcels))
    return [_last(curve) for curve in curves]


def _groups(parcels, key):
    found = {}
    for i, parcel in enumerate(parcels):
        found.setdefault(key(parcel), []).append(i)
    return found.items()


def _channel(parcel):
    pair = (parcel.source, parcel.target)
    return tuple(sorted(pair)) if parcel.half else pair


def _from(time, bits):
    return np.where(np.arange(STEPS) * STEP >= time - 1e-9, float(bits), 0.0)


def _first(curve):
    """The step in which something comes, before which nothing has."""
    return int(np.argmax(curve > 0))


def _last(curve):
    assert curve[-1] > 0, "the clock of the test ran out"
    return float(np.argmax(curve >= curve[-1] - 1e-6)) * STEP


def _pour(curve, rate, start):
    """Serve one curve from step ``start`` on; return what leaves and the step when all has left.

    What is left of a step's capacity is lost: one step a frame, which the tolerance has.
    """
    out = np.zeros(STEPS)
    gone, at = 0.0, start
    while gone < curve[-1] - 1e-6:
        room = np.inf if rate is None else rate * STEP
        gone = min(gone + room, curve[at])
        out[at] = gone
        at += 1
    out[at:] = gone
    return out, at - 1


def _serve(order, curves, rates, copies):
    free = 0
    for i in order:
        if rates[i] is None:
            continue
        begin = max(free, _first(curves[i]))
        curves[i], end = _pour(curves[i], rates[i], begin)
        free = begin + copies[i] * (end - begin)


def _line(order, parcels, curves):
    free = 0
    for i in order:
        parcel, bits = parcels[i], parcels[i].bits
        curve, end = _pour(curves[i], parcel.rate, max(free, _first(curves[i])))
        for _ in range(parcel.resent):
            again = end + round(parcel.resend_after / STEP)
            pace = bits if parcel.uplink is None else parcel.uplink * STEP
            came = np.clip((np.arange(STEPS) - again + 1) * pace, 0.0, bits)
            curve, end = _pour(came, parcel.rate, again)
        curves[i], free = curve, end


def _delay(order, parcels, curves):
    """Shift, and let none overtake another on the same edge."""
    before = 0
    for i in order:
        by = round(parcels[i].delay / STEP)
        late = np.concatenate([np.zeros(by), curves[i]])[:STEPS]
        late[:before] = 0.0
        curves[i] = late
        before = int(np.argmax(late >= late[-1] - 1e-6))
