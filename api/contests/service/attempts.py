"""Starting, saving, submitting: the hot path of a contest.

The server's clock decides.  One attempt is submitted once: whoever comes second finds it
finished and gets the same reply.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from api.contests.models import Attempt
from api.contests.queries import attempts as attempt_queries
from api.contests.queries import contests as contest_queries
from api.contests.queries.definitions import Definition, definition
from api.contests.rules import marking, papers, timing
from api.contests.rules.marking import Answer
from api.contests.service.finishing import finish, verdict
from api.core import clock, db
from api.core.errors import Conflict, FieldError, Invalid, NotFound
from api.core.i18n import Text, _

_attempt = Attempt.__table__.c
_SAVE = (
    sa.update(db.table(Attempt))
    .where(_attempt.id == sa.bindparam("attempt_id"))
    .values(answers=sa.bindparam("merged", type_=_attempt.answers.type))
)


class NotOpen(Conflict):
    code = "contest-not-open"
    title = _("This contest is not open now.")


class NotForYou(Conflict):
    code, status = "not-in-audience", 403
    title = _("This contest is for other units or branches.")


class NoTriesLeft(Conflict):
    code = "no-tries-left"
    title = _("You have used all your tries in this contest.")


class AttemptOver(Conflict):
    code = "attempt-over"
    title = _("The time is over. What was saved in time counts; submit to see the result.")


class AlreadySubmitted(Conflict):
    code = "already-submitted"
    title = _("This attempt was submitted; its answers can't change any more.")


class Paused(Conflict):
    code = "contest-paused"
    title = _("The contest is paused. Saving goes on when it resumes.")


_REASONS: dict[str, Text] = {
    "unknown_option": _("This option is not on the paper."),
    "duplicate_option": _("An option may be named once."),
    "too_many": _("Only one option may be chosen here."),
    "wrong_blank_count": _("Give one text for each blank."),
    "not_a_judgement": _("Answer true or false."),
    "too_long": _("The text is too long."),
}


def start(contest_id: str, member_id: str) -> Any:
    """The member's running attempt: a new one, or the one already running.

    Raises NotFound, NotOpen, NotForYou, NoTriesLeft.
    """
    contest = contest_queries.for_member(contest_id, member_id, hold=True)
    if contest is None:
        raise NotFound
    now = clock.now()
    earlier = attempt_queries.of_member(contest_id, member_id)
    for attempt in earlier:
        if attempt.state == "running":
            return attempt_queries.mine(attempt.id, member_id)
    _may_start(contest, earlier, now)
    attempt_id = _insert(contest, member_id, len(earlier) + 1, now)
    return attempt_queries.mine(attempt_id, member_id)


def _may_start(contest: Any, earlier: Sequence[Any], now: datetime) -> None:
    if not contest.invited:
        raise NotForYou
    if contest_queries.phase(contest, now) != "open":
        raise NotOpen
    tries = contest.settings["tries"]
    if len(earlier) >= tries:
        raise NoTriesLeft(_("You have used all {tries} tries in this contest.", tries=tries))


def _insert(contest: Any, member_id: str, number: int, now: datetime) -> str:
    known = definition(contest.id, contest.version)
    attempt_id = db.new_id()
    layout = _layout(known, attempt_id)
    statement = db.insert(Attempt).values(
        id=attempt_id,
        contest_id=contest.id,
        member_id=member_id,
        unit_id=contest.member_unit_id,
        number=number,
        state="running",
        layout=layout,
        answers={},
        marks=[],
        outcome=[],
        started_at=now,
        deadline_at=timing.deadline(now, known.settings["limit_s"], contest.closes_at, 0),
        score_hundredths=0,
        max_hundredths=sum(known.questions[slot[0]].points_hundredths for slot in layout),
    )
    inserted = db.connection().scalar(statement.on_conflict_do_nothing().returning(_attempt.id))
    if inserted is None:
        return _running_elsewhere(contest.id, member_id)
    return attempt_id


def _running_elsewhere(contest_id: str, member_id: str) -> str:
    """The attempt that a parallel start made while this one waited at the unique key."""
    for attempt in attempt_queries.of_member(contest_id, member_id):
        if attempt.state == "running":
            return str(attempt.id)
    raise NoTriesLeft


def _layout(known: Definition, attempt_id: str) -> list[list[Any]]:
    """The attempt's own questions and option order, derived from its id: stable for ever."""
    seed = attempt_id.encode()
    chosen = known.pool
    if known.settings["paper"]["kind"] == "draw":
        chosen = tuple(papers.draw(known.pool, known.settings["paper"]["count"], seed))
    slots = papers.layout(
        seed,
        [(version_id, known.questions[version_id]) for version_id in chosen],
        shuffle_questions=known.settings["shuffle_questions"],
        shuffle_options=known.settings["shuffle_options"],
    )
    return [[slot.question_id, list(slot.permutation)] for slot in slots]


def save(attempt_id: str, member_id: str, answers: Sequence[Answer]) -> tuple[Any, int]:
    """Save answers: (the attempt, how many stand saved).

    Raises NotFound, Paused, AttemptOver, AlreadySubmitted, Invalid.
    """
    attempt = attempt_queries.mine(attempt_id, member_id, lock=True)
    if attempt.state != "running":
        raise AlreadySubmitted if attempt.state == "submitted" else AttemptOver
    _check_contest(attempt)
    known = definition(attempt.contest_id, attempt.contest_version)
    if verdict(attempt, known, clock.now()) == "late":
        raise AttemptOver
    merged = _merged(attempt, known, answers)
    if merged is not attempt.answers:
        db.connection().execute(_SAVE, {"attempt_id": attempt_id, "merged": merged})
    return attempt, len(merged)


def _check_contest(attempt: Any) -> None:
    if attempt.contest_state == "cancelled":
        raise NotOpen(_("This contest was cancelled."))
    if attempt.paused_at is not None:
        raise Paused


def _merged(attempt: Any, known: Definition, answers: Sequence[Answer]) -> dict[str, Any]:
    """Saved answers with the newer of `answers` in them; the same object if nothing changed."""
    saved: dict[str, Any] = attempt.answers
    merged = saved
    for index, (position, seq, parts) in enumerate(answers):
        _check(attempt.layout, known, index, position, parts)
        if str(position) in saved and saved[str(position)][0] >= seq:
            continue
        if merged is saved:
            merged = dict(saved)
        merged[str(position)] = [seq, parts]
    return merged


def _check(
    layout: Sequence[Any], known: Definition, index: int, position: int, parts: list[str]
) -> None:
    if position > len(layout):
        wrong = _("The paper has {count} questions.", count=len(layout))
        raise Invalid(errors=[FieldError(f"answers.{index}.position", wrong)])
    question = known.questions[layout[position - 1][0]]
    reason = marking.validate_answer(
        question.kind, len(question.options), question.blank_count, parts
    )
    if reason:
        text = _REASONS.get(reason, _("This answer doesn't fit the question."))
        raise Invalid(errors=[FieldError(f"answers.{index}.answer", text, reason)])


def submit(attempt_id: str, member_id: str, answers: Sequence[Answer]) -> Any:
    """Submit, mark and credit; the finished attempt.  A second submit gets the same attempt.

    After the grace the attempt is closed with what was saved in time.  Raises NotFound, NotOpen,
    Paused, Invalid.
    """
    attempt = attempt_queries.mine(attempt_id, member_id, lock=True)
    if attempt.state != "running":
        return attempt
    _check_contest(attempt)
    now = clock.now()
    known = definition(attempt.contest_id, attempt.contest_version)
    if verdict(attempt, known, now) == "late":
        return finish(attempt, known, attempt.answers, attempt.deadline_at, "closed")
    merged = _merged(attempt, known, answers)
    return finish(attempt, known, merged, min(now, attempt.deadline_at), "submitted")
