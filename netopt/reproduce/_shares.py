"""Shares know how many of some seeded runs did a thing, and what that says of the chance of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from netopt.reproduce._claims import Claim
from netopt.reproduce._drawing import Bar, Panel

LEVEL = 0.95
"""Confidence of the intervals."""
FALSE_ALARM = 1e-3
"""Chance of a test to call two equal chances unequal, for one choice of seeds."""


class Share(NamedTuple):
    """``hits`` of ``of`` independent runs did it."""

    hits: int
    of: int

    @classmethod
    def among(cls, answers: Iterable[bool]) -> Share:
        """Return the share of true answers."""
        known = [bool(answer) for answer in answers]
        return cls(sum(known), len(known))

    @property
    def value(self) -> float:
        """Return the share, between 0 and 1."""
        return self.hits / self.of

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Return the exact (Clopper-Pearson) confidence interval of the chance."""
        from scipy.stats import beta

        tail, rest = (1 - level) / 2, self.of - self.hits
        low = 0.0 if self.hits == 0 else float(beta.ppf(tail, self.hits, rest + 1))
        high = 1.0 if rest == 0 else float(beta.ppf(1 - tail, self.hits + 1, rest))
        return low, high

    def __str__(self) -> str:
        """Return such as '24 of 50 (34 to 63 %)'."""
        low, high = self.interval()
        return f"{self.hits} of {self.of} ({100 * low:.0f} to {100 * high:.0f} %)"

    def bar(self, label: str, colour: int | None = 0) -> Bar:
        """Return the share as a row of a panel, with its interval unless it is of one run."""
        low, high = self.interval() if self.of > 1 else (None, None)
        return Bar(label, self.value, low, high, colour, f"{self.hits}/{self.of}")


def panel(title: str, label: str, bars: Iterable[Bar]) -> Panel:
    """Return a panel of shares as points in their intervals; ``label`` says of what."""
    return Panel(title, label, "", (), lowest=-0.02, highest=1.02, bars=tuple(bars), points=True)


def none(claim: str, share: Share) -> Claim:
    """Claim that no run did it."""
    return Claim(claim, f"0 of {share.of}", str(share), None, share.hits == 0)


def every(claim: str, share: Share) -> Claim:
    """Claim that all runs did it."""
    return Claim(claim, f"{share.of} of {share.of}", str(share), None, 0 < share.of == share.hits)


def published(claim: str, known: Share, share: Share) -> Claim:
    """Claim that the chance is that of a ``known`` share: Fisher's exact test, two-sided."""
    p = _fisher(known, share, "two-sided")
    return Claim(claim, str(known), f"{share}, p = {p:.2g}", None, p > FALSE_ALARM)


def more(claim: str, share: Share, other: Share) -> Claim:
    """Claim that the chance is above the one of another share: Fisher's test, one-sided."""
    p = _fisher(share, other, "greater")
    return Claim(
        claim, f"p < {FALSE_ALARM:g}", f"{share}; {other}; p = {p:.2g}", None, p < FALSE_ALARM
    )


def _fisher(share: Share, other: Share, alternative: str) -> float:
    from scipy.stats import fisher_exact

    table = [[one.hits, one.of - one.hits] for one in (share, other)]
    return float(fisher_exact(table, alternative=alternative).pvalue)
