"""Boards: which there are, and how what a branch's people earned is made comparable."""

from dataclasses import dataclass

from api.points.rules import packing
from api.points.rules.packing import Packing

PEOPLE = "people"
WHOLE = ""

METHODS = ("per_head", "best_n", "participation")
FEW_PEOPLE = 10
BANDS = ("1-10", "11-30", "31-100", "101+")
_BAND_LIMITS = (10, 30, 100)


@dataclass(frozen=True, slots=True)
class Place:
    """A board in a period, whole or within a scope: "unit:ID", "branch:ID", "contest:ID", or
    "band:11-30" for branches of like size."""

    board: str
    period: str
    scope: str = WHOLE

    @property
    def packing(self) -> Packing:
        """How its scores are packed."""
        return packing.PEOPLE if self.of_people else packing.GROUPS

    @property
    def of_people(self) -> bool:
        return self.board == PEOPLE


@dataclass(frozen=True, slots=True)
class Method:
    """How branches are compared.

    "per_head": all points by all heads.  "best_n": the mean of the best n, by fewer where the
    branch has fewer heads.  "participation": the mean of those who took part, of which `percent`
    counts by the share of heads who did; at 100 that is per head, at 0 the plain mean.
    """

    kind: str = "per_head"
    best_n: int = 5
    percent: int = 50


@dataclass(frozen=True, slots=True)
class Figures:
    """What a branch's people earned while in it.

    `best_sum`: the sum of the best n; `participants`: who earned anything; `heads`: the branch's
    present members, the absent left out.
    """

    sum_points: int
    best_sum: int
    participants: int
    heads: int


def value(method: Method, figures: Figures) -> int:
    """What ranks, in hundredths of a point, rounded down; 0 for a branch without heads."""
    if not figures.heads:
        return 0
    if method.kind == "best_n":
        return figures.best_sum * 100 // min(method.best_n, figures.heads)
    if method.kind == "participation":
        return _weighted(method.percent, figures)
    return figures.sum_points * 100 // figures.heads


def _weighted(percent: int, figures: Figures) -> int:
    if not figures.participants:
        return 0
    # Somebody may have earned here and left: a share is never more than the whole.
    took_part = min(figures.participants, figures.heads)
    weight = (100 - percent) * figures.heads + percent * took_part
    return figures.sum_points * weight // (figures.participants * figures.heads)


def band(heads: int) -> str:
    """The band of branches of like size."""
    place = sum(heads > limit for limit in _BAND_LIMITS)
    return BANDS[place]


def band_heads(name: str) -> tuple[int, int]:
    """The least and the most heads of a band."""
    place = BANDS.index(name)
    least = _BAND_LIMITS[place - 1] + 1 if place else 0
    most = _BAND_LIMITS[place] if place < len(_BAND_LIMITS) else 2**31 - 1
    return least, most
