"""What badges do when contests announce something."""

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app

from api.badges import queries, service
from api.contests.events import AttemptMarked, ResultsSettled
from api.contests.queries import results


def on_attempts(batch: Sequence[AttemptMarked]) -> None:
    """Remember attempts and give what they earn."""
    service.remember([_attempt(event) for event in batch])
    service.give("attempt", [event.member_id for event in batch])


def on_results(batch: Sequence[ResultsSettled]) -> None:
    """Remember the first places of settled contests and give what they earn."""
    deepest = queries.deepest_rank()
    for event in batch:
        rows = results.first_places(event.contest_id, event.results_version, deepest)
        service.remember([_place(event, row) for row in rows])
        service.give("place", [row.member_id for row in rows])


def _attempt(event: AttemptMarked) -> dict[str, Any]:
    return {
        "kind": "attempt",
        "reference": event.attempt_id,
        "member_id": event.member_id,
        "item": event.contest_id,
        "month": _month(event.marked_at),
        "occurred_at": event.marked_at,
        "score": event.score_hundredths,
        "max_score": event.max_hundredths,
        "rank": None,
    }


def _place(event: ResultsSettled, row: Any) -> dict[str, Any]:
    return {
        "kind": "place",
        "reference": f"{event.contest_id}:{row.member_id}",
        "member_id": row.member_id,
        "item": event.contest_id,
        "month": _month(event.settled_at),
        "occurred_at": event.settled_at,
        "score": None,
        "max_score": None,
        "rank": row.rank,
    }


def _month(at: Any) -> str:
    zone = ZoneInfo(current_app.extensions["leitai.settings"].timezone)
    return str(at.astimezone(zone).strftime("%Y-%m"))
