"""The first screen: what it shows, when it is unchanged, what it costs."""

from collections.abc import Callable

import pytest

from api.core.i18n import _
from api.messages import service as messages
from tests.costs import counted
from tests.factories import Person, World
from tests.points.crediting import credit
from tests.promises.scene import Quiz, a_quiz


@pytest.fixture
def quiz(world: World) -> Quiz:
    """A contest that everybody may take."""
    return a_quiz(world)


def _take_part(quiz: Quiz, person: Person) -> None:
    attempt = quiz.start(person)
    person.put(f"/attempts/{attempt['id']}/answers", {"answers": quiz.answers(attempt)})
    person.post(f"/attempts/{attempt['id']}/submit", {})
    quiz.world.work_off()


def test_home_shows_contests_points_messages_and_badges(world: World, quiz: Quiz) -> None:
    person = world.a_member()
    _take_part(quiz, person)
    home = person.get("/me/home").get_json()
    assert [c["id"] for c in home["contests"]] == [quiz.contest_id]
    assert home["points"]["rank"] == 1
    assert home["points"]["balance"] == home["points"]["month"] > 0
    assert home["unread"] == 2
    assert {badge["code"] for badge in home["badges"]} == {"first_contest", "full_marks"}


def _starts(quiz: Quiz, person: Person) -> None:
    quiz.start(person)


def _earns(quiz: Quiz, person: Person) -> None:
    credit(quiz.world, person.id)


def _is_written_to(quiz: Quiz, person: Person) -> None:
    with quiz.world.changing():
        messages.send([person.id], key="news", kind="test", text=_("Points"))


def _is_overtaken(quiz: Quiz, _person: Person) -> None:
    other = quiz.world.a_member()
    for _contest in range(2):
        credit(quiz.world, other.id)
    quiz.world.work_off()


def _sleeps(quiz: Quiz, _person: Person) -> None:
    quiz.world.move_clock(minutes=59)


CHANGES = [_starts, _earns, _is_written_to, _is_overtaken, _sleeps]


@pytest.mark.parametrize("happens", CHANGES)
def test_home_is_unchanged_until_something_happens(
    world: World, quiz: Quiz, happens: Callable[[Quiz, Person], None]
) -> None:
    person = world.a_member()
    credit(world, person.id)
    world.work_off()
    before = person.get("/me/home")
    known = {"headers": {"If-None-Match": before.headers["ETag"]}}
    assert person.get("/me/home", **known).status_code == 304
    happens(quiz, person)
    person = person.again()
    after = person.get("/me/home", **known)
    assert after.status_code == 200
    assert after.get_json() != before.get_json()
    assert after.headers["ETag"] != before.headers["ETag"]


def test_what_home_costs(world: World, quiz: Quiz) -> None:
    """Statements, commits, trips: three, none, one; unchanged one, none, one."""
    person = world.a_member()
    _take_part(quiz, person)
    tag = person.get("/me/home").headers["ETag"]
    with counted(world.app) as costs:
        reply = person.get("/me/home")
    assert reply.status_code == 200
    assert len(reply.data) <= 8192
    assert costs.counts == (3, 0, 1), costs.statements
    with counted(world.app) as costs:
        assert person.get("/me/home", headers={"If-None-Match": tag}).status_code == 304
    assert costs.counts == (1, 0, 1), costs.statements
