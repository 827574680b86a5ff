"""Contests and results as the API shows them."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from api.contests.models import Contest, ContestResult
from api.contests.queries import contests as queries
from api.contests.queries import results as result_queries
from api.core import auth, clock, db, pages
from api.core.auth import Scope
from api.core.errors import NotFound, Problem, invalid
from api.core.i18n import _

SEE_DRAFTS = ("organizer", "admin", "auditor")
SMALL = 10


def contest(row: Contest) -> dict[str, Any]:
    """ContestOut."""
    return _contest(row, queries.audience_units([row.id])[row.id])


def _contest(row: Contest, audience: Sequence[str]) -> dict[str, Any]:
    paper = row.settings["paper"]
    count = paper["count"] if paper["kind"] == "draw" else len(paper["question_ids"])
    worth = row.settings["points_per_question"]
    return {
        "id": row.id,
        "title": row.title,
        "description": row.description,
        "unit_id": row.unit_id,
        "body_id": row.body_id,
        "audience_unit_ids": list(audience),
        "state": row.state,
        "phase": queries.phase(row, clock.now()),
        "opens_at": row.opens_at,
        "closes_at": row.closes_at,
        "paused_at": row.paused_at,
        "question_count": count,
        "max_score": round(count * worth, 2),
        "settings": _settings(row),
        "results_version": row.results_version,
        "released_at": row.released_at,
        "version": row.version,
    }


def _settings(row: Contest) -> dict[str, Any]:
    """Settings as the reader may see them: which questions a fixed paper holds is the
    organiser's business."""
    if auth.allows(SEE_DRAFTS, Scope(row.unit_id, row.body_id)):
        return row.settings
    paper = {name: value for name, value in row.settings["paper"].items() if name != "question_ids"}
    return {**row.settings, "paper": paper}


def contests(*, state: str | None, limit: int, cursor: str | None) -> dict[str, Any]:
    """A page of the contests one may see, newest first."""
    mine = queries.visible_to(auth.principal().member_id)
    statement = sa.select(Contest).where(sa.or_(mine, queries.covered(SEE_DRAFTS, Contest)))
    if state:
        statement = statement.where(Contest.state == state)
    found = pages.page(
        statement, [Contest.__table__.c.id], limit=limit, cursor=cursor, descending=True,
        show=lambda row: row,
    )  # fmt: skip
    audiences = queries.audience_units([row.id for row in found["items"]])
    items = [_contest(row, audiences[row.id]) for row in found["items"]]
    return {"items": items, "next_cursor": found["next_cursor"]}


def visible(contest_id: str) -> Contest:
    """A contest the principal may see; raises NotFound."""
    row = db.session().get(Contest, contest_id)
    if row is None:
        raise NotFound
    if auth.allows(SEE_DRAFTS, Scope(row.unit_id, row.body_id)):
        return row
    seen = queries.for_member(contest_id, auth.principal().member_id)
    if seen is None or not seen.invited:
        raise NotFound
    return row


def released(contest_id: str, problem: type[Problem]) -> Contest:
    """A contest whose results the principal may see; raises NotFound or `problem`."""
    row = visible(contest_id)
    sees_all = auth.allows(SEE_DRAFTS, Scope(row.unit_id, row.body_id))
    if row.results_version == 0 or (row.released_at is None and not sees_all):
        raise problem
    return row


def published(row: Contest, eligible: int) -> dict[str, Any]:
    """PublishOut."""
    return {"contest": contest(row), "pool_size": len(row.pool), "eligible": eligible}


def results(row: Contest, *, limit: int, cursor: str | None) -> dict[str, Any]:
    """ResultsOut: one page and, always, one's own row."""
    rows = result_queries.page(row, limit + 1, _position(cursor))
    few = result_queries.size(row) < SMALL
    own = result_queries.of_member(row, auth.principal().member_id)
    shown = rows[:limit]
    return {
        "contest_id": row.id,
        "results_version": row.results_version,
        "settled_at": row.settled_at,
        "items": [_result(r) for r in shown if r.on_boards or not few],
        "me": _result(own, own=True) if own else None,
        "next_cursor": pages.encode_cursor([shown[-1].position]) if len(rows) > limit else None,
    }


def _position(cursor: str | None) -> int:
    if cursor is None:
        return 0
    values = pages.decode_cursor(cursor, [ContestResult.__table__.c.position])
    if values[0] < 0:
        raise invalid("cursor", _("This cursor isn't one of ours. Start again without a cursor."))
    return int(values[0])


def _result(row: Any, *, own: bool = False) -> dict[str, Any]:
    seen = own or row.on_boards
    return {
        "rank": row.rank,
        "member_id": row.member_id if seen else None,
        "name": (row.nickname or row.name) if seen else None,
        "hidden": not row.on_boards,
        "score": row.score_hundredths / 100,
        "time_share": row.time_share / 10**9,
        "tries": row.tries,
        "tie_break": row.tie_break,
    }


def branch_results(row: Contest) -> dict[str, Any]:
    """BranchResultsOut."""
    return {
        "contest_id": row.id,
        "results_version": row.results_version,
        "branch_kind": row.settings["branch_kind"],
        "items": [_branch(r) for r in result_queries.branches(row)],
    }


def _branch(row: Any) -> dict[str, Any]:
    """A branch's place; of fewer than ten people no figure that comes close to one person's."""
    small = row.eligible < SMALL
    return {
        "rank": row.rank,
        "branch_id": row.branch_id,
        "name": row.name,
        "band": row.band,
        "eligible": row.eligible,
        "participants": row.participants,
        "mean_score": None if small else row.mean_hundredths / 100,
        "value": None if small else row.value_ppm / 10**6,
        "small": small,
        "tie_break": {**row.tie_break, "value": None} if small else row.tie_break,
    }


def statistics(contest_id: str) -> dict[str, Any]:
    """StatisticsOut."""
    row = db.session().get_one(Contest, contest_id)
    kind = row.settings["branch_kind"]
    return {
        "contest_id": contest_id,
        "eligible": queries.eligible_count(contest_id),
        **queries.counts(contest_id),
        "branch_kind": kind,
        "branches": [dict(r._mapping) for r in queries.participation(contest_id, kind)],
    }
