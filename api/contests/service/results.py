"""Settling: from finished attempts to ranked, explained results.

Results are draft rows of the next version until one brief switch; a killed settlement goes on
where it stopped, and settling again makes a new version beside the old ones.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from api.contests.events import ResultsSettled
from api.contests.models import BranchResult, Contest, ContestResult
from api.contests.queries import contests as queries
from api.contests.queries import results as result_queries
from api.contests.rules import ranking
from api.contests.service.contests import WrongState
from api.core import clock, db, events, jobs
from api.core.errors import NotFound
from api.core.i18n import _
from api.core.jobs import Job, Step

KIND = "contests.settle"
MEMBERS_A_STEP = 400
_result = ContestResult.__table__.c


def start(contest_id: str, member_id: str | None) -> Job:
    """Start settling a contest that is over.  Raises NotFound, WrongState."""
    contest = db.session().get(Contest, contest_id, with_for_update=True)
    if contest is None:
        raise NotFound
    over = contest.state == "settled" or contest.closes_at <= clock.now()
    if contest.state not in ("published", "settled") or not over:
        raise WrongState(_("A contest is settled after its close."))
    if queries.counts(contest_id)["running"]:
        raise WrongState(_("Some attempts are still running; they end by their deadline."))
    contest.state = "settling"
    version = contest.results_version + 1
    args = {"contest_id": contest_id, "results_version": version}
    return jobs.start(KIND, args, member_id=member_id)


def step(job: Job) -> Step:
    """One step of a settlement: collect, rank, rank branches, switch."""
    phase = job.cursor.get("phase", "collect")
    if phase == "collect":
        return _collect(job)
    if phase == "rank":
        return _rank(job)
    return _switch(job)


def _collect(job: Job) -> Step:
    """Copy the counted attempt of the next members into draft rows."""
    contest_id, version = job.args["contest_id"], job.args["results_version"]
    counts = result_queries.settings(contest_id)["counts"]
    after = job.cursor.get("after")
    members = result_queries.next_members(contest_id, after, MEMBERS_A_STEP)
    if not members:
        return Step({"phase": "rank"}, done=job.done, total=job.done * 2 + 1)
    rows = [
        _draft(contest_id, version, tries, counts)
        for tries in result_queries.attempts_of(contest_id, members)
    ]
    statement = db.insert(ContestResult).values(rows)
    keys = ["contest_id", "results_version", "member_id"]
    db.connection().execute(statement.on_conflict_do_nothing(index_elements=keys))
    return Step({"phase": "collect", "after": members[-1]}, done=job.done + len(members))


def _draft(contest_id: str, version: int, tries: Sequence[Any], counts: str) -> dict[str, Any]:
    counted = ranking.counted(tries, counts)
    return {
        "contest_id": contest_id,
        "results_version": version,
        "member_id": counted.member_id,
        "attempt_id": counted.id,
        "tries": len(tries),
        "score_hundredths": counted.score_hundredths,
        "time_share": counted.time_share,
        "rank": 0,
        "position": 0,
        "tie_break": {},
    }


def _rank(job: Job) -> Step:
    """Rank the next draft rows; the cursor carries the last row, so that ties cross steps."""
    contest_id, version = job.args["contest_id"], job.args["results_version"]
    last = ranking.Placed(**job.cursor["last"]) if "last" in job.cursor else None
    rows = result_queries.in_order(contest_id, version, last, MEMBERS_A_STEP)
    if not rows:
        return Step({"phase": "switch"}, done=job.done)
    placed = ranking.place(
        [ranking.Scored(r.member_id, r.score_hundredths, r.time_share) for r in rows], last
    )
    _store_places(contest_id, version, placed)
    cursor = {"phase": "rank", "last": placed[-1].as_json()}
    return Step(cursor, done=job.done + len(rows))


def _store_places(contest_id: str, version: int, placed: Sequence[ranking.Placed]) -> None:
    statement = (
        sa.update(ContestResult)
        .where(
            _result.contest_id == contest_id,
            _result.results_version == version,
            _result.member_id == sa.bindparam("m"),
        )
        .values(rank=sa.bindparam("r"), position=sa.bindparam("p"), tie_break=sa.bindparam("t"))
    )
    values = [{"m": p.member_id, "r": p.rank, "p": p.position, "t": p.tie_break()} for p in placed]
    db.connection().execute(statement, values)


def _switch(job: Job) -> Step:
    """Rank the branches, make the version current, announce it."""
    contest_id, version = job.args["contest_id"], job.args["results_version"]
    contest = db.session().get_one(Contest, contest_id, with_for_update=True)
    if contest.results_version < version:
        _rank_branches(contest, version)
        now = clock.now()
        contest.results_version, contest.state, contest.settled_at = version, "settled", now
        if contest.settings["release"] == "automatic":
            contest.released_at = contest.released_at or now
        events.emit(ResultsSettled(contest_id, version, now))
    return Step(None, done=job.done, total=job.done, result={"results_version": version})


def _rank_branches(contest: Contest, version: int) -> None:
    kind = contest.settings["branch_kind"]
    highest = result_queries.max_score(contest)
    weight = contest.settings["participation_weight_percent"]
    rows = result_queries.branch_scores(contest.id, version, kind)
    ranked = ranking.branch_ranking(
        [
            ranking.BranchScore(r.branch_id, r.eligible, r.participants, r.sum_hundredths)
            for r in rows
        ],
        max_hundredths=highest,
        participation_percent=weight,
    )
    db.session().add_all(_branch_row(contest.id, version, place) for place in ranked)


def _branch_row(contest_id: str, version: int, place: Any) -> BranchResult:
    return BranchResult(
        contest_id=contest_id,
        results_version=version,
        branch_id=place.branch_id,
        band=place.band,
        eligible=place.eligible,
        participants=place.participants,
        mean_hundredths=place.mean_hundredths,
        value_ppm=place.value_ppm,
        rank=place.rank,
        tie_break=place.tie_break,
    )
