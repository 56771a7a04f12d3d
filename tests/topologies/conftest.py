"""Every generator, found by itself, as a mapping that builds it."""

from __future__ import annotations

from typing import Any

import pytest

from netopt.mixing import Mixing
from netopt.registry import discover, find
from netopt.topologies import Generator, load

# Generators that cannot have a default, since the user's own data is all they are.
NEEDED: dict[str, dict[str, Any]] = {
    "edges": {"size": 4, "edges": [[0, 1], [1, 2], [2, 0], [2, 3]]},
    "explicit": {"matrix": [[0.5, 0.25, 0.25], [0.25, 0.75, 0], [0.25, 0, 0.75]]},
}


SPECS = [{"id": name, **NEEDED.get(name, {})} for name in discover(Generator)]


def having(option: str) -> list[dict[str, Any]]:
    return [s for s in SPECS if option in find(Generator, s["id"]).__struct_fields__]


def undirected() -> list[dict[str, Any]]:
    return [s for s in SPECS if not load(s).directed]


@pytest.fixture(params=SPECS, ids=lambda s: s["id"])
def spec(request: pytest.FixtureRequest) -> dict[str, Any]:
    return dict(request.param)


@pytest.fixture(params=[s for s in having("size") if "edges" not in s], ids=lambda s: s["id"])
def sized(request: pytest.FixtureRequest) -> dict[str, Any]:
    return dict(request.param)


@pytest.fixture(params=having("seed"), ids=lambda s: s["id"])
def seeded(request: pytest.FixtureRequest) -> dict[str, Any]:
    return dict(request.param)


@pytest.fixture(params=undirected(), ids=lambda s: s["id"])
def two_way(request: pytest.FixtureRequest) -> dict[str, Any]:
    return dict(request.param)


@pytest.fixture(params=sorted(set(discover(Mixing)) - {"explicit"}))
def rule(request: pytest.FixtureRequest) -> str:
    return str(request.param)
