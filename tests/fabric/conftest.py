"""What the tests of the kernel fabric need: Linux, root and tbf, or they say what is missing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from netopt.errors import ConfigError
from netopt.fabric import _requirements

sys.path.append(str(Path(__file__).parent))  # for networks.py


@pytest.fixture(scope="session")
def kernel() -> _requirements.Abilities:
    """Return what this kernel can do; skip the test where it cannot build a fabric."""
    try:
        return _requirements.check(True)
    except ConfigError as error:
        pytest.skip(str(error))
