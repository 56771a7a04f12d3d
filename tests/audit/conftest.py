"""A recorded audit: three agents in a directed ring, four frames on each edge, over both libraries.

The files are what the libraries wrote: those of ``dgd`` on a quadratic with 40 coordinates.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from netopt.audit import _ledger
from netopt.audit._ledger import Entry
from netopt.audit._playing import MPICH, OPEN_MPI, Library
from netopt.audit._witness import Edge, Traffic
from netopt.report.reading import _edges

RECORDED = Path(__file__).with_name("recorded")
AGENTS = 3


@pytest.fixture(params=[MPICH, OPEN_MPI], ids=lambda library: library.family)
def library(request: pytest.FixtureRequest) -> Library:
    """Return each MPI library that can testify."""
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def heard(library: Library) -> Traffic:
    """Return what the library saw."""
    return library.read(RECORDED, AGENTS)


@pytest.fixture
def entries() -> dict[Edge, Entry]:
    """Return what the ledger has."""
    return _ledger.entries(_edges(RECORDED / "edges.csv"))
