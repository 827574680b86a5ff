"""Processor time of a process tree, from /proc (Linux)."""

import os
from dataclasses import dataclass
from pathlib import Path

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class _Status:
    parent: int
    used_s: float


def used_s(root: int | None) -> float:
    """User and system seconds of `root`, its living descendants and those it has waited for.

    0 for a process that isn't ours to see.
    """
    if root is None:
        return 0.0
    everything = _everything()
    return sum(everything[pid].used_s for pid in _tree(root, everything))


def _everything() -> dict[int, _Status]:
    found = {}
    for place in Path("/proc").iterdir():
        if place.name.isdigit() and (status := _status(place)):
            found[int(place.name)] = status
    return found


def _status(place: Path) -> _Status | None:
    try:
        text = (place / "stat").read_text()
    except OSError:  # it ended meanwhile
        return None
    # The name of the program, in parentheses, may hold anything, spaces too.
    fields = text.rpartition(")")[2].split()
    return _Status(int(fields[1]), sum(map(int, fields[11:15])) * _TICK_S)


def _tree(root: int, everything: dict[int, _Status]) -> list[int]:
    tree = [root] if root in everything else []
    for pid in tree:
        tree.extend(child for child, status in everything.items() if status.parent == pid)
    return tree
