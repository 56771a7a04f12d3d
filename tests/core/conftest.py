"""Both implementations of the core, and every tier of the extension that runs here."""

from __future__ import annotations

import importlib
import types
from collections.abc import Iterator

import pytest

from netopt.core import grid, norms, reference, streams

try:
    extension = importlib.import_module("netopt.core._bitpack")
    TIERS = extension._tiers().split(", ")
except ImportError:
    extension, TIERS = None, ["c"]  # one test a place says that it was skipped


def using(tier: str) -> Iterator[types.ModuleType]:
    """Yield the extension with one of its tiers in use."""
    if extension is None:
        pytest.skip("the extension is not built")
    before = extension.tier()
    extension._use_tier(tier)
    yield extension
    extension._use_tier(before)


@pytest.fixture(params=TIERS)
def c_core(request: pytest.FixtureRequest) -> Iterator[types.ModuleType]:
    """Return the extension with each of its tiers in turn."""
    yield from using(request.param)


@pytest.fixture(params=[*TIERS, "numpy"])
def core(request: pytest.FixtureRequest) -> Iterator[types.ModuleType]:
    """Return the module under test: the extension with each tier, then the numpy reference."""
    if request.param == "numpy":
        everything = {**vars(reference), "Grid": grid.Grid, "norm": norms.norm}
        everything["random16_into"] = streams.random16_into
        yield types.SimpleNamespace(**everything)  # type: ignore[misc]
    else:
        yield from using(request.param)
