"""The point rules in force, kept in the process and read again once a second.

A new version takes effect some seconds after it is made, so that what is kept is always right.
"""

import time
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import current_app

from api.core import db
from api.points.models import PointRule
from api.points.rules import Rule

READ_EVERY_S = 1.0


class _Kept:
    """What this process knows, for which database, and since when."""

    rules: tuple[Rule, ...] = ()
    engine: object = None
    read_at: float = -1e9


def rules() -> tuple[Rule, ...]:
    """All versions of all rules; at most one statement a second."""
    fresh = time.monotonic() - _Kept.read_at < READ_EVERY_S
    if not fresh or _Kept.engine is not db.db.engine or not _Kept.rules:
        _Kept.rules = tuple(as_rule(row) for row in all_versions())
        _Kept.engine = db.db.engine
        _Kept.read_at = time.monotonic()
    return _Kept.rules


def all_versions() -> list[PointRule]:
    """Every version of every rule, by code."""
    statement = sa.select(PointRule).order_by(PointRule.code, PointRule.version)
    return list(db.session().scalars(statement))


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
