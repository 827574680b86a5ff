"""Calendar periods: what an instant falls into, in the organisation's time zone.

A period is a text: "2026-11-23", "2026-W48" (ISO 8601), "2026-11", "2026-Q4", "2026", "all", and
"s-spring" for the named season "spring".
"""

import calendar
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

ALL_TIME = "all"
PATTERN = (
    r"^(\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?|-W(0[1-9]|[1-4]\d|5[0-3])|-Q[1-4])?"
    r"|all|s-[a-z0-9]{1,8})$"
)
_QUARTER_MONTHS = 3


@dataclass(frozen=True, slots=True)
class Season:
    """A named span of days, both included."""

    code: str
    starts_on: date
    ends_on: date

    @property
    def period(self) -> str:
        return f"s-{self.code}"


@dataclass(frozen=True, slots=True)
class Periods:
    """The periods an instant falls into.

    `week_months`: the months of the week's Monday and Sunday; mostly the same.
    """

    day: str
    week: str
    month: str
    quarter: str
    year: str
    weekday: int
    week_months: tuple[str, str]

    @property
    def long(self) -> tuple[str, ...]:
        """The periods that groups are ranked in; seasons come besides."""
        return self.month, self.quarter, self.year, ALL_TIME

    @property
    def every(self) -> tuple[str, ...]:
        """The periods that people are ranked in; seasons come besides."""
        return self.day, self.week, *self.long


def periods(at: datetime, zone: ZoneInfo) -> Periods:
    """The periods of an instant."""
    return of_day(at.astimezone(zone).date())


@lru_cache(maxsize=4096)
def of_day(day: date) -> Periods:
    """The periods of a day."""
    year, week, weekday = day.isocalendar()
    monday = day - timedelta(days=weekday - 1)
    sunday = monday + timedelta(days=6)
    return Periods(
        day.isoformat(),
        f"{year}-W{week:02}",
        day.isoformat()[:7],
        f"{day.year:04}-Q{(day.month - 1) // _QUARTER_MONTHS + 1}",
        f"{day.year:04}",
        weekday,
        (monday.isoformat()[:7], sunday.isoformat()[:7]),
    )


def seasons_of(day: date, seasons: Sequence[Season]) -> list[str]:
    """The periods of the seasons that a day falls into."""
    return [season.period for season in seasons if season.starts_on <= day <= season.ends_on]


def span(period: str, seasons: Sequence[Season]) -> tuple[date, date] | None:
    """The first and the last day of a period.

    None if there is no such day, week or season; all time runs from the first day there is to the
    last.
    """
    if period == ALL_TIME:
        return date.min, date.max
    if period.startswith("s-"):
        found = [s for s in seasons if s.period == period]
        return (found[0].starts_on, found[0].ends_on) if found else None
    if not re.match(PATTERN, period):
        return None
    try:
        return _calendar_span(period)
    except ValueError:
        return None


def _calendar_span(period: str) -> tuple[date, date]:
    year, _dash, rest = period.partition("-")
    if not rest:
        return date(int(year), 1, 1), date(int(year), 12, 31)
    if rest.startswith("W"):
        monday = date.fromisocalendar(int(year), int(rest[1:]), 1)
        return monday, monday + timedelta(days=6)
    if rest.startswith("Q"):
        last = int(rest[1:]) * _QUARTER_MONTHS
        return date(int(year), last - 2, 1), _month_end(int(year), last)
    if "-" in rest:
        day = date.fromisoformat(period)
        return day, day
    return date(int(year), int(rest), 1), _month_end(int(year), int(rest))


def _month_end(year: int, month: int) -> date:
    return date(year, month, calendar.monthrange(year, month)[1])
