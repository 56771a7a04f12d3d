"""The methods of the two studies over images: each with its codecs and a step size tuned here."""

from __future__ import annotations

from typing import Any, NamedTuple

from netopt.reproduce._images import FLOATS

REFERENCE = "Avdiukhin and Yaroslavtsev, Escaping saddle points with compressed SGD, NeurIPS 2021"
WORKERS = 8


def random(fraction: float) -> dict[str, Any]:
    """Return RandomK on coordinates that all agents have in common."""
    return {"id": "randk", "indices": "common", "unbiased": False, "fraction": fraction}


def largest(fraction: float) -> dict[str, Any]:
    """Return TopK."""
    return {"id": "topk", "fraction": fraction}


class Method(NamedTuple):
    """A method with its codecs up and down; ``scale`` is its step over that of plain SGD.

    ``bits`` is the payload of a worker and round in both directions, from d and n, the number of
    coordinates that a sparse codec sends; None if it depends on the data.
    """

    series: str
    id: str
    up: dict[str, Any]
    down: dict[str, Any]
    scale: float = 1.0
    share: float | None = None

    def run(self, lr: float, noise: float | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the mappings of algorithm and codecs; ``noise`` is r, if the method has one."""
        algorithm = {"id": self.id, "lr": lr * self.scale}
        if self.id in ("compressed-sgd", "perturbed-sgd"):
            algorithm["r"] = noise or 0.0
        return algorithm, {"up": self.up, "down": self.down}

    def bits(self, d: int) -> int | None:
        """Return the payload of one worker in a round, up and down; None if the data decide."""
        if self.id == "sign-sgd":
            return 2 * d
        if self.id == "ef-sgd":
            return 2 * (d + 32)
        if self.id == "qsgd":
            return 32 + 4 * d + 32 * d
        if self.up == FLOATS:
            return 64 * d
        if self.share is not None and self.up["id"] == "randk":
            return 64 * max(1, round(self.share * d))
        return None


SGD = Method("SGD", "sgd", FLOATS, FLOATS)
QSGD = Method("QSGD, 4 bits", "qsgd", {"id": "qsgd", "levels": 4, "floor": 1e-30}, FLOATS)
SIGN = Method("signSGD, majority", "sign-sgd", {"id": "sign-bits"}, {"id": "sign-bits"}, 0.005)
EF_SIGN = Method("EF-SGD, scaled sign", "ef-sgd", {"id": "sign"}, {"id": "sign"})


def compressed(kind: str, percent: float, scale: float = 1.0) -> Method:
    """Return compressed SGD that sends a share of the coordinates: RandomK both ways, or TopK up.

    The sum of what TopK sends is dense, so that it comes down as float32.
    """
    share = percent / 100
    name = f"{kind} {percent:g} %"
    if kind == "RandomK":
        return Method(name, "compressed-sgd", random(share), random(share), scale, share)
    return Method(name, "compressed-sgd", largest(share), FLOATS, scale, share)


RANDOM = tuple(compressed("RandomK", p, s) for p, s in ((10, 1.0), (1, 1.0), (0.1, 0.25)))
TOP = tuple(compressed("TopK", p, s) for p, s in ((10, 1.0), (1, 1.0), (0.1, 0.25)))
ALL = (SGD, *RANDOM, *TOP, SIGN, EF_SIGN, QSGD)
