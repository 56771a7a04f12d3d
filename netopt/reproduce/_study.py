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
    measure: ClassVar[str] = "distance"
    """What a curve shows: the distance to the minimiser, or a column of metrics as it is."""
    place: ClassVar[str] = "R"
    """What ``Case.at`` is in a sweep: R, bits a coordinate, or K, coordinates."""
    power: ClassVar[int] = 1
    """Of a distance, the error is (||x_k - x*|| / ||x_0 - x*||)^power."""
    seeds: ClassVar[tuple[int, int]] = (5, 2)
    """How many different seeds the full and the quick version have."""
    needs: ClassVar[tuple[str, ...]] = ()
    """Modules that the problems import and that netopt itself does without, such as torch."""

    def cases(self, request: Request) -> list[Case]:
        """Return the runs to play; ConfigError for data that do not fit."""
        raise TypeError(f"study {self.name} lists no cases")

    def short(self) -> list[Case]:
        """Return a few rounds of the quick cases: for tests, in which claims need not hold.

        A study whose data are large or must be installed apart gives others here.
        """
        return [shortened(case) for case in self.cases(Request(None, True))]

    def panels(self, results: Results) -> list[Panel]:
        """Return the figure, row by row of two panels."""
        raise TypeError(f"study {self.name} draws nothing")

    def claims(self, results: Results) -> list[Claim]:
        """Return the paper's claims, judged."""
        raise TypeError(f"study {self.name} judges nothing")

    def notes(self, results: Results) -> Sequence[str]:
        """Return parts of the page that only this study has, in Markdown, each with its heading."""
        return ()

    def files(self, results: Results) -> dict[str, str]:
        """Return further files to write beside the page, such as a table: name -> text."""
        return {}

    def deviations(self, request: Request) -> Sequence[str]:
        """Return in what this differs from the paper's own experiment, a sentence each."""
        return ()


def shortened(case: Case, rounds: int = 40) -> Case:
    """Return a case with at most ``rounds`` rounds, recorded at four places or more."""
    rounds = min(rounds, int(case.run["rounds"]))
    record = dict(case.run.get("record", {}))
    every = record["every"] = min(record.get("every", 10), max(1, rounds // 4))
    if record.get("lambda_min"):
        record["lambda_min"] = -(-record["lambda_min"] // every) * every
    return case._replace(run={**case.run, "rounds": rounds, "record": record})


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
