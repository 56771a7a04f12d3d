"""Every generator, found by itself, as a mapping that builds it."""

from __future__ import annotations

from typing import Any

import pytest

from netopt.mixing import Mixing
from netopt.registry import discover
from netopt.topologies import Generator

# Generators that cannot have a default, since the user's own data is all they are.
NEEDED: dict[str, dict[str, Any]] = {
    "edges": {"size": 4, "edges": [[0, 1], [1, 2], [2, 0], [2, 3]]},
    "explicit": {"matrix": [[0.5, 0.25, 0.25], [0.25, 0.75, 0], [0.25, 0, 0.75]]},
}


@pytest.fixture(params=discover(Generator))
def spec(request: pytest.FixtureRequest) -> dict[str, Any]:
    return {"id": request.param, **NEEDED.get(request.param, {})}


@pytest.fixture(params=sorted(set(discover(Mixing)) - {"explicit"}))
def rule(request: pytest.FixtureRequest) -> str:
    return str(request.param)
