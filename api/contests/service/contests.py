"""A contest's life: drafted, published, paused, extended, cancelled, released."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from api.contests.models import Attempt, AudienceUnit, Contest, Question, QuestionVersion
from api.contests.queries import contests as queries
from api.contests.rules import timing
from api.core import auth, clock, db
from api.core.auth import Scope
from api.core.errors import Conflict, NotFound, Stale, invalid
from api.core.i18n import _
from api.org.models import OrganizingBody, Unit

ORGANIZERS = ("organizer", "admin")
DRAFT_ONLY = ("opens_at", "audience_unit_ids", "settings")


class WrongState(Conflict):
    code = "wrong-state"
    title = _("The contest's present state doesn't allow this.")


class NotReleased(Conflict):
    code = "results-not-released"
    title = _("The results are not released yet.")


class BankTooSmall(Conflict):
    code = "bank-too-small"
    title = _("The bank holds fewer questions than the paper draws.")


def create(data: dict[str, Any]) -> Contest:
    """A draft; raises Invalid for unknown units, bodies and windows that make no sense."""
    audience = data.pop("audience_unit_ids", None) or [data["unit_id"]]
    _check_window(data["opens_at"], data["closes_at"])
    _check_owner(data["unit_id"], data["body_id"])
    contest = Contest(
        **data, pool=[], state="draft", created_by=auth.principal().member_id, version=1
    )
    db.session().add(contest)
    db.session().flush()
    _set_audience(contest, audience)
    return contest


def _check_window(opens_at: datetime, closes_at: datetime) -> None:
    if closes_at <= opens_at:
        raise invalid("closes_at", _("The contest must close after it opens."))


def _check_owner(unit_id: str, body_id: str | None) -> None:
    if db.session().get(Unit, unit_id) is None:
        raise invalid("unit_id", _("There is no such unit."))
    if body_id and db.session().get(OrganizingBody, body_id) is None:
        raise invalid("body_id", _("There is no such organising body."))


def _set_audience(contest: Contest, unit_ids: Sequence[str]) -> None:
    """Replace the audience; an organiser invites only units that the contest's unit or the
    organiser's grants cover."""
    wanted = set(unit_ids)
    known = set(db.session().scalars(sa.select(Unit.id).where(Unit.id.in_(wanted))))
    if known != wanted:
        raise invalid("audience_unit_ids", _("There is no such unit."))
    for unit_id in wanted - {contest.unit_id}:
        auth.require(ORGANIZERS, Scope(unit_id, contest.body_id))
    db.session().execute(sa.delete(AudienceUnit).where(AudienceUnit.contest_id == contest.id))
    db.session().add_all(AudienceUnit(contest_id=contest.id, unit_id=u) for u in wanted)
    db.session().flush()


def edit(contest_id: str, if_match: int, changes: dict[str, Any]) -> Contest:
    """Change a contest; what decides is fixed once it is published.  Raises Stale, WrongState."""
    contest = _claimed(contest_id, if_match)
    if contest.state != "draft" and (set(changes) & {*DRAFT_ONLY, "closes_at"}):
        raise WrongState(_("After publishing only title and description change; use extend."))
    audience = changes.pop("audience_unit_ids", None)
    for name, value in changes.items():
        setattr(contest, name, value)
    _check_window(contest.opens_at, contest.closes_at)
    if audience:
        _set_audience(contest, audience)
    db.session().flush()
    return contest


def _claimed(contest_id: str, if_match: int | None = None) -> Contest:
    """The contest, locked, with its version raised; raises Stale where `if_match` is another."""
    condition = Contest.id == contest_id
    if if_match is not None:
        condition = sa.and_(condition, Contest.version == if_match)
    claimed = db.connection().scalar(
        sa.update(Contest)
        .where(condition)
        .values(version=Contest.version + 1)
        .returning(Contest.id)
    )
    contest = db.session().get(Contest, contest_id, populate_existing=True)
    if contest is None:
        raise NotFound
    if claimed is None:
        raise Stale
    return contest


def publish(contest_id: str, *, dry_run: bool) -> tuple[Contest, int]:
    """Freeze the paper's pool and open the contest to its audience; (contest, who is eligible).

    Raises WrongState, BankTooSmall, Invalid.
    """
    contest = _only_in(_claimed(contest_id), "draft")
    pool = _pool(contest)
    if contest.closes_at <= clock.now():
        raise invalid("closes_at", _("The contest would be over before it is published."))
    eligible = queries.eligible_count(contest_id)
    if not dry_run:
        contest.pool = pool
        contest.state = "published"
        db.session().flush()
    else:
        contest.version -= 1
        db.session().flush()
    return contest, eligible


def _only_in(contest: Contest, *states: str) -> Contest:
    if contest.state not in states:
        raise WrongState(_("The contest is {state} now.", state=_(contest.state)))
    return contest


def _pool(contest: Contest) -> list[list[int]]:
    """What attempts draw from: [question version id, points in hundredths], in a stable order."""
    paper = contest.settings["paper"]
    worth = round(contest.settings["points_per_question"] * 100)
    if paper["kind"] == "fixed":
        versions = _fixed(paper["question_ids"])
    else:
        versions = _bank_versions(paper["bank_id"])
        if len(versions) < paper["count"]:
            wrong = _(
                "The bank holds {held} questions, the paper draws {count}.",
                held=len(versions), count=paper["count"],
            )  # fmt: skip
            raise BankTooSmall(wrong)
    return [[version_id, worth] for version_id in versions]


def _fixed(question_ids: Sequence[str]) -> list[int]:
    if len(set(question_ids)) != len(question_ids):
        raise invalid("settings.paper.question_ids", _("A question may occur once on a paper."))
    rows = db.connection().execute(
        _current_versions().where(Question.id.in_(question_ids), ~Question.retired)
    )
    found = {row.question_id: row for row in rows}
    for index, question_id in enumerate(question_ids):
        if question_id not in found:
            place = f"settings.paper.question_ids.{index}"
            raise invalid(place, _("There is no such question, or it was retired."))
        _require_bank(found[question_id].bank_id)
    return [found[question_id].id for question_id in question_ids]


def _bank_versions(bank_id: str) -> list[int]:
    _require_bank(bank_id)
    statement = _current_versions().where(Question.bank_id == bank_id, ~Question.retired)
    return [row.id for row in db.connection().execute(statement.order_by(QuestionVersion.id))]


def _require_bank(bank_id: str) -> None:
    """An organiser draws from banks that their own grants cover."""
    auth.require(ORGANIZERS, queries.scope_of_bank(bank_id))


def _current_versions() -> db.Rows:
    newest = (
        sa.select(sa.func.max(QuestionVersion.number))
        .where(QuestionVersion.question_id == Question.id)
        .correlate(Question)
        .scalar_subquery()
    )
    return (
        sa.select(QuestionVersion.id, QuestionVersion.question_id, Question.bank_id)
        .join(Question, Question.id == QuestionVersion.question_id)
        .where(QuestionVersion.number == newest)
    )


def pause(contest_id: str) -> Contest:
    """Stop starts, saves and submits until the contest is resumed."""
    contest = _only_in(_claimed(contest_id), "published")
    if queries.phase(contest, clock.now()) != "open":
        raise WrongState
    contest.paused_at = clock.now()
    db.session().flush()
    return contest


def resume(contest_id: str) -> Contest:
    """Go on; every running attempt and the window get the paused time back."""
    contest = _only_in(_claimed(contest_id), "published")
    if contest.paused_at is None:
        raise WrongState(_("The contest is not paused."))
    lost = clock.now() - contest.paused_at
    contest.closes_at += lost
    contest.paused_at = None
    for attempt in _running(contest_id):
        attempt.deadline_at += lost
    db.session().flush()
    return contest


def extend(contest_id: str, closes_at: datetime) -> Contest:
    """Move the close of a published contest to a later time; attempts that the close would have cut
    short get their time."""
    contest = _only_in(_claimed(contest_id), "published")
    if closes_at <= contest.closes_at:
        raise invalid("closes_at", _("Choose a time after the present close."))
    limit_s = contest.settings["limit_s"]
    for attempt in _running(contest_id):
        if attempt.deadline_at == contest.closes_at:
            attempt.deadline_at = timing.deadline(attempt.started_at, limit_s, closes_at, 0)
    contest.closes_at = closes_at
    db.session().flush()
    return contest


def _running(contest_id: str) -> Iterable[Attempt]:
    return db.session().scalars(
        sa.select(Attempt).where(Attempt.contest_id == contest_id, Attempt.state == "running")
    )


def cancel(contest_id: str) -> Contest:
    """Call the contest off; points already earned stay."""
    contest = _only_in(_claimed(contest_id), "draft", "published")
    contest.state = "cancelled"
    db.session().flush()
    return contest


def release(contest_id: str) -> Contest:
    """Show the settled results to those who took part; repeating it changes nothing."""
    contest = _only_in(_claimed(contest_id), "settled")
    contest.released_at = contest.released_at or clock.now()
    db.session().flush()
    return contest
