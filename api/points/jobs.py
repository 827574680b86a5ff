"""Rebuilding boards in Valkey from the totals, and totals from the ledger."""

from datetime import datetime, time, timedelta
from typing import Any

import sqlalchemy as sa

from api.core import clock, db, jobs
from api.core.jobs import Job, Kind, Step
from api.core.valkey import ValkeyDown
from api.points import adapters
from api.points.models import PointEntry
from api.points.queries import catalogue, views
from api.points.queries import totals as queries
from api.points.rules.boards import Place
from api.points.rules.periods import ALL_TIME, span
from api.points.service import totals
from api.points.service.boards import note_labels
from api.points.service.catalogue import RECOUNT

KIND = "points.rebuild_board"
ROWS_A_STEP = 2000
MEMBERS_A_STEP = 50
DAY_S = 24 * 3600
_entry = PointEntry.__table__.c


def boards_owed() -> int:
    """Start rebuilding boards that Valkey should have and hasn't: those of the periods under way,
    and those somebody asked for; returns how many."""
    try:
        asked = adapters.wanted()
        needed = [*present(), *asked]
        built = adapters.is_built(needed)
        missing = [place for place, there in zip(needed, built, strict=True) if not there]
        fresh = _start(missing) if missing else 0
        adapters.forget_wanted(asked)
    except ValkeyDown:
        return 0
    return fresh


def present() -> list[Place]:
    """The whole boards of the periods under way."""
    with db.reading():
        keys = [key for key in views.KEYS if key not in catalogue.switched_off()]
        return [Place(key, period) for key in keys for period in views.under_way(key)]


def _start(missing: list[Place]) -> int:
    with db.transaction():
        known = _under_way()
        fresh = [place for place in dict.fromkeys(missing) if place not in known]
        for place in fresh:
            arguments = {"board": place.board, "period": place.period, "scope": place.scope}
            jobs.start(KIND, arguments)
    return len(fresh)


def _under_way() -> set[Place]:
    rows = db.session().scalars(
        sa.select(Job).where(Job.kind == KIND, Job.state.in_(jobs.OPEN_STATES))
    )
    return {_place(job) for job in rows}


def _place(job: Job) -> Place:
    return Place(job.args["board"], job.args["period"], job.args.get("scope", ""))


def rebuild(place: Place) -> int:
    """Rebuild one board at once; returns how many rows it has.  Raises ValkeyDown."""
    token, after, count = adapters.begin_rebuild(place), None, 0
    while scores := _chunk(place, after):
        adapters.add_chunk(place, token, dict(scores))
        after, count = scores[-1][0], count + len(scores)
    adapters.finish_rebuild(place, token, needed_s=_needed_s(place))
    return count


def _chunk(place: Place, after: str | None) -> list[tuple[str, int]]:
    with db.reading():
        scores = queries.next_scores(place, after, ROWS_A_STEP)
        labels = queries.labels(place, [subject_id for subject_id, _score in scores])
    note_labels(place, labels)
    return scores


def _needed_s(place: Place) -> int | None:
    """How long a board is kept: all time for good, a whole board of a period under way until a day
    after its end, any other as long as it is asked for (None)."""
    if place.scope:
        return None
    if place.period == ALL_TIME:
        return 0
    with db.reading():
        days = span(place.period, catalogue.seasons())
    if days is None or not days[0] <= catalogue.today() <= days[1]:
        return None
    end = datetime.combine(days[1] + timedelta(days=1), time(), catalogue.zone())
    return int((end - clock.now()).total_seconds()) + DAY_S


def _prepare(job: Job) -> dict[str, Any]:
    """One chunk into the new set; Valkey is outside any transaction."""
    place = _place(job)
    token = job.cursor.get("token") or adapters.begin_rebuild(place)
    scores = _chunk(place, job.cursor.get("after"))
    if scores:
        held = adapters.add_chunk(place, token, dict(scores))
    else:
        held = adapters.finish_rebuild(place, token, needed_s=_needed_s(place))
    return {"token": token, "scores": scores, "held": held}


def _apply(job: Job, made: dict[str, Any]) -> Step:
    scores = made["scores"]
    if not made["held"]:
        # Valkey was flushed meanwhile: begin again.
        return Step({}, done=0)
    if not scores:
        return Step(None, done=job.done, total=job.done)
    return Step({"token": made["token"], "after": scores[-1][0]}, done=job.done + len(scores))


def next_members(after: str | None) -> list[str]:
    """Some members with a ledger, in the order of their ids; inside a transaction or view."""
    statement = sa.select(_entry.member_id).distinct().order_by(_entry.member_id)
    if after:
        statement = statement.where(_entry.member_id > after)
    return list(db.connection().scalars(statement.limit(MEMBERS_A_STEP)))


def count_members() -> int:
    """How many members have a ledger; inside a transaction or view."""
    counted = sa.select(sa.func.count(sa.distinct(_entry.member_id)))
    return int(db.connection().scalar(counted) or 0)


def _recount(job: Job, _prepared: None) -> Step:
    members = next_members(job.cursor.get("after"))
    if not members:
        return Step(None, done=job.done, total=job.done)
    totals.recompute(members)
    total = job.total or count_members()
    return Step({"after": members[-1]}, done=job.done + len(members), total=total)


REBUILD = Kind(KIND, prepare=_prepare, apply=_apply)
RECOUNT_ALL = Kind(RECOUNT, prepare=lambda _job: None, apply=_recount)
