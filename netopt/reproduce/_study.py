"""A study knows one figure of a paper: what to play, what to draw, and what has to come out."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from typing import ClassVar

import netopt.reproduce as package
from netopt.errors import ConfigError
from netopt.registry import suggest
from netopt.reproduce._cases import Case, Request
from netopt.reproduce._claims import Claim
from netopt.reproduce._curves import Results
from netopt.reproduce._drawing import Panel


class Study:
    """Base of every study: a file in a paper's folder holds one subclass, called as it likes."""

    name: ClassVar[str] = ""
    """Set by ``find``: the folder and the file, such as dq-gd/contraction."""
    shows: ClassVar[str] = ""
    """One line for the list."""
    paper: ClassVar[str] = ""
    """What the paper says, in a paragraph; ``reference`` says which one."""
    reference: ClassVar[str] = ""
    data: ClassVar[str] = ""
    """The default data, in words if they are drawn."""
    power: ClassVar[int] = 1
    """The error is (||x_k - x*|| / ||x_0 - x*||)^power."""

    def cases(self, request: Request) -> list[Case]:
        """Return the runs to play; ConfigError for data that do not fit."""
        raise TypeError(f"study {self.name} lists no cases")

    def panels(self, results: Results) -> list[Panel]:
        """Return the figure, row by row of two panels."""
        raise TypeError(f"study {self.name} draws nothing")

    def claims(self, results: Results) -> list[Claim]:
        """Return the paper's claims, judged."""
        raise TypeError(f"study {self.name} judges nothing")

    def deviations(self, request: Request) -> Sequence[str]:
        """Return in what this differs from the paper's own experiment, a sentence each."""
        return ()


def find(name: str) -> Study:
    """Return the study called ``name``; ConfigError with a suggestion if there is none."""
    known = names()
    if name not in known:
        raise ConfigError(
            f"no study is called '{name}'"
            f"{suggest(name, known) or '; choose from ' + ', '.join(known)}"
        )
    module = importlib.import_module(f"{package.__name__}.{known[name]}")
    made = [
        kind
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Study) and kind.__module__ == module.__name__
    ]
    (kind,) = made
    kind.name = name
    return kind()


def names() -> dict[str, str]:
    """Return the studies there are: name -> module within this package, sorted."""
    found = {}
    for folder in pkgutil.iter_modules(package.__path__):
        if folder.ispkg:
            below = importlib.import_module(f"{package.__name__}.{folder.name}")
            for module in pkgutil.iter_modules(below.__path__):
                if not module.name.startswith("_"):
                    place = f"{folder.name}.{module.name}"
                    found[place.replace(".", "/").replace("_", "-")] = place
    return dict(sorted(found.items()))
