"""P22: the server's clock decides: at the deadline, at the grace, in any order of arrival."""

from datetime import timedelta
from typing import Any

import pytest

from api.core import auth, clock
from tests.factories import Person, World
from tests.promises.scene import Quiz, a_quiz, pass_time

LIMIT_S, GRACE_S = 60, 5
MILLISECOND = timedelta(milliseconds=1)


@pytest.fixture
def quiz(world: World) -> Quiz:
    return a_quiz(world, limit_s=LIMIT_S, grace_s=GRACE_S, review="immediate")


def at(world: World, moment: str, span: timedelta) -> None:
    """Set the clock to `span` after an instant, and let it stand there for a moment.

    The offset file moves a running clock; what a request needs comes on top of it, so that
    "before" is tried from far enough and "after" from one millisecond on.
    """
    from datetime import datetime

    target = datetime.fromisoformat(moment) + span
    world.move_clock(seconds=(target - clock.now()).total_seconds())


@pytest.mark.parametrize(
    ("span", "saves"),
    [
        (timedelta(seconds=-1), True),
        (timedelta(milliseconds=1), True),
        (timedelta(seconds=GRACE_S - 1), True),
        (timedelta(seconds=GRACE_S) + MILLISECOND, False),
        (timedelta(days=1), False),
    ],
)
def test_p22_saving_ends_with_the_grace(
    world: World, quiz: Quiz, span: timedelta, saves: bool
) -> None:
    anna, attempt = begun(quiz)
    at(world, attempt["deadline_at"], span)
    auth.forget()
    reply = save(anna.again(), attempt, quiz.answers(attempt))
    assert reply.status_code == (200 if saves else 409), reply.get_json()
    if not saves:
        assert reply.get_json()["code"] == "attempt-over"


def begun(quiz: Quiz) -> tuple[Person, dict[str, Any]]:
    anna = quiz.world.a_member()
    return anna, quiz.start(anna)


def save(person: Person, attempt: dict[str, Any], answers: list[dict[str, Any]]) -> Any:
    return person.put(f"/attempts/{attempt['id']}/answers", {"answers": answers})


_ = pass_time
