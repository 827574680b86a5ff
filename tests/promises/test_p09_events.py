"""P9: no event is lost, and none is there without its cause."""

import os
import subprocess
import sys
from collections import Counter
from contextlib import suppress

import pytest
import redis
import sqlalchemy as sa

from api.app import REACTIONS
from api.badges.models import Badge, BadgeAward
from api.core import db, events, jobs, schedule
from api.core.events import OutboxRow, Reaction
from api.core.settings import Settings
from api.points.models import BoardTotal, PointEntry
from api.points.service import oracle
from tests.factories import World
from tests.promises.scene import Quiz, a_quiz, pass_time
from tests.workers.system import ROOT
from workers.hints import DRAIN, Hints

KILLED = -9


def announced(world: World) -> Quiz:
    """Something of every kind was announced: people finished, a contest was settled, somebody
    joined a branch, somebody chose a nickname."""
    quiz = a_quiz(world)
    branch_id = world.a_branch(kind="union")
    for right in (4, 2, 0):
        person = world.a_member(branches=(branch_id,))
        attempt = quiz.start(person)
        body = {"answers": quiz.answers(attempt)[:right]}
        assert person.post(f"/attempts/{attempt['id']}/submit", body).status_code == 200
    drained(world, "points.totals")  # which announces what boards show
    person, admin = world.a_member(), world.an_admin()
    me = person.patch("/me", {"nickname": "Nick"}, headers={"If-Match": '"v1"'})
    assert me.status_code == 200, me.get_json()
    joined = admin.post("/memberships", {"member_id": person.id, "branch_id": branch_id})
    assert joined.status_code == 201, joined.get_json()
    late = world.a_member(branches=(branch_id,))
    attempt = quiz.start(late)
    assert late.post(f"/attempts/{attempt['id']}/submit", {}).status_code == 200
    pass_time(world, hours=2)
    settled(world)
    return quiz


def waiting(world: World) -> Counter[str]:
    with world.looking() as session:
        return Counter(session.scalars(sa.select(OutboxRow.reaction)))


def drained_elsewhere(world: World, name: str) -> int:
    """The exit code of a real process that drains a reaction; -9 if it was killed."""
    settings: Settings = world.app.extensions["leitai.settings"]
    environment = {
        **os.environ,
        "LEITAI_HOME": str(settings.home),
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": settings.secret_key,
        "LEITAI_TEST_MODE": "1",
    }
    code = f"from workers.tasks import drain; drain({name!r})"
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, check=False, timeout=60
    ).returncode


@pytest.mark.parametrize("reaction", REACTIONS, ids=lambda r: r.name)
def test_p09_a_killed_drain_loses_nothing_and_repeats_nothing(
    world: World, reaction: Reaction
) -> None:
    """Killed after the commit of the cause, and in the middle of what follows from it."""
    announced(world)
    before = waiting(world)
    assert before[reaction.name] > 0, "the scene announces nothing to this reaction"
    place = world.app.extensions["leitai.settings"].home / "failpoints"
    place.mkdir(exist_ok=True)
    (place / f"drain.{reaction.name}.applied.once").write_text("kill")
    assert drained_elsewhere(world, reaction.name) == KILLED
    assert waiting(world) == before, "an event was lost"
    world.work_off()
    assert not waiting(world)
    consequences(world)


def drained(world: World, name: str) -> None:
    with world.app.app_context():
        events.drain(name)


def settled(world: World) -> None:
    """Let schedule and jobs do their work, but no drain."""
    with world.app.app_context():
        for _round in range(4):
            schedule._ran_at.clear()
            schedule.tick("test")
            for job_id in jobs.owed():
                jobs.run(job_id)


def consequences(world: World) -> None:
    """What follows from the events is there, once: totals equal the ledger, one badge each."""
    with world.app.app_context():
        assert oracle.differences() == []
    with world.looking() as session:
        ledger = session.scalar(sa.select(sa.func.sum(PointEntry.amount)))
        totals = session.scalar(
            sa.select(sa.func.sum(BoardTotal.points)).where(
                BoardTotal.board == "people", BoardTotal.period == "all"
            )
        )
        assert ledger == totals > 0
        given = sa.select(Badge.code, BadgeAward.member_id).join(
            BadgeAward, BadgeAward.badge_id == Badge.id
        )
        awards = Counter(tuple(row) for row in session.execute(given))
        assert sum(code == "first_contest" for code, _member in awards) == 4
        assert max(awards.values()) == 1


def test_p09_what_is_rolled_back_is_not_announced(world: World) -> None:
    with world.looking() as session:
        none = session.scalar(sa.select(sa.func.count()).select_from(OutboxRow))
    quiz = a_quiz(world)
    anna = world.a_member()
    attempt = quiz.start(anna)
    place = world.app.extensions["leitai.settings"].home / "failpoints"
    place.mkdir(exist_ok=True)
    (place / "submit.credited.once").write_text("raise")
    broken = anna.post(f"/attempts/{attempt['id']}/submit", {"answers": quiz.answers(attempt)})
    assert broken.status_code == 500
    assert sum(waiting(world).values()) == none == 0
    assert entries(world) == 0
    assert anna.get(f"/attempts/{attempt['id']}").get_json()["state"] == "running"
    again = anna.post(f"/attempts/{attempt['id']}/submit", {"answers": quiz.answers(attempt)})
    assert again.status_code == 200
    assert entries(world) > 0
    assert waiting(world)


def entries(world: World) -> int:
    with world.looking() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(PointEntry)) or 0


def test_p09_an_event_and_its_cause_are_one_transaction(world: World) -> None:
    """An exception after `emit` takes the announcement back, whoever raised it."""
    announced(world)
    before = waiting(world)
    with world.looking() as session:
        row = session.execute(sa.select(OutboxRow.__table__)).first()
    with world.app.app_context():
        event = events._event(row)
        with suppress(ZeroDivisionError), db.transaction():
            events.emit(event)
            raise ZeroDivisionError
    assert waiting(world) == before


def test_p09_a_flushed_queue_is_filled_again(world: World, valkey_url: str) -> None:
    """The queue is a hint: what it forgets the outbox still owes, and the relay asks again."""
    announced(world)
    connection = redis.Redis.from_url(valkey_url)
    for _round in range(3):
        hints = Hints(connection)
        with world.app.app_context():
            owed = events.pending()
        assert owed
        assert all(hints.give(DRAIN, name) for name in owed)
        connection.flushall()
    world.work_off()
    assert not waiting(world)
    connection.close()
