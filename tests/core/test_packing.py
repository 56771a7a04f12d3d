"""Which implementation is picked, and what is said when it is not the C extension."""

from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys

import pytest

from netopt.core import packing

RANKS = ["PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_RANK", "SLURM_PROCID"]
SETTINGS = [*RANKS, "NETOPT_NO_EXTENSION", "NETOPT_TIER"]
HIDE = "import sys; sys.modules['netopt.core._bitpack'] = None\n"
SHOW = """
from netopt.core import packing
import netopt.core.packing
values, out = bytes(range(8)), bytearray(3)
packing.pack_into(values, 3, out)
print(packing.implementation, packing.tier(), out.hex())
"""
HIDDEN = "import of netopt.core._bitpack halted; None in sys.modules"
needs_c = pytest.mark.skipif(
    importlib.util.find_spec("netopt.core._bitpack") is None, reason="the extension is not built"
)


def tiers():
    """The tiers that run here, slowest first."""
    return importlib.import_module("netopt.core._bitpack")._tiers().split(", ")


def python(code, **settings):
    """Run ``code`` in a fresh interpreter; return the finished process."""
    environment = {k: v for k, v in os.environ.items() if k not in SETTINGS} | settings
    command = [sys.executable, "-W", "always", "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@needs_c
@pytest.mark.parametrize("settings", [{}, {"NETOPT_NO_EXTENSION": "0"}, {"NETOPT_TIER": ""}])
def test_the_extension_is_picked_in_silence_with_its_fastest_tier(settings):
    done = python(SHOW, **settings)
    assert done.stdout == f"c {tiers()[-1]} 88c6fa\n"
    assert done.stderr == ""


@needs_c
def test_the_variable_forces_each_tier():
    assert tiers()[0] == "portable"
    for name in tiers():
        assert python(SHOW, NETOPT_TIER=name).stdout == f"c {name} 88c6fa\n"


def test_the_variable_picks_numpy_and_says_so_once():
    done = python(SHOW, NETOPT_NO_EXTENSION="1")
    assert done.stdout == "numpy numpy 88c6fa\n"
    assert done.stderr.count("RuntimeWarning") == 1
    assert (
        "RuntimeWarning: NETOPT_NO_EXTENSION disables the C extension, so bits are packed in "
        "numpy: same results, but many times slower; unset it to use C\n" in done.stderr
    )


def test_a_missing_extension_warns_once_with_cause_effect_and_cure():
    done = python(HIDE + SHOW)
    assert done.stdout == "numpy numpy 88c6fa\n"
    assert done.stderr.count("RuntimeWarning") == 1
    assert (
        f"RuntimeWarning: the C extension cannot be imported ({HIDDEN}), so bits are packed in "
        "numpy: same results, but many times slower; install a C compiler and reinstall netopt\n"
        in done.stderr
    )


@pytest.mark.parametrize("rank", RANKS)
def test_only_rank_0_warns(rank):
    assert python(HIDE + SHOW, **{rank: "1"}).stderr == ""
    assert python(HIDE + SHOW, **{rank: "0"}).stderr.count("RuntimeWarning") == 1


@needs_c
def test_an_unknown_tier_is_an_error():
    done = python(SHOW, NETOPT_TIER="avx9")
    assert done.returncode == 1
    cure = f"NETOPT_TIER must be one of: {', '.join(tiers())}; got 'avx9'"
    assert done.stderr.endswith(f"ConfigError: {cure}\n")


def test_the_import_is_light():
    heavy = ["matplotlib", "scipy", "networkx", "mpi4py", "rich", "click"]
    code = f"{HIDE}import netopt.core.packing\nprint([m for m in {heavy} if m in sys.modules])"
    assert python(code, NETOPT_NO_EXTENSION="1", PMI_RANK="1").stdout == "[]\n"


@pytest.mark.parametrize(("n", "bits", "size"), [(0, 7, 0), (1, 1, 1), (8, 3, 3), (9, 3, 4)])
def test_packed_bytes(n, bits, size):
    assert packing.packed_bytes(n, bits) == size
