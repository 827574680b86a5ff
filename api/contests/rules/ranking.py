"""Ranking results: by score, then by time as a share of one's own allowance, then shared.

Rows come in sorted batches of any size; the last placed row is carried from batch to batch, so
that ties across a boundary are seen and the result doesn't depend on the size of a batch.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import groupby
from typing import Any, Protocol, TypeVar

BANDS = ((10, "1-10"), (30, "11-30"), (100, "31-100"))
LARGEST_BAND = "101+"
# Below this many people a figure says much about each of them.
FEW_PEOPLE = 10


class Try(Protocol):
    """What deciding which attempt counts needs."""

    @property
    def number(self) -> int: ...
    @property
    def score_hundredths(self) -> int: ...
    @property
    def time_share(self) -> int: ...


T = TypeVar("T", bound=Try)


def counted(tries: Sequence[T], rule: str) -> T:
    """The attempt that counts: "best" (more points, then less time, then earlier), "first" or
    "last"."""
    if rule == "best":
        return min(tries, key=lambda t: (-t.score_hundredths, t.time_share, t.number))
    by_number = sorted(tries, key=lambda t: t.number)
    return by_number[0] if rule == "first" else by_number[-1]


@dataclass(frozen=True, slots=True)
class Scored:
    """A row to be placed: hundredths of a point, billionths of one's own allowance."""

    member_id: str
    score_hundredths: int
    time_share: int


@dataclass(frozen=True, slots=True)
class Placed:
    """A placed row: `position` counts rows, `rank` is shared by equals (1, 2, 2, 4)."""

    member_id: str
    score_hundredths: int
    time_share: int
    position: int
    rank: int
    rule: str
    value: str | None

    def tie_break(self) -> dict[str, str | None]:
        """The rule and the value that decided against the row above."""
        return {"rule": self.rule, "value": self.value}

    def as_json(self) -> dict[str, Any]:
        """For the cursor of a settlement."""
        return asdict(self)


def place(rows: Iterable[Scored], last: Placed | None) -> list[Placed]:
    """Place rows sorted by score (down), time share, id, behind `last`.

    `rule` says what set a row apart from the one above: "score", "time_share", or "shared" when
    both are equal.
    """
    placed: list[Placed] = []
    for row in rows:
        last = _next(row, last)
        placed.append(last)
    return placed


def _next(row: Scored, above: Placed | None) -> Placed:
    position = above.position + 1 if above else 1
    rule, rank = "score", position
    value: str | None = f"{row.score_hundredths / 100:.2f}"
    if above and above.score_hundredths == row.score_hundredths:
        rule, value = "time_share", f"{row.time_share / 10**9:.9f}"
        if above.time_share == row.time_share:
            rule, rank = "shared", above.rank
    return Placed(row.member_id, row.score_hundredths, row.time_share, position, rank, rule, value)


def ranked(rows: Iterable[Scored]) -> list[Placed]:
    """All rows placed, whatever their order."""
    key = lambda row: (-row.score_hundredths, row.time_share, row.member_id)  # noqa: E731
    return place(sorted(rows, key=key), None)


@dataclass(frozen=True, slots=True)
class BranchScore:
    """What a branch brought: people eligible and taking part, the sum of their scores."""

    branch_id: str
    eligible: int
    participants: int
    sum_hundredths: int


@dataclass(frozen=True, slots=True)
class BranchPlace:
    """A branch's place within its size band; `value_ppm` is the ranking value in millionths."""

    branch_id: str
    band: str
    eligible: int
    participants: int
    mean_hundredths: int
    value_ppm: int
    rank: int
    tie_break: dict[str, str | None]

    @property
    def has_few_people(self) -> bool:
        """Whether the branch is so small that its mean nearly names its people's scores."""
        return self.eligible < FEW_PEOPLE


def size_band(people: int) -> str:
    """The band of branches of like size: up to 10, 30, 100, more."""
    return next((name for limit, name in BANDS if people <= limit), LARGEST_BAND)


def branch_ranking(
    rows: Iterable[BranchScore], *, max_hundredths: int, participation_percent: int
) -> list[BranchPlace]:
    """Branches by participation rate × weight + mean score share × the rest, within size bands.

    Exact with fractions; equal values share a rank.  A branch without anyone eligible has no row.
    """
    weight = Fraction(participation_percent, 100)
    valued = [(_value(row, max_hundredths, weight), row) for row in rows if row.eligible > 0]
    valued.sort(key=lambda pair: (size_band(pair[1].eligible), -pair[0], pair[1].branch_id))
    places: list[BranchPlace] = []
    for _band, group in groupby(valued, key=lambda pair: size_band(pair[1].eligible)):
        places.extend(_places(list(group)))
    return places


def _value(row: BranchScore, max_hundredths: int, weight: Fraction) -> Fraction:
    rate = Fraction(row.participants, row.eligible)
    mean = Fraction(row.sum_hundredths, max(1, row.participants))
    share = mean / max_hundredths if max_hundredths else Fraction(0)
    return weight * rate + (1 - weight) * share


def _places(group: Sequence[tuple[Fraction, BranchScore]]) -> list[BranchPlace]:
    places: list[BranchPlace] = []
    rank, above = 0, None
    for position, (value, row) in enumerate(group, start=1):
        shared = value == above
        rank, above = (rank if shared else position), value
        places.append(_branch_place(row, value, rank, "shared" if shared else "value"))
    return places


def _branch_place(row: BranchScore, value: Fraction, rank: int, rule: str) -> BranchPlace:
    value_ppm = int(value * 10**6)
    return BranchPlace(
        branch_id=row.branch_id,
        band=size_band(row.eligible),
        eligible=row.eligible,
        participants=row.participants,
        mean_hundredths=row.sum_hundredths // max(1, row.participants),
        value_ppm=value_ppm,
        rank=rank,
        tie_break={"rule": rule, "value": f"{value_ppm / 10**6:.6f}"},
    )
