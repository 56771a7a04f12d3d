"""The decentralized methods that are compared with themselves uncompressed, and on which graphs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from netopt.algorithms import Algorithm
from netopt.codecs import Codec
from netopt.registry import build
from netopt.reproduce._cases import Case
from netopt.topologies import load

PROBLEM = {"id": "logistic"}
"""Ten digits, a class or two an agent: the default, and hard for methods that only average."""
GRAPHS: dict[str, Any] = {
    "ring of 8": "ring-8",
    "random geometric graph of 8": {"id": "random-geometric", "size": 8, "seed": 1},
}
LR = 0.1
FLOATS = {"id": "raw", "dtype": "float32"}
EIGHT_BITS = {"id": "qsgd", "levels": 127, "norm": "linf", "block": 64, "floor": 1e-30}
FOUR_BITS = {**EIGHT_BITS, "levels": 7}
TENTH = {"id": "topk", "fraction": 0.1}
THREE_BITS = {"id": "dithering", "levels": 2, "coding": "fixed"}
SWITCHING = {"id": "switching", "levels": 64}
# The rates of QGD's largest experiment but for c_e, which a coarser grid has smaller.
SCHEDULE = {"r": 0.3, "a": 0.6, "b": 0.9, "t0": 200, "c_k": 1.0, "c_e": 0.3, "c_g": 0.5}


class Method(NamedTuple):
    """A method, its ``codec`` and what it is called; ``bare`` is its own uncompressed run.

    ``ideal`` is the same without compression and with the largest gamma or eta that the method
    takes then, if that is another: what the coarse codec costs in all.
    """

    series: str
    algorithm: dict[str, Any]
    codec: dict[str, Any]
    bare: str
    ideal: str | None = None

    def codecs(self, codec: Mapping[str, Any]) -> dict[str, Any]:
        """Return ``codec`` for all channels of the method."""
        channels = build(Algorithm, self.algorithm).channels
        return {channel.name: codec for channel in channels if not channel.telling}


def sized(name: str, **more: Any) -> dict[str, Any]:
    """Return the mapping of an algorithm with the step that all have in common."""
    return {"id": name, "lr": LR, **more}


QGD = {"id": "qgd", "schedule": {"id": "sample-and-hold", **SCHEDULE}}
CHOCO, COARSE_CHOCO = sized("choco-sgd", gamma=0.75), sized("choco-sgd", gamma=0.1)
SQUEEZE = sized("deep-squeeze", eta=0.375)
METHODS = (
    Method("DGD, 8.5 bits", sized("dgd"), EIGHT_BITS, "DGD"),
    Method("CDSGD, 8.5 bits", sized("cdsgd", momentum="polyak"), EIGHT_BITS, "CDSGD"),
    Method("CDMSGD, 8.5 bits", sized("cdsgd", momentum="nesterov"), EIGHT_BITS, "CDMSGD"),
    Method("QGD, 8 bits", QGD, SWITCHING, "QGD"),
    Method("DCD-PSGD, 8.5 bits", sized("dcd-psgd"), EIGHT_BITS, "DCD-PSGD"),
    Method("CHOCO-SGD, 4.5 bits", CHOCO, FOUR_BITS, "CHOCO-SGD, gamma .75", "CHOCO-SGD, gamma 1"),
    Method("CHOCO-SGD, top 10 %", COARSE_CHOCO, TENTH, "CHOCO-SGD, gamma .1", "CHOCO-SGD, gamma 1"),
    Method(
        "DeepSqueeze, 4.5 bits", SQUEEZE, FOUR_BITS, "DeepSqueeze, eta .375", "DeepSqueeze, eta 1"
    ),
    Method(
        "gradient tracking, 8.5 bits", sized("gradient-tracking"), EIGHT_BITS, "gradient tracking"
    ),
    Method(
        "perturbed tracking, 8.5 bits",
        sized("perturbed-gradient-tracking"),
        EIGHT_BITS,
        "perturbed tracking",
    ),
    Method("BEER, 4.5 bits", sized("beer", gamma=0.5), FOUR_BITS, "BEER, gamma .5"),
    Method("BEER, top 10 %", sized("beer", gamma=0.2), TENTH, "BEER, gamma .2", "BEER, gamma .5"),
    Method("LEAD, 3 bits", sized("lead"), THREE_BITS, "LEAD"),
)
IDEALS = {
    "CHOCO-SGD, gamma 1": sized("choco-sgd", gamma=1),
    "BEER, gamma .5": sized("beer", gamma=0.5),
    "DeepSqueeze, eta 1": sized("deep-squeeze", eta=1),
}
DIRECT = Method("DGD, 3 bits", sized("dgd"), THREE_BITS, "DGD")
"""The iterate itself in LEAD's codec: what it is good for to send differences."""
GAMMA = 0.75
GOSSIP = Method(
    "CHOCO-Gossip, 4.5 bits", {"id": "choco-gossip", "gamma": GAMMA}, FOUR_BITS, "CHOCO-Gossip"
)
ALL = (*METHODS, DIRECT, GOSSIP)


def played(method: Method) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Yield (series, algorithm, codecs) of a method compressed, bare and ideal."""
    yield method.series, method.algorithm, method.codecs(method.codec)
    yield method.bare, method.algorithm, method.codecs(FLOATS)
    if method.ideal:
        yield method.ideal, IDEALS[method.ideal], method.codecs(FLOATS)


def cases(rounds: int, seeds: int, every: int, problem: Mapping[str, Any] = PROBLEM) -> list[Case]:
    """Return every method and its uncompressed runs, once each, on both graphs."""
    found: dict[str, Case] = {}
    for group, graph in GRAPHS.items():
        for method in ALL:
            for series, algorithm, codecs in played(method):
                for seed in range(1, seeds + 1):
                    run = {
                        **{"seed": seed, "rounds": rounds, "problem": problem, "topology": graph},
                        **{"algorithm": algorithm, "codecs": codecs, "record": {"every": every}},
                    }
                    case = Case(series, run, None, group)
                    found.setdefault(case.name, case)
    return list(found.values())


def bits_a_round(run: Mapping[str, Any], d: int) -> int | None:
    """Return the payload bits of a round on all edges; None if a codec's depend on the data."""
    algorithm = build(Algorithm, run["algorithm"])
    sizes = []
    for channel in algorithm.channels:
        bits = build(Codec, run["codecs"][channel.name]).nbits(d)
        sizes.append(None if bits is None else channel.vectors * bits)
    carried = [sizes[c] for _, _, c in algorithm.traffic(load(run["topology"]))]
    known = [bits for bits in carried if bits is not None]
    return sum(known) if len(known) == len(carried) else None
