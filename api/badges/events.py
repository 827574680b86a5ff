"""What badges announce."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class BadgeAwarded:
    """A member got a badge; `period` is "" where it is given once for ever."""

    badge_code: str
    member_id: str
    period: str
    awarded_at: datetime
