"""P6: a killed job resumes within 15 s, without relying on the queue's own retry."""

import time
from typing import Any

import pytest
import sqlalchemy as sa

from api.contests.models import ContestResult
from api.core import jobs
from api.core.jobs import Job
from tests.promises.scene import a_quiz
from tests.promises.system import System, descendants, kill, until

RESUMED_WITHIN_S = 15.0


@pytest.mark.parametrize("victim", ["horse", "worker and horse"])
def test_p06_a_killed_job_resumes_within_15_s(system: System, victim: str) -> None:
    system.start()
    contest_id = a_finished_contest(system)
    system.failpoint("job.contests.settle.applied", "sleep 30")
    job_id = settling(system, contest_id)
    until(lambda: job(system, job_id)["state"] == "running")
    worker = system.child("workers.worker", "heavy")
    until(lambda: descendants(worker))
    (system.home / "failpoints" / "job.contests.settle.applied").unlink()
    if victim == "horse":
        for horse in descendants(worker):
            kill(horse)
    else:
        system.kill("workers.worker", "heavy")
    killed_at = time.monotonic()
    until(lambda: job(system, job_id)["state"] == "done", RESUMED_WITHIN_S)
    assert time.monotonic() - killed_at < RESUMED_WITHIN_S
    with system.world.looking() as session:
        ranks = session.scalars(
            sa.select(ContestResult.rank).where(ContestResult.contest_id == contest_id)
        )
        assert sorted(ranks) == [1, 2, 3]


def a_finished_contest(system: System) -> str:
    quiz = a_quiz(system.world)
    for right in (4, 2, 0):
        person = system.world.a_member()
        attempt = quiz.start(person)
        body = {"answers": quiz.answers(attempt)[:right]}
        assert person.post(f"/attempts/{attempt['id']}/submit", body).status_code == 200
    return quiz.contest_id


def settling(system: System, contest_id: str) -> str:
    """Move the clock past the contest's close; the job that the schedule starts."""
    system.world.move_clock(hours=2)
    found: list[str] = []

    def started() -> bool:
        with system.world.looking() as session:
            statement = sa.select(Job.id).where(Job.kind == "contests.settle")
            found[:] = session.scalars(statement)
        return bool(found)

    until(started, 15)
    assert contest_id
    return found[0]


def job(system: System, job_id: str) -> dict[str, Any]:
    with system.world.looking() as session:
        return jobs.as_json(session.get_one(Job, job_id))
