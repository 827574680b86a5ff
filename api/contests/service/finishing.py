"""Finishing an attempt: mark it, credit its points, announce it - as of its own time."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa

from api.contests.events import AttemptMarked
from api.contests.models import Attempt
from api.contests.queries import attempts as attempt_queries
from api.contests.queries.definitions import Definition, definition
from api.contests.rules import marking, timing
from api.core import clock, db, events
from api.core.failpoints import failpoint
from api.points.rules.facts import Fact
from api.points.service import ledger as points

FACT_KIND = "quiz"
_attempt = Attempt.__table__.c
_MILLISECOND = timedelta(milliseconds=1)
_CHANGED = (
    "state", "answers", "marks", "outcome", "submitted_at", "score_hundredths", "used_ms",
    "time_share",
)  # fmt: skip
_FINISH = (
    sa.update(db.table(Attempt))
    .where(_attempt.id == sa.bindparam("attempt_id"))
    .values({name: sa.bindparam(f"new_{name}", type_=_attempt[name].type) for name in _CHANGED})
)


def verdict(attempt: Any, known: Definition, now: datetime) -> str:
    """Whether what arrives at `now` is in time, in the grace, or late for an attempt."""
    return timing.verdict(now, attempt.deadline_at, known.settings["grace_s"])


def finish(
    attempt: Any, known: Definition, answers: Mapping[str, Any], at: datetime, state: str
) -> Any:
    """Mark `attempt` as of `at`, credit its points, announce it; the finished attempt."""
    marks = _marks(attempt.layout, known, answers)
    score = sum(marks)
    failpoint("submit.marked")
    earned, announced = points.credit(attempt.member_id, attempt.unit_id, _fact(attempt, score, at))
    used = at - attempt.started_at
    allowance = attempt.deadline_at - attempt.started_at
    changes = {
        "state": state,
        "answers": dict(answers),
        "marks": marks,
        "outcome": [_shown(credit) for credit in earned],
        "submitted_at": at,
        "score_hundredths": score,
        "used_ms": used // _MILLISECOND,
        "time_share": used * 10**9 // allowance if allowance else 10**9,
    }
    values = {f"new_{name}": value for name, value in changes.items()}
    db.connection().execute(_FINISH, {"attempt_id": attempt.id, **values})
    failpoint("submit.credited")
    marked = AttemptMarked(
        attempt.id, attempt.contest_id, attempt.member_id, score, attempt.max_hundredths, at
    )
    events.emit(*announced, marked)
    return SimpleNamespace(**{**attempt._mapping, **changes})


def _fact(attempt: Any, score: int, at: datetime) -> Fact:
    return Fact(
        kind=FACT_KIND,
        item=attempt.contest_id,
        reference=f"attempt:{attempt.id}",
        occurred_at=at,
        values={"score": score, "max_score": attempt.max_hundredths},
    )


def _marks(layout: Sequence[Any], known: Definition, answers: Mapping[str, Any]) -> list[int]:
    return [
        marking.mark(
            known.questions[version_id],
            tuple(permutation),
            answers.get(str(position), (0, ()))[1],
        )
        for position, (version_id, permutation) in enumerate(layout, start=1)
    ]


def _shown(credit: Any) -> dict[str, Any]:
    given = asdict(credit)
    return {
        "rule": given["rule_code"],
        "version": given["rule_version"],
        "amount": given["amount"],
        "cap_left": given["cap_left"],
    }


def close_overdue(limit: int = 40) -> int:
    """Close attempts left open past deadline and grace, as of their deadline; returns how many.

    One transaction; call again while it returns `limit`.
    """
    now = clock.now()
    closed = 0
    for attempt_id in attempt_queries.overdue(now, limit):
        attempt = attempt_queries.by_id(attempt_id, lock=True)
        if attempt is None or attempt.state != "running":
            continue
        known = definition(attempt.contest_id, attempt.contest_version)
        if attempt.contest_state == "cancelled":
            _drop(attempt)
            closed += 1
        elif verdict(attempt, known, now) == "late":
            finish(attempt, known, attempt.answers, attempt.deadline_at, "closed")
            closed += 1
    return closed


def _drop(attempt: Any) -> None:
    """End an attempt of a cancelled contest: no marks, no points, nothing announced."""
    db.connection().execute(
        sa.update(Attempt)
        .where(_attempt.id == attempt.id)
        .values(state="closed", submitted_at=attempt.deadline_at)
    )
