"""Ranks as pure functions: equals share a rank and the next one skips (1, 2, 2, 4)."""

from collections.abc import Iterable
from typing import NamedTuple


class Standing(NamedTuple):
    """Where a row stands; `rank` None where it isn't known.

    `shared`: it has the rank of the row above, also where that row is on the page before.
    """

    rank: int | None
    shared: bool


def competition(values: Iterable[int], *, first: int = 1, before: int = 0) -> list[Standing]:
    """The standings of a stretch of a board, best value first.

    `before` rows stand above the stretch; `first` is the rank of its first row, 0 if unknown: then
    no rank is known, and what is shared is known within the stretch only.
    """
    standings: list[Standing] = []
    rank, above = first, None
    for position, value in enumerate(values, start=before + 1):
        shared = 0 < first <= before if above is None else value == above
        if above is not None and not shared:
            rank = position
        standings.append(Standing(rank if first else None, shared))
        above = value
    return standings
