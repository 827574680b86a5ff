"""Crediting in tests without a contest around it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import sqlalchemy as sa

from api.core import clock, events
from api.points.models import PointEntry
from api.points.rules.facts import Fact
from api.points.service import ledger
from api.points.service import rules as point_rules
from tests.factories import World

_references = count(1)


def install(world: World) -> None:
    """The preset rules."""
    with world.changing():
        point_rules.install_presets()


def credit(
    world: World, member_id: str, score: int = 100, *, item: str | None = None,
    at: datetime | None = None,
) -> int:  # fmt: skip
    """Credit one quiz in a transaction of its own; the points it brought."""
    number = next(_references)
    with world.changing():
        fact = Fact(
            "quiz", item or f"contest {number}", f"attempt:{number}", at or clock.now(),
            {"score": score, "max_score": 100},
        )  # fmt: skip
        earned, announced = ledger.credit(member_id, world.the_company(), fact)
        events.emit(*announced)
    return sum(line.amount for line in earned)


def sums(world: World) -> dict[str, int]:
    """What the ledger says each member has."""
    with world.looking() as session:
        rows = session.execute(
            sa.select(PointEntry.member_id, sa.func.sum(PointEntry.amount)).group_by(
                PointEntry.member_id
            )
        )
        return {row[0]: row[1] for row in rows}


def days_ago(days: int) -> datetime:
    return clock.now() - timedelta(days=days)


def shown(items: Sequence[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """What of a board's rows must be the same wherever they come from."""
    return [(row["rank"], row["subject_id"], row["points"], row["hidden"]) for row in items]
