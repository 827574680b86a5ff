"""A month of points in bulk: facts, ledger and totals, so that a board has a row for everybody."""

import json
import random
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from api.core import clock, db
from api.points import jobs as points_jobs
from api.points import rules
from api.points.models import BoardTotal, PointEntry, PointFact, PointRule
from api.points.queries import catalogue
from api.points.service import totals
from bench import seed
from bench.seed import Organisation

PRESETS = Path(rules.__file__).parent / "presets" / "rules.json"
# Nobody reaches a cap, however many rounds are run, so that every submit is worth points.
WIDER = 10_000
EARLIER = timedelta(days=400)
FACTS_EACH = 2
PEOPLE = "people"
BRANCHES = "branches-union"


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
    seed.insert(BoardTotal, _totals(org, facts))


def rebuild() -> float:
    """Build every board of the present by the product's own rebuild; returns the seconds."""
    began = time.monotonic()
    month = rules.periods(clock.now(), catalogue.zone()).month
    for board in totals.BOARDS:
        for period in (month, rules.ALL_TIME):
            points_jobs.rebuild(board, period)
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
        when = rules.periods(fact["occurred_at"], zone)
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


def _totals(org: Organisation, facts: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Everybody's and every branch's totals, for this month and in all."""
    month = rules.periods(clock.now(), catalogue.zone()).month
    source = iter(facts)
    sums = [0] * len(org.branches)
    for n, member in enumerate(org.members):
        taken = list(islice(source, FACTS_EACH))
        amount = sum(sum(_amounts(fact).values()) for fact in taken)
        reached = max(int(fact["occurred_at"].timestamp()) for fact in taken)
        sums[n % len(sums)] += amount
        values = {"points": amount, "sum_points": amount, "heads": 1, "reached_s": reached}
        for period in (month, rules.ALL_TIME):
            yield {"board": PEOPLE, "period": period, "subject_id": member, **values}
    heads = max(1, len(org.members) // len(sums))
    second = int(clock.timestamp())
    for branch, amount in zip(org.branches, sums, strict=True):
        values = {"points": amount * 100 // heads, "sum_points": amount, "heads": heads}
        for period in (month, rules.ALL_TIME):
            key = {"board": BRANCHES, "period": period, "subject_id": branch}
            yield {**key, **values, "reached_s": second}
