"""P14: with Valkey down or hanging, people go on working: writes succeed, boards come from SQL,
limits degrade but are never off, and nobody waits longer than our own time-out."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.core import limits, valkey
from tests.factories import World
from tests.promises.scene import Quiz, a_quiz


@pytest.fixture
def hanging(tmp_path: Path) -> Iterator[str]:
    """A server that accepts connections and never answers."""
    path = tmp_path / "hang.sock"
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen(64)
    held: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                held.append(server.accept()[0])
            except OSError:
                return

    threading.Thread(target=accept, daemon=True).start()
    yield f"unix://{path}"
    server.close()
    for connection in held:
        connection.close()


@pytest.fixture(params=["down", "hanging"])
def away(request: pytest.FixtureRequest, hanging: str, world: World) -> Iterator[None]:
    """Valkey is down, or hangs."""
    real = world.app.extensions["leitai.settings"].redis_url
    valkey.configure(hanging if request.param == "hanging" else "unix:///nowhere/valkey.sock")
    yield
    valkey.configure(real)


def _play(quiz: Quiz, world: World) -> None:
    person = world.a_member()
    attempt = quiz.start(person)
    saved = person.put(f"/attempts/{attempt['id']}/answers", {"answers": quiz.answers(attempt)})
    assert saved.status_code == 200
    assert person.post(f"/attempts/{attempt['id']}/submit", {}).status_code == 200
    board = person.get("/leaderboards/people")
    assert board.status_code == 200
    assert board.get_json()["stale"] is True
    assert person.get("/me/home").status_code == 200


def test_p14_people_go_on_working(world: World, away: None) -> None:
    quiz = a_quiz(world)
    for _person in range(5):
        _play(quiz, world)
    world.work_off(rounds=3)
    assert world.an_admin().get("/readyz").get_json()["parts"]["valkey"] == "down"


def test_p14_what_waited_is_done_when_valkey_is_back(world: World) -> None:
    real = world.app.extensions["leitai.settings"].redis_url
    valkey.configure("unix:///nowhere/valkey.sock")
    quiz = a_quiz(world)
    _play(quiz, world)
    world.work_off(rounds=3)
    valkey.configure(real)
    world.work_off()
    board = world.a_member().get("/leaderboards/people").get_json()
    assert (board["source"], board["size"]) == ("valkey", 1)


def test_p15_a_hanging_valkey_costs_our_own_time_out(world: World, hanging: str) -> None:
    real = world.app.extensions["leitai.settings"].redis_url
    person = world.a_member()
    person.get("/leaderboards/people")
    valkey.configure(hanging)
    began = time.perf_counter()
    assert person.get("/leaderboards/people").status_code == 200
    first = time.perf_counter() - began
    began = time.perf_counter()
    person.get("/leaderboards/people")
    second = time.perf_counter() - began
    valkey.configure(real)
    assert first <= 0.3 + 0.15
    assert second <= 0.1


def test_p14_shared_limits_fall_back_to_the_process(world: World, away: None) -> None:
    with world.app.app_context():
        rate = limits.Rate("test", per_minute=60, burst=3, shared=True)
        waits = [limits._wait(rate, "somebody", 1.0) for _request in range(5)]
    assert waits[:3] == [0, 0, 0]
    assert all(wait > 0 for wait in waits[3:])
