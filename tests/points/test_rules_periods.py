"""Calendar periods as pure functions."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.points.rules.periods import Season, of_day, periods, seasons_of, span

SHANGHAI = ZoneInfo("Asia/Shanghai")
SPRING = Season("spring", date(2026, 2, 10), date(2026, 4, 20))


def test_periods_are_those_of_the_organisations_time_zone() -> None:
    midnight = datetime(2026, 12, 31, 16, 0, tzinfo=UTC)
    when = periods(midnight, SHANGHAI)
    assert when.every == ("2027-01-01", "2026-W53", "2027-01", "2027-Q1", "2027", "all")
    assert (when.weekday, when.week_months) == (5, ("2026-12", "2027-01"))
    before = periods(midnight - timedelta(microseconds=1), SHANGHAI)
    assert before.every == ("2026-12-31", "2026-W53", "2026-12", "2026-Q4", "2026", "all")


@given(st.dates(date(1990, 1, 1), date(2190, 12, 31)))
def test_a_day_lies_in_the_span_of_each_of_its_periods(day: date) -> None:
    for period in of_day(day).every:
        first, last = span(period, [])
        assert first <= day <= last
    assert span(of_day(day).week, [])[0].isoweekday() == 1


@pytest.mark.parametrize("text", ["2026-13", "2026-02-30", "2026-W54", "2027-W53", "2026-Q5",
                                  "26", "s-autumn", "", "2026-11-23T00"])  # fmt: skip
def test_what_is_no_period(text: str) -> None:
    assert span(text, [SPRING]) is None


def test_seasons() -> None:
    assert span("s-spring", [SPRING]) == (SPRING.starts_on, SPRING.ends_on)
    days = [date(2026, 2, 9), date(2026, 2, 10), date(2026, 4, 20), date(2026, 4, 21)]
    assert [seasons_of(day, [SPRING]) for day in days] == [[], ["s-spring"], ["s-spring"], []]
