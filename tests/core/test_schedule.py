"""The schedule: one runner at a time, nothing lost when it dies, no task holds others up."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask

from api.core import clock, db, schedule
from api.core.schedule import Task
from tests.factories import World


class Counted:
    """Tasks that count how often they ran."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    def task(self, name: str, every_s: float = 0.0, done: int = 1, *, fails: bool = False) -> Task:
        def run() -> int:
            self.ran.append(name)
            if fails:
                raise ValueError(name)
            return done

        return Task(name, every_s, run)


@pytest.fixture
def counted(app: Flask) -> Iterator[Counted]:
    with app.app_context():
        yield Counted()


def test_one_of_two_runners_holds_the_lease(counted: Counted) -> None:
    schedule.configure([counted.task("a")])
    assert schedule.tick("first") == ["a"]
    assert schedule.tick("second") == []
    assert schedule.tick("first") == ["a"]
    assert counted.ran == ["a", "a"]


def test_another_takes_over_when_the_lease_has_run_out(counted: Counted, world: World) -> None:
    schedule.configure([counted.task("a")])
    schedule.tick("first")
    world.move_clock(seconds=schedule.LEASE.total_seconds() - 1)
    assert schedule.tick("second") == []
    world.move_clock(seconds=2)
    assert schedule.tick("second") == ["a"]
    assert schedule.tick("first") == [], "the first doesn't come back by itself"


def test_a_runner_that_ticks_keeps_the_lease(counted: Counted, world: World) -> None:
    schedule.configure([counted.task("a")])
    for _tick in range(8):
        assert schedule.tick("first") == ["a"]
        assert schedule.tick("second") == []
        world.move_clock(seconds=schedule.RENEW.total_seconds() + 0.5)


def test_three_at_the_same_moment_run_once(app: Flask, counted: Counted) -> None:
    schedule.configure([counted.task("a")])
    barrier = threading.Barrier(3)
    held: list[str] = []

    def tick(runner: str) -> None:
        with app.app_context():
            barrier.wait(20)
            if schedule._hold(runner):
                held.append(runner)

    threads = [threading.Thread(target=tick, args=(f"runner {n}",)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(held) == 1


def test_a_task_runs_at_its_own_pace(counted: Counted) -> None:
    schedule.configure([counted.task("often"), counted.task("seldom", every_s=1000)])
    assert schedule.tick("x") == ["often", "seldom"]
    assert schedule.tick("x") == ["often"]


def test_a_failing_task_does_not_hold_the_others_up(counted: Counted) -> None:
    schedule.configure(
        [counted.task("bad", fails=True), counted.task("idle", done=0), counted.task("good")]
    )
    assert schedule.tick("x") == ["good"]
    assert schedule.tick("x") == ["good"]
    assert counted.ran == ["bad", "idle", "good"] * 2


def test_readiness_tells_whether_the_schedule_is_alive(counted: Counted, world: World) -> None:
    schedule.configure([])
    parts = world.client.get("/api/v1/readyz").get_json()["parts"]
    assert parts["schedule"] == "silent"
    schedule.tick("x")
    with db.reading():
        seen = schedule.seen_at()
    assert seen is not None
    assert clock.now() - seen < timedelta(seconds=5)
    assert world.client.get("/api/v1/readyz").get_json()["parts"]["schedule"] == "ok"
    world.move_clock(minutes=1)
    assert world.client.get("/api/v1/readyz").get_json()["parts"]["schedule"] == "silent"
