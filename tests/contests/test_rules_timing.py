"""What the clock makes of a contest, at the instants where it changes."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from api.contests.queries import contests
from api.contests.rules import timing

OPENS = datetime(2026, 11, 1, 8, tzinfo=UTC)
CLOSES = OPENS + timedelta(hours=2)
TICK = timedelta(milliseconds=1)
STATES = ("draft", "published", "settling", "settled", "cancelled")


@pytest.mark.parametrize(
    ("now", "paused", "phase"),
    [
        (OPENS - TICK, False, "upcoming"),
        (OPENS - TICK, True, "upcoming"),
        (OPENS, False, "open"),
        (OPENS, True, "paused"),
        (CLOSES - TICK, False, "open"),
        (CLOSES, False, "closed"),
        (CLOSES, True, "closed"),
    ],
)
def test_a_published_contest_follows_the_clock(now: datetime, paused: bool, phase: str) -> None:
    assert timing.phase(now, OPENS, CLOSES, paused=paused, state="published") == phase


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("released", [False, True])
@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize("now", [OPENS - TICK, OPENS, CLOSES])
def test_a_contest_read_from_the_database_has_the_same_phase(
    now: datetime, paused: bool, released: bool, state: str
) -> None:
    contest = SimpleNamespace(
        state=state,
        opens_at=OPENS,
        closes_at=CLOSES,
        paused_at=OPENS if paused else None,
        released_at=CLOSES if released else None,
    )
    pure = timing.phase(now, OPENS, CLOSES, paused=paused, state=state, released=released)
    assert contests.phase(contest, now) == pure


def test_extra_time_ends_with_the_contest_all_the_same() -> None:
    assert timing.deadline(CLOSES - timedelta(seconds=600), 900, CLOSES, 50) == CLOSES
    assert timing.deadline(OPENS, 900, CLOSES, 50) == OPENS + timedelta(seconds=1350)
