"""Distances on the earth against other formulas, and latencies against distance over speed."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest

from netopt.errors import ConfigError
from netopt.topologies import load
from netopt.topologies._earth import FIBRE, LIGHT, RADIUS, great_circle, route, seconds

PLACES = {"A": [0, 0], "B": [0, 1], "C": [1, 1]}
QUARTER = math.pi / 2 * RADIUS


def sites(**options):
    return load({"id": "sites", "sites": PLACES, **options})


def by_vectors(a, b):
    """The angle between two points of the unit sphere, as atan2 of cross and dot product."""
    points = []
    for north, east in (a, b):
        north, east = math.radians(north), math.radians(east)
        points.append(
            (
                math.cos(north) * math.cos(east),
                math.cos(north) * math.sin(east),
                math.sin(north),
            )
        )
    cross, dot = np.linalg.norm(np.cross(*points)), np.dot(*points)
    return RADIUS * math.atan2(cross, dot)


def places(seed, count):
    """Places spread evenly over the sphere."""
    rng = np.random.default_rng(seed)
    norths = np.degrees(np.arcsin(rng.uniform(-1, 1, count)))
    return list(zip(norths.tolist(), rng.uniform(-180, 180, count).tolist(), strict=True))


def test_a_great_circle_is_the_angle_between_two_vectors():
    found = places(1, 4000)
    for a, b in zip(found[::2], found[1::2], strict=True):
        assert great_circle(a, b) == pytest.approx(by_vectors(a, b), rel=1e-9, abs=1e-6)
        assert great_circle(a, b) == great_circle(b, a)


def test_a_great_circle_is_exact_for_neighbours_and_for_opposite_places():
    for north, east in places(2, 500):
        near = (north, east + 1e-6)
        expected = RADIUS * math.radians(1e-6) * math.cos(math.radians(north))
        assert great_circle((north, east), near) == pytest.approx(expected, rel=1e-6, abs=1e-9)
        opposite = (-north, east - 180 if east > 0 else east + 180)
        # The haversine knows an angle near 180 degrees to the root of the rounding error.
        assert great_circle((north, east), opposite) == pytest.approx(2 * QUARTER, abs=1e-3)
        assert great_circle((north, east), (north, east)) == 0


def test_quarters_of_the_globe():
    for other in ((0, 90), (0, -90), (90, 0), (-90, 17)):
        assert great_circle((0, 0), other) == pytest.approx(QUARTER, rel=1e-12)
    assert great_circle((90, 0), (90, 123)) == pytest.approx(0, abs=1e-9)
    assert great_circle((10, 180), (10, -180)) == pytest.approx(0, abs=1e-9)
    assert pytest.approx(10_007.5, abs=0.1) == QUARTER


def test_the_triangle_inequality():
    for a, b, c in zip(*[iter(places(3, 1500))] * 3, strict=True):
        assert great_circle(a, c) <= great_circle(a, b) + great_circle(b, c) + 1e-9


@pytest.mark.parametrize(
    ("distance", "length"),
    [(0, 0), (100, 150), (999, 1498.5), (1000, 1500), (1100, 1500), (1200, 1500), (1300, 1625)],
)
def test_a_cable_is_as_long_as_g826_says(distance, length):
    assert route(distance) == length
    assert route(distance, 1.1) == distance * 1.1


def test_a_longer_way_never_has_a_shorter_cable():
    lengths = [route(distance) for distance in range(0, 5000, 7)]
    assert lengths == sorted(lengths)


def test_the_latency_is_length_over_the_speed_of_light_in_the_cable():
    for options in ({}, {"detour": 1}, {"detour": 1.7}, {"refraction": 1.0}):
        graph = sites(**options)
        for i, j in graph.edges:
            distance = by_vectors(list(PLACES.values())[i], list(PLACES.values())[j])
            length = distance * (options.get("detour") or 1.5)
            speed = 299_792_458 / options.get("refraction", 1.468)
            assert graph.link(i, j).latency == pytest.approx(length * 1000 / speed, rel=1e-9)
            assert graph.link(i, j) == graph.link(j, i)
            assert graph.link(i, j).rate is None
    assert seconds(1000) == pytest.approx(4.897e-3, rel=1e-3)  # the usual 4.9 us a km


def test_a_cables_own_length_is_what_counts():
    cables = [["A", "B", 1234], ["C", "B"]]
    graph = sites(cables=cables, detour=1.3)
    assert graph.edges == ((0, 1), (1, 0), (1, 2), (2, 1))
    assert graph.link(0, 1).latency == graph.link(1, 0).latency == 1234 * FIBRE / LIGHT
    assert graph.link(1, 2).latency == pytest.approx(1.3 * 111.195 * FIBRE / LIGHT, rel=1e-4)


def test_without_cables_every_two_sites_have_one():
    assert set(sites().edges) == {(i, j) for i in range(3) for j in range(3) if i != j}
    graph = load("sites")
    assert graph.size == 3
    assert graph.wired


def test_agents_are_numbered_in_the_order_of_the_sites():
    backwards = dict(reversed(PLACES.items()))
    graph = load({"id": "sites", "sites": backwards, "cables": [["A", "B"], ["B", "C"]]})
    assert graph.edges == ((0, 1), (1, 0), (1, 2), (2, 1))
    assert list(graph.spec["sites"]) == ["C", "B", "A"]
    far = load(
        {"id": "sites", "sites": {"C": [0, 9], **PLACES}, "cables": [["A", "C"], ["A", "B"]]}
    )
    assert far.edges == ((0, 1), (1, 0), (1, 2), (2, 1))


def test_a_latency_that_is_given_replaces_that_of_the_distance():
    natural = sites()
    graph = sites(link={"rate": "1 Gbit/s"}, links={"0-1": {"loss": 0.1}, "1->2": "lan"})
    assert graph.link(0, 2).latency == natural.link(0, 2).latency
    assert graph.link(0, 2).rate == 1e9
    assert graph.link(0, 1).latency == natural.link(0, 1).latency
    assert graph.link(0, 1).loss == 0.1
    assert graph.link(1, 2).latency == 1e-4
    assert graph.link(2, 1).latency == natural.link(2, 1).latency
    assert {link.latency for link in sites(link="wifi").links.values()} == {0.0015}


def test_any_network_has_the_latencies_of_its_distances():
    rng = np.random.default_rng(9)
    for seed in range(20):
        named = {f"site {i}": list(place) for i, place in enumerate(places(seed, 7))}
        pairs = list(combinations(named, 2))
        cables = [list(pairs[k]) for k in sorted(rng.permutation(len(pairs))[:9])]
        cables += [list(pair) for pair in zip(named, list(named)[1:], strict=False)]
        cables = [list(pair) for pair in dict.fromkeys(map(tuple, cables))]
        graph = load({"id": "sites", "sites": named, "cables": cables, "detour": 1})
        names = list(named)
        ends = {(names.index(a), names.index(b)) for a, b in cables}
        assert set(graph.edges) == ends | {(j, i) for i, j in ends}
        for i, j in graph.edges:
            distance = by_vectors(named[names[i]], named[names[j]])
            assert graph.link(i, j).latency == pytest.approx(distance * FIBRE / LIGHT, rel=1e-9)


CHOOSE = "; choose from A, B, C"
SITE = "a site is [latitude, longitude]"
CABLE = "a cable is [site, site] or [site, site, km], got"
APART = "add some until every site reaches every other"
TWO = {"Seattle": [1, 1], "Denver": [2, 2]}
SITES = [
    ({"A": [91, 0]}, f".A: a latitude is -90 to 90 degrees, got 91; {SITE}"),
    ({"A": [-122.3, 47.6]}, f".A: a latitude is -90 to 90 degrees, got -122.3; {SITE}"),
    ({"A": [0, 180.5]}, f".A: a longitude is -180 to 180 degrees, got 180.5; {SITE}"),
    ({"A": 5}, f".A: {SITE} in degrees, got 5"),
    ({"A": [1]}, f".A: {SITE} in degrees, got [1]"),
    ({"A": ["47 N", 1]}, ".A: expected float, got str; the value is '47 N'"),
    ({"A": [float("nan"), 1]}, ".A: expected a finite number; the value is nan"),
    ({}, ": expected mapping of length >= 1; the value is {}"),
    (["A"], ": expected mapping, got list; the value is ['A']"),
]
CABLES = [
    ([["A", "B"], ["A", "D"]], f"[1]: no site is called 'D'{CHOOSE}"),
    ([[1, "B"]], f"[0]: no site is called '1'{CHOOSE}"),
    ([["A", "A"]], "[0]: a cable from A to itself carries nothing; name two sites"),
    (
        [["A", "B"], ["B", "C"], ["B", "A", 7]],
        "[2]: the cable B - A is there already; delete one",
    ),
    ([["A"]], f"[0]: {CABLE} ['A']"),
    ([["A", "B", 1, 2]], f"[0]: {CABLE} ['A', 'B', 1, 2]"),
    (["A-B"], f"[0]: {CABLE} 'A-B'"),
    ([["A", "B", 0]], "[0]: expected a length of more than 0 km, got 0"),
    ([["A", "B", "far"]], "[0]: expected float, got str; the value is 'far'"),
    ([["A", "B"]], f": no cables lead from A to C; {APART}"),
    ([], f": no cables lead from A to B; {APART}"),
    ("A-B", ": expected list | null, got str; the value is 'A-B'"),
]
WRONG = [
    *[({"sites": given}, f".sites{message}") for given, message in SITES],
    *[({"cables": given}, f".cables{message}") for given, message in CABLES],
    (
        {"sites": TWO, "cables": [["Seatle", "Denver"]]},
        ".cables[0]: no site is called 'Seatle'; did you mean 'Seattle'?",
    ),
    ({"detour": 0.9}, ".detour: expected float >= 1.0; the value is 0.9"),
    ({"refraction": 0}, ".refraction: expected float >= 1.0; the value is 0"),
    ({"refract": 1}, ".refract: sites has no option 'refract'; did you mean 'refraction'?"),
]


@pytest.mark.parametrize(("options", "message"), WRONG, ids=str)
def test_a_wrong_network_says_where_what_and_the_cure(options, message):
    with pytest.raises(ConfigError) as caught:
        sites(**options)
    assert str(caught.value) == f"$.topology{message}"
