"""What points announce."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class PointsCredited:
    """Entries were added to a member's ledger; `amount` is their sum."""

    member_id: str
    amount: int
    month: str
    earned_at: datetime


@dataclass(frozen=True, slots=True)
class BoardsTouched:
    """Totals of a board changed for these subjects (people or branches)."""

    board: str
    period: str
    subject_ids: list[str]
