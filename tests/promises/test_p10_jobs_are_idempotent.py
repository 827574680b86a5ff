"""P10: every job is idempotent: done twice, twice at once, and taken over in the middle."""

import time
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from api.app import JOBS
from api.core import clock, jobs
from api.core.jobs import Job
from api.points.models import BoardPart, BoardTotal
from tests.factories import World
from tests.points.crediting import credit, install
from tests.promises.digests import counts, digest
from tests.promises.place import a_place, text_file
from tests.promises.rounds import at_once, rounds
from tests.promises.scene import Quiz, a_bank, a_quiz, pass_time

KINDS = [kind.name for kind in JOBS]
STEP_S = 0.15


def settling(world: World) -> str:
    """A contest with results, closed; its settlement as the schedule starts it."""
    quiz = a_quiz(world, tries=2)
    branch_id = world.a_branch(kind="union")
    for number in range(6):
        person = world.a_member(branches=(branch_id,))
        attempt = quiz.start(person)
        answers = quiz.answers(attempt)[: number % 4]
        person.post(f"/attempts/{attempt['id']}/submit", {"answers": answers})
    world.work_off()
    [organizer] = pass_time(world, quiz.organizer, hours=2)
    started = organizer.post(f"/contests/{quiz.contest_id}/settle")
    assert started.status_code == 202, started.get_json()
    return str(started.get_json()["id"])


def importing(world: World) -> str:
    quiz: Quiz = a_bank(world)
    text = "\n\n".join(f"{n}. Question {n}?\nA. x\nB. y\n答案：B" for n in range(1, 301))
    place = f"/question-banks/{quiz.bank_id}/imports"
    started = quiz.organizer.request("POST", place, **text_file(text))
    assert started.status_code == 202, started.get_json()
    return str(started.get_json()["id"])


def rebuilding(world: World) -> str:
    quiz = a_quiz(world)
    for _number in range(3):
        person = world.a_member()
        attempt = quiz.start(person)
        person.post(f"/attempts/{attempt['id']}/submit", {"answers": quiz.answers(attempt)})
    world.work_off()
    with world.changing():
        return jobs.start("points.rebuild_board", {"board": "people", "period": "all"}).id


def recounting(world: World) -> str:
    """Totals and parts are gone; the ledger has it all."""
    branches = [world.a_branch(kind="union") for _number in range(2)]
    install(world)
    for number in range(120):
        credit(world, world.a_member(branches=(branches[number % 2],)).id)
    world.work_off()
    with world.changing() as session:
        session.execute(sa.delete(BoardPart))
        session.execute(sa.delete(BoardTotal).where(BoardTotal.board == "people"))
        return jobs.start("points.recount", {}).id


def synchronising(world: World) -> str:
    """A roster in which people join, move and leave, in more than one step."""
    place = a_place(world, "P1")
    stays, moves, _leaves = (place.somebody() for _number in range(3))
    rows = [f"{stays.number},Stays,Office,Union A", f"{moves.number},Moves,Works,Union B"]
    rows += [f"N{n:04},Joins {n},Works {n % 7},Union {n % 5}" for n in range(600)]
    admin = world.an_admin()
    started = admin.request(
        "POST",
        "/members/imports?company=P1&allow_leavers=true",
        **text_file("工号,姓名,部门,工会小组\n" + "\n".join(rows), "hr.csv"),
    )
    assert started.status_code == 202, started.get_json()
    return str(started.get_json()["id"])


SCENES: dict[str, Callable[[World], str]] = {
    "contests.settle": settling,
    "contests.import_questions": importing,
    "org.roster": synchronising,
    "points.rebuild_board": rebuilding,
    "points.recount": recounting,
}

# What works on Valkey alone leaves the database as it is.
OUTSIDE = {"points.rebuild_board"}


def test_p10_every_kind_of_job_is_tried() -> None:
    assert sorted(SCENES) == sorted(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_p10_a_job_done_again_changes_nothing(world: World, kind: str) -> None:
    job_id = SCENES[kind](world)
    untouched = digest(world)
    run(world, job_id)
    assert state(world, job_id) == "done"
    once = digest(world)
    assert once != untouched or kind in OUTSIDE
    again_from_the_start(world, job_id)
    run(world, job_id)
    assert state(world, job_id) == "done"
    assert digest(world) == once


@pytest.mark.parametrize("kind", KINDS)
def test_p10_a_job_run_twice_at_once_is_done_once(world: World, kind: str) -> None:
    job_id = SCENES[kind](world)
    at_once([lambda: run(world, job_id)] * 2)
    assert state(world, job_id) == "done"
    once, rows = digest(world), counts(world)
    for _round in range(rounds(2, 20)):
        again_from_the_start(world, job_id)
        at_once([lambda: run(world, job_id)] * 3)
        assert state(world, job_id) == "done"
        assert counts(world) == rows
        assert digest(world) == once


@pytest.mark.parametrize("kind", KINDS)
def test_p10_a_job_taken_over_in_the_middle_is_done_once(world: World, kind: str) -> None:
    """Its runner is so slow that the lease runs out; a second goes on, the first is fenced off."""
    job_id = SCENES[kind](world)
    place = world.app.extensions["leitai.settings"].home / "failpoints"
    place.mkdir(exist_ok=True)
    (place / f"job.{kind}.prepared").write_text(f"sleep {STEP_S}")

    def take_over() -> None:
        time.sleep(STEP_S / 2)
        with world.changing() as session:
            session.get_one(Job, job_id).lease_until = clock.now() - timedelta(seconds=1)
        run(world, job_id)

    at_once([lambda: run(world, job_id), take_over])
    (place / f"job.{kind}.prepared").unlink()
    assert state(world, job_id) == "done"
    once = digest(world)
    again_from_the_start(world, job_id)
    run(world, job_id)
    assert digest(world) == once


def run(world: World, job_id: str) -> None:
    with world.app.app_context():
        jobs.run(job_id)


def state(world: World, job_id: str) -> str:
    with world.looking() as session:
        job = session.get_one(Job, job_id)
        assert not job.errors, job.errors
        return job.state


def again_from_the_start(world: World, job_id: str) -> None:
    """As if nothing of the job's progress had been written down."""
    values = {"state": "queued", "cursor": {}, "done": 0, "lease_until": None, "runner": None}
    with world.changing() as session:
        session.execute(sa.update(Job).where(Job.id == job_id).values(**values))
