"""A month of points in bulk: facts, ledger and totals, so that a board has a row for everybody."""

import json
import random
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from api.core import clock, db, events
from api.points.models import PointEntry, PointFact, PointRule
from api.points.queries import catalogue
from api.points.rules import facts as point_facts
from api.points.rules.periods import periods
from api.points.service import rebuilding, totals
from bench import seed
from bench.seed import Organisation

PRESETS = Path(point_facts.__file__).parents[1] / "presets" / "rules.json"
# Nobody reaches a cap, however many rounds are run, so that every submit is worth points.
WIDER = 10_000
EARLIER = timedelta(days=400)
FACTS_EACH = 2
MEMBERS_A_STEP = 500
FOLLOWING = ("points.branches", "points.boards")


def points(org: Organisation) -> None:
    """Rules, facts, ledger lines, totals.  Inside an application context."""
    now = clock.now()
    _rules(now - EARLIER)
    facts = list(_facts(org, now))
    seed.insert(PointFact, facts)
    with db.reading() as conn:
        rows = conn.execute(sa.select(PointFact.reference, PointFact.id))
        ids = {row.reference: row.id for row in rows}
    units = {member: org.crews[n % len(org.crews)] for n, member in enumerate(org.members)}
    seed.insert(PointEntry, _entries(facts, ids, units))
    _totals(org)


def _totals(org: Organisation) -> None:
    """Totals and parts as the product makes them of a ledger."""
    members = sorted(org.members)
    for start in range(0, len(members), MEMBERS_A_STEP):
        with db.transaction():
            totals.recompute(members[start : start + MEMBERS_A_STEP])
        for reaction in FOLLOWING:
            events.drain(reaction)


def rebuild() -> float:
    """Build every board of the present by the product's own rebuild; returns the seconds."""
    began = time.monotonic()
    for place in rebuilding.present():
        rebuilding.rebuild(place)
    return time.monotonic() - began


def _rules(since: datetime) -> None:
    presets = json.loads(PRESETS.read_text(encoding="utf-8"))
    for preset in presets:
        preset["caps"] = {window: cap * WIDER for window, cap in preset["caps"].items()}
        values = {"version": 1, "active": True, "effective_from": since, "created_at": since}
        seed.insert(PointRule, [{**values, "weekdays": None, **preset}])


def _facts(org: Organisation, now: datetime) -> Iterator[dict[str, Any]]:
    """Two quizzes of everybody, some minutes ago: this month, unless it has just begun."""
    for n, member in enumerate(org.members):
        for take in range(FACTS_EACH):
            yield {
                "kind": "quiz",
                "reference": f"attempt:{n}:{take}",
                "member_id": member,
                "item": f"quiz-{take}",
                "occurred_at": now - timedelta(seconds=random.randrange(3600)),
                "numbers": {"score": random.randrange(2000, 10000, 500), "max_score": 10000},
            }


def _amounts(fact: Mapping[str, Any]) -> dict[str, int]:
    return {"quiz.taken": 5, "quiz.score": 20 * fact["numbers"]["score"] // 10000}


def _entries(
    facts: list[dict[str, Any]], ids: Mapping[str, int], units: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    zone = catalogue.zone()
    for fact in facts:
        when = periods(fact["occurred_at"], zone)
        for code, amount in _amounts(fact).items():
            yield {
                "member_id": fact["member_id"],
                "unit_id": units[fact["member_id"]],
                "fact_id": ids[fact["reference"]],
                "rule_code": code,
                "rule_version": 1,
                "amount": amount,
                "cap_left": 1000,
                "item": fact["item"],
                "earned_at": fact["occurred_at"],
                "day": when.day,
                "week": when.week,
                "month": when.month,
            }
