"""The earth knows how far two places are apart, how long a cable is, and how long light takes."""

from __future__ import annotations

from math import asin, cos, radians, sin, sqrt

Place = tuple[float, float]
"""Latitude and longitude in degrees, north and east positive."""

RADIUS = 6371.0088
"""Mean radius of the earth in km: R_1 of the International Union of Geodesy and Geophysics."""

LIGHT = 299_792.458
"""Speed of light in a vacuum, km/s."""

FIBRE = 1.468
"""Group index of standard single-mode fibre (ITU-T G.652) at 1550 nm, from makers' data sheets."""


def great_circle(a: Place, b: Place) -> float:
    """Return the distance in km on a sphere, by the haversine formula: exact also for neighbours.

    >>> round(great_circle((51.51, -0.13), (40.71, -74.01)))
    5570
    """
    (north_a, east_a), (north_b, east_b) = (map(radians, place) for place in (a, b))
    rise = sin((north_b - north_a) / 2) ** 2
    turn = sin((east_b - east_a) / 2) ** 2
    half = sqrt(rise + cos(north_a) * cos(north_b) * turn)
    return 2 * RADIUS * asin(min(half, 1.0))  # rounding must not carry opposite places past 1


def route(distance: float, detour: float | None = None) -> float:
    """Return the km of cable between places ``distance`` km apart: ``detour`` times as long.

    None takes the factor of ITU-T G.826: 1.5 below 1000 km, 1.25 above 1200 km, 1500 km between.
    """
    if detour is not None:
        return distance * detour
    return min(distance * 1.5, max(1500.0, distance * 1.25))


def seconds(length: float, refraction: float = FIBRE) -> float:
    """Return how long light takes for ``length`` km of a medium of that group index."""
    return length * refraction / LIGHT
