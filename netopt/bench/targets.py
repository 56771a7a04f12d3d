"""What the packer is meant to reach on each tier, and whether a run's rows reach it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

Row = dict[str, Any]


class Target(NamedTuple):
    """``measure`` of every row for which ``takes`` holds is to be at least ``least[tier]``."""

    item: str
    least: dict[str, float]
    takes: Callable[[Row], bool]
    measure: Callable[[Row], float]
    unit: str


def _packing(kernel: str, low: int, high: int, n: int) -> Callable[[Row], bool]:
    return lambda row: (
        row.get("kernel") in kernel.split("|")
        and row["carrier"] == "uint32"
        and low <= row["bits"] <= high
        and row["n"] == n
    )


def _fused(kernel: str, n: int) -> Callable[[Row], bool]:
    wanted = (kernel, "float32", 4, n)
    return lambda row: (
        row.get("kernel") is not None
        and (row["kernel"], row["carrier"], row["bits"], row["n"]) == wanted
    )


def _times(rival: str) -> Callable[[Row], float]:
    return lambda row: float((row.get(f"{rival}_seconds") or 0.0) / row["seconds"])


def _ratio(row: Row) -> float:
    return float(row["ratio"])


def _by_tier(avx512: float, avx2: float) -> dict[str, float]:
    return {"avx512": avx512, "avx2": avx2}


def _against_memcpy() -> Iterable[Target]:
    for item, takes, least in (
        ("pack uint32, 1..8 bits, n = 1e5", _packing("pack", 1, 8, 10**5), (0.95, 0.75)),
        ("pack uint32, 1..8 bits, n = 1e7", _packing("pack", 1, 8, 10**7), (1.0, 1.0)),
        ("pack uint32, 9..16 bits, n = 1e5", _packing("pack", 9, 16, 10**5), (0.9, 0.7)),
        ("unpack uint32, 1..16 bits, n = 1e5", _packing("unpack", 1, 16, 10**5), (0.9, 0.8)),
        ("unpack uint32, 1..16 bits, n = 1e7", _packing("unpack", 1, 16, 10**7), (1.0, 1.0)),
        ("either, 1..16 bits, n = 1e3", _packing("pack|unpack", 1, 16, 10**3), (0.7, 0.5)),
        ("y += w decoded, 4 bits, n = 1e5", _fused("decode and add", 10**5), (1.1, 0.85)),
        ("y += w decoded, 4 bits, n = 1e7", _fused("decode and add", 10**7), (1.5, 1.3)),
    ):
        yield Target(item, _by_tier(*least), takes, _ratio, "x memcpy")


def _against_numpy() -> Iterable[Target]:
    for stream, rival, least in (
        ("fast", "tuned", (30, 22)),
        ("fast", "naive", (80, 60)),
        ("philox", "tuned", (14, 9)),
        ("philox", "naive", (38, 25)),
    ):
        takes = _fused(f"quantize {stream}", 10**6)
        wanted = _by_tier(*least)
        if (stream, rival) == ("fast", "tuned"):
            wanted["portable"] = 7
        name = f"quantize and pack float32, 4 bits, {stream}"
        yield Target(name, wanted, takes, _times(f"numpy_{rival}"), f"x {rival} numpy")
    every = _packing("pack|unpack", 1, 32, 10**5)
    yield Target("pack and unpack, n = 1e5", {"portable": 3}, every, _times("naive"), "x naive C")


def _break_even() -> Iterable[Target]:
    for codec in ("qsgd levels=7 norm=l2 block=0",):
        yield Target(
            "break-even link, 4 bits from float32",
            _by_tier(80, 50),
            lambda row, codec=codec: row.get("codec") == codec,  # type: ignore[misc]
            lambda row: float(row["gbit_s"]),
            "Gbit/s",
        )


TARGETS = (*_against_memcpy(), *_against_numpy(), *_break_even())


def judge(rows: Iterable[Row], tier: str) -> list[Row]:
    """Return a row a target of this tier: ``item wanted unit worst at median held``.

    ``worst`` is the least measured, ``at`` where; targets without a row are left out.
    """
    known, found = list(rows), []
    for target in TARGETS:
        taken = [row for row in known if target.takes(row)]
        if tier not in target.least or not taken:
            continue
        measured = sorted((target.measure(row), _place(row)) for row in taken)
        worst, place = measured[0]
        wanted = target.least[tier]
        found.append(
            {
                "item": target.item, "wanted": wanted, "unit": target.unit, "worst": worst,
                "at": place, "median": measured[len(measured) // 2][0], "held": worst >= wanted,
            }
        )  # fmt: skip
    return found


def _place(row: Row) -> str:
    if "codec" in row:
        return str(row["codec"])
    return f"{row['kernel']} {row['bits']} bits"


def judge_calls(rows: Iterable[Row]) -> list[Row]:
    """Return the targets of the call itself: at most 4 empty calls, and a third of packbits."""
    seconds = {row["call"]: row["seconds"] for row in rows}
    empty, found = seconds.get("an empty call"), []
    for n in (8, 256):
        for name in (f"pack_into n={n}", f"unpack_into n={n}"):
            for rival, most in ((empty, 4.0), (seconds[f"np.packbits n={n}"], 1 / 3)):
                if rival is None:
                    continue
                times = seconds[name] / rival
                unit = "x an empty call" if rival is empty else "x np.packbits"
                found.append(
                    {
                        "item": f"call of {name}", "wanted": most, "unit": unit, "worst": times,
                        "at": "", "median": times, "held": times <= most,
                    }
                )  # fmt: skip
    return found
