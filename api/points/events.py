"""What points announce."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class PointsCredited:
    """Entries were added to a member's ledger; `amount` is their sum.

    `unit_id`: where the member worked; `item`: what they were earned by, a contest's id.
    """

    member_id: str
    amount: int
    month: str
    earned_at: datetime
    unit_id: str = ""
    item: str = ""


@dataclass(frozen=True, slots=True)
class BranchesTouched:
    """What these branches' people earned while in them changed; with `heads`, how many they are."""

    period: str
    branch_ids: list[str]
    heads: bool = False


@dataclass(frozen=True, slots=True)
class BoardsTouched:
    """Totals of a board changed for these subjects (people or branches)."""

    board: str
    period: str
    subject_ids: list[str]
