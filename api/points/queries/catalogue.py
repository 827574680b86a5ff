"""What every request about points needs: rules, boards, seasons, who hid a moment ago.

Kept in the process and read again once a second, so that requests need no look-up.  A new version
of a rule takes effect some seconds after it is made, so that what is kept is always right.
"""

import time
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import current_app

from api.core import clock, db, events
from api.org.events import MemberShown
from api.points.models import Board, BoardSeason, PointRule
from api.points.rules.boards import Method
from api.points.rules.facts import Rule
from api.points.rules.periods import Season

READ_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Kept:
    """What this process knows, for which database, and since when.

    `showing`: people whose wish to be shown or hidden is still on its way to the boards.
    """

    rules: tuple[Rule, ...] = ()
    switched_off: frozenset[str] = frozenset()
    seasons: tuple[Season, ...] = ()
    showing: frozenset[str] = frozenset()
    engine: object = None
    read_at: float = -1e9


class _State:
    kept = Kept()


def _kept() -> Kept:
    kept = _State.kept
    fresh = time.monotonic() - kept.read_at < READ_EVERY_S
    if not fresh or kept.engine is not db.db.engine or not kept.rules:
        kept = _State.kept = _read()
    return kept


def _read() -> Kept:
    """Read it all, in a view of its own where there is none."""
    if not db.is_open():
        with db.reading():
            return _read()
    read_at = time.monotonic()
    session = db.session()
    return Kept(
        tuple(as_rule(row) for row in all_versions()),
        frozenset(session.scalars(sa.select(Board.key).where(~Board.active))),
        tuple(all_seasons()),
        frozenset(event.member_id for event in events.waiting(MemberShown)),
        db.db.engine,
        read_at,
    )


def forget() -> None:
    """Read everything anew at the next use."""
    _State.kept = Kept()


def rules() -> tuple[Rule, ...]:
    """All versions of all rules."""
    return _kept().rules


def switched_off() -> frozenset[str]:
    """The keys of the boards that are switched off."""
    return _kept().switched_off


def seasons() -> tuple[Season, ...]:
    """The named seasons, oldest first."""
    return _kept().seasons


def showing() -> frozenset[str]:
    """Who asked to be hidden or shown and may still be seen otherwise in Valkey."""
    return _kept().showing


def all_versions() -> list[PointRule]:
    """Every version of every rule, by code."""
    statement = sa.select(PointRule).order_by(PointRule.code, PointRule.version)
    return list(db.session().scalars(statement))


def all_seasons() -> list[Season]:
    """The named seasons as they are in the database now, oldest first."""
    rows = db.session().scalars(sa.select(BoardSeason).order_by(BoardSeason.starts_on))
    return [Season(row.code, row.starts_on, row.ends_on) for row in rows]


def methods() -> dict[str, Method]:
    """How each board of branches compares them, as the database has it now."""
    rows = db.session().scalars(sa.select(Board))
    return {row.key: Method(row.method, row.best_n, row.percent) for row in rows}


def as_rule(row: PointRule) -> Rule:
    """The pure rule of a row."""
    return Rule(
        code=row.code,
        version=row.version,
        fact_kind=row.fact_kind,
        formula=row.formula,
        effective_from=row.effective_from,
        improvement=row.improvement,
        caps=row.caps,
        weekdays=row.weekdays,
        active=row.active,
    )


def zone() -> ZoneInfo:
    """The organisation's time zone."""
    return ZoneInfo(current_app.extensions["leitai.settings"].timezone)


def today() -> date:
    """The day it is in the organisation's time zone."""
    return clock.now().astimezone(zone()).date()
