"""Long work: leased, fenced, resumed, cancelled, failed with words for people."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from api.core import clock, db, jobs
from api.core.auth import Grant
from api.core.errors import Conflict
from api.core.i18n import _
from api.core.jobs import Job, Kind, Step
from api.core.schedule import Lease
from tests.factories import World

STEPS = 4


class Counting:
    """A job that writes one row in each of four steps, and can be disturbed in any."""

    def __init__(self) -> None:
        self.disturb: Callable[[Job], None] = lambda _job: None
        self.prepared: list[int] = []

    def prepare(self, job: Job) -> int:
        at = int(job.cursor.get("at", 0))
        self.prepared.append(at)
        self.disturb(job)
        return at

    def apply(self, job: Job, at: int) -> Step:
        now = clock.now()
        values = {"name": f"{job.args['name']} {at}", "runner": "x", "until": now, "seen_at": now}
        db.connection().execute(sa.insert(Lease), values)
        if at + 1 == STEPS:
            return Step(None, done=STEPS, result={"rows": STEPS})
        return Step({"at": at + 1}, done=at + 1, total=STEPS)


@pytest.fixture
def counting(app: Flask) -> Iterator[Counting]:
    counting = Counting()
    jobs.configure([Kind("counting", counting.prepare, counting.apply)])
    with app.app_context():
        yield counting


def started(name: str = "x", member_id: str | None = None) -> str:
    with db.transaction():
        return jobs.start("counting", {"name": name}, member_id=member_id).id


def shown(job_id: str) -> dict[str, Any]:
    with db.reading():
        return jobs.as_json(db.session().get_one(Job, job_id), "en")


def rows() -> list[str]:
    with db.reading() as conn:
        return sorted(conn.execute(sa.select(Lease.name)).scalars())


ALL = [f"x {n}" for n in range(STEPS)]


def test_a_job_is_owed_until_it_is_done(counting: Counting) -> None:
    job_id = started()
    assert jobs.owed() == [job_id]
    assert shown(job_id)["state"] == "queued"
    jobs.run(job_id)
    job = shown(job_id)
    assert (job["state"], job["done"], job["total"]) == ("done", STEPS, STEPS)
    assert job["result"] == {"rows": STEPS}
    assert job["finished_at"] is not None
    assert jobs.owed() == []
    assert rows() == ALL
    jobs.run(job_id)
    assert rows() == ALL


def test_each_step_is_a_transaction_and_a_killed_job_goes_on(
    counting: Counting, world: World
) -> None:
    def die(job: Job) -> None:
        if job.cursor.get("at") == 2:
            raise KeyboardInterrupt

    job_id = started()
    counting.disturb = die
    with pytest.raises(KeyboardInterrupt):
        jobs.run(job_id)
    assert rows() == ALL[:2]
    assert (shown(job_id)["state"], shown(job_id)["done"]) == ("running", 2)
    assert jobs.owed() == [], "its lease has not run out"
    counting.disturb = lambda _job: None
    jobs.run(job_id)
    assert rows() == ALL[:2]
    world.move_clock(seconds=jobs.LEASE.total_seconds() + 0.1)
    assert jobs.owed() == [job_id]
    jobs.run(job_id)
    assert rows() == ALL
    assert counting.prepared == [0, 1, 2, 2, 3]


def test_a_step_renews_the_lease(counting: Counting) -> None:
    seen = []

    def look(job: Job) -> None:
        seen.append(job.lease_until)

    counting.disturb = look
    jobs.run(started())
    assert seen == sorted(seen)
    assert len(set(seen)) == STEPS


def test_whoever_lost_the_lease_writes_nothing_more(app: Flask, counting: Counting) -> None:
    job_id = started()
    first, second = threading.Event(), threading.Event()

    def hang(_job: Job) -> None:
        if threading.current_thread().name == "slow" and not first.is_set():
            first.set()
            second.wait(20)

    counting.disturb = hang

    def run() -> None:
        with app.app_context():
            jobs.run(job_id)

    thread = threading.Thread(target=run, name="slow")
    thread.start()
    first.wait(20)
    with db.transaction():
        db.session().get_one(Job, job_id).lease_until = clock.now() - timedelta(seconds=1)
    jobs.run(job_id)
    second.set()
    thread.join(20)
    assert rows() == ALL
    assert shown(job_id)["state"] == "done"


def test_two_runners_at_once_do_it_once(app: Flask, counting: Counting) -> None:
    counting.disturb = lambda _job: time.sleep(0.02)
    job_id = started()

    def run() -> None:
        with app.app_context():
            jobs.run(job_id)

    threads = [threading.Thread(target=run) for _thread in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert rows() == ALL
    assert counting.prepared == list(range(STEPS))


def test_a_cancelled_job_stops_after_its_step(counting: Counting, world: World) -> None:
    anna = world.a_member()
    job_id = started(member_id=anna.id)

    def cancel(job: Job) -> None:
        if job.cursor.get("at") == 1:
            with db.transaction():
                jobs.cancel(db.session().get_one(Job, job_id))

    counting.disturb = cancel
    jobs.run(job_id)
    assert shown(job_id)["state"] == "cancelled"
    assert rows() == ALL[:2], "the step that ran is whole"
    jobs.run(job_id)
    assert rows() == ALL[:2]
    assert jobs.owed() == []


def test_a_queued_job_can_be_cancelled_and_a_done_one_stays_done(counting: Counting) -> None:
    job_id = started()
    for _turn in range(2):
        with db.transaction():
            jobs.cancel(db.session().get_one(Job, job_id))
    jobs.run(job_id)
    assert (shown(job_id)["state"], rows()) == ("cancelled", [])
    done = started()
    jobs.run(done)
    with db.transaction():
        jobs.cancel(db.session().get_one(Job, done))
    assert shown(done)["state"] == "done"


def test_a_failing_job_is_tried_again_and_then_failed(counting: Counting, world: World) -> None:
    def fail(_job: Job) -> None:
        raise ValueError("inner detail with a name")

    counting.disturb = fail
    job_id = started()
    for number in range(jobs.MAX_TRIES):
        assert shown(job_id)["state"] in ("queued", "running"), number
        jobs.run(job_id)
        assert jobs.owed() == []
        world.move_clock(minutes=1)
    job = shown(job_id)
    assert job["state"] == "failed"
    assert job["errors"] == [{"code": "internal", "message": "The job failed; the log has its id."}]
    assert "inner" not in str(job)
    assert jobs.owed() == []


def test_a_try_that_succeeds_forgets_earlier_failures(counting: Counting, world: World) -> None:
    failures = [2]

    def fail_twice_a_step(_job: Job) -> None:
        if failures[0] > 0:
            failures[0] -= 1
            raise ValueError
        failures[0] = 2

    counting.disturb = fail_twice_a_step
    job_id = started()
    for _try in range(3 * STEPS):
        jobs.run(job_id)
        world.move_clock(minutes=1)
    assert (shown(job_id)["state"], rows()) == ("done", ALL)


def test_a_refusal_fails_a_job_at_once_in_the_readers_language(counting: Counting) -> None:
    def refuse(_job: Job) -> None:
        raise Conflict(_("There is no such unit."))

    counting.disturb = refuse
    job_id = started()
    jobs.run(job_id)
    with db.reading():
        job = db.session().get_one(Job, job_id)
        english, chinese = jobs.as_json(job, "en"), jobs.as_json(job, "zh-CN")
    assert english["state"] == "failed"
    assert english["errors"] == [{"code": "conflict", "message": "There is no such unit."}]
    assert chinese["errors"][0]["message"] not in ("", english["errors"][0]["message"])


def test_jobs_are_seen_and_cancelled_by_their_owner(counting: Counting, world: World) -> None:
    anna, ben = world.a_member(), world.a_member()
    auditor = world.a_member(grants=(Grant("auditor"),))
    job_id = started(member_id=anna.id)
    assert anna.get(f"/jobs/{job_id}").get_json()["state"] == "queued"
    assert ben.get(f"/jobs/{job_id}").status_code == 404
    assert ben.delete(f"/jobs/{job_id}").status_code == 404
    assert auditor.get(f"/jobs/{job_id}").status_code == 200
    assert auditor.delete(f"/jobs/{job_id}").status_code == 404, "an auditor only reads"
    cancelled = anna.delete(f"/jobs/{job_id}")
    assert (cancelled.status_code, cancelled.get_json()["state"]) == (200, "cancelling")


@pytest.mark.skipif(
    not os.environ.get("TEST_DATABASE_URL"), reason="SQLite's writers wait for each other"
)
def test_a_job_that_ended_meanwhile_is_not_cancelled(app: Flask, counting: Counting) -> None:
    job_id = started()

    def run() -> None:
        with app.app_context():
            jobs.run(job_id)

    with db.transaction():
        job = db.session().get_one(Job, job_id)
        runner = threading.Thread(target=run)
        runner.start()
        runner.join(20)
        jobs.cancel(job)
    assert (shown(job_id)["state"], rows()) == ("done", ALL)
