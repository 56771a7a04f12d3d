"""The examples in docstrings run."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import netopt

# The MPI driver starts MPI when it is imported, and the command line modules run.
MODULES = [
    module.name
    for module in pkgutil.walk_packages(netopt.__path__, "netopt.")
    if not module.name.endswith((".mpi", "__main__", "_bitpack"))
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_the_front_door_has_an_example() -> None:
    assert doctest.testmod(importlib.import_module("netopt.notebook")).attempted > 0
