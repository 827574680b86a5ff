"""What a taker sees of an attempt.

The only gate through which keys, marks and explanations pass is `review`, by the contest's rule
and the moment.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from string import ascii_uppercase
from typing import Any

from api.contests.queries import attempts
from api.contests.queries.definitions import Definition, definition
from api.contests.rules import marking
from api.contests.rules import review as review_rules
from api.core import auth, clock


def mine(attempt_id: str) -> Any:
    """The signed-in member's own attempt; raises NotFound."""
    return attempts.mine(attempt_id, auth.principal().member_id)


def _known(attempt: Any) -> Definition:
    return definition(attempt.contest_id, attempt.contest_version)


def attempt(row: Any) -> dict[str, Any]:
    """AttemptOut: the paper while the attempt runs, in the taker's own order."""
    known = _known(row)
    running = row.state == "running"
    return {
        "id": row.id,
        "contest_id": row.contest_id,
        "number": row.number,
        "state": row.state,
        "started_at": row.started_at,
        "deadline_at": row.deadline_at,
        **_clock(row.deadline_at if running else None),
        "grace_s": known.settings["grace_s"],
        "paper": _paper(row.layout, known) if running else [],
        "answers": _answers(row.answers),
    }


def _clock(deadline_at: datetime | None) -> dict[str, Any]:
    now = clock.now()
    left = (deadline_at - now).total_seconds() if deadline_at else 0.0
    return {"server_now": now, "remaining_s": max(0, int(left))}


def _paper(layout: Sequence[Any], known: Definition) -> list[dict[str, Any]]:
    return [
        _slot(position, known.questions[version_id], permutation)
        for position, (version_id, permutation) in enumerate(layout, start=1)
    ]


def _slot(position: int, question: marking.Question, permutation: Sequence[int]) -> dict[str, Any]:
    return {
        "position": position,
        "kind": question.kind,
        "stem": question.stem,
        "options": [
            {"label": ascii_uppercase[shown], "text": question.options[original]}
            for shown, original in enumerate(permutation)
        ],
        "blanks": question.blank_count,
        "points": question.points_hundredths / 100,
    }


def _answers(answers: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"position": int(position), "seq": seq, "answer": parts}
        for position, (seq, parts) in sorted(answers.items(), key=lambda item: int(item[0]))
    ]


def saved(row: Any, count: int) -> dict[str, Any]:
    """SavedOut."""
    return {"saved": count, **_clock(row.deadline_at)}


def moment(row: Any, now: datetime) -> str:
    """Where a finished attempt stands in the review rule's time."""
    if row.state == "running":
        return "during"
    if row.released_at is not None:
        return "after_release"
    over = now >= row.closes_at or row.contest_state not in ("published",)
    return "after_close" if over else "after_submit"


def _shown_fields(row: Any, known: Definition) -> tuple[str, frozenset[str]]:
    at = moment(row, clock.now())
    return at, frozenset(review_rules.visible_fields(known.settings["review"], at))


def result(row: Any) -> dict[str, Any]:
    """SubmitOut of a finished attempt."""
    known = _known(row)
    _at, fields = _shown_fields(row, known)
    return {
        "attempt_id": row.id,
        "contest_id": row.contest_id,
        "state": row.state,
        "closed_by": "member" if row.state == "submitted" else "deadline",
        "submitted_at": row.submitted_at,
        "score": row.score_hundredths / 100 if "score" in fields else None,
        "max_score": row.max_hundredths / 100,
        "used_s": row.used_ms / 1000,
        "points": row.outcome,
        "tries_left": max(0, known.settings["tries"] - row.number),
        "review": f"/api/v1/attempts/{row.id}/review",
    }


def review(row: Any) -> dict[str, Any]:
    """ReviewOut: each question with exactly the fields that the rule shows at this moment."""
    known = _known(row)
    at, fields = _shown_fields(row, known)
    finished = row.state != "running"
    return {
        "attempt_id": row.id,
        "moment": at,
        "shown": sorted(fields),
        "score": row.score_hundredths / 100 if finished and "score" in fields else None,
        "max_score": row.max_hundredths / 100,
        "items": [_reviewed(row, known, position, fields) for position in _positions(row)],
    }


def _positions(row: Any) -> range:
    return range(1, len(row.layout) + 1)


def _reviewed(row: Any, known: Definition, position: int, fields: frozenset[str]) -> dict[str, Any]:
    version_id, permutation = row.layout[position - 1]
    question = known.questions[version_id]
    values: dict[str, Callable[[], Any]] = {
        "own_answer": lambda: row.answers.get(str(position), (0, []))[1],
        "correct": lambda: row.marks[position - 1] == question.points_hundredths,
        "mark": lambda: row.marks[position - 1] / 100,
        "key": lambda: marking.shown_key(question, permutation),
        "explanation": lambda: known.explanations[version_id],
    }
    shown = {name: value() for name, value in values.items() if name in fields}
    return _slot(position, question, permutation) | shown
