"""What the hot requests cost, pinned: (SQL statements, commits, trips to Valkey)."""

import pytest

from api.badges import service as badges
from api.points.service import rules
from tests.contests.test_contest import a_contest, an_organizer, answer
from tests.costs import counted
from tests.factories import Person, World


@pytest.fixture
def scene(world: World) -> tuple[World, Person, str]:
    """A contest under way, with everything that is kept in the process read once."""
    with world.changing():
        badges.install_presets()
        rules.install_presets()
    contest = a_contest(world, an_organizer(world), tries=3)
    for _warm_up in range(2):
        person = world.a_member()
        attempt = person.post(f"/contests/{contest}/attempts").get_json()["id"]
        person.put(f"/attempts/{attempt}/answers", {"answers": [_cleared(1)]})
        person.post(f"/attempts/{attempt}/submit", {})
    world.work_off()
    person.get("/leaderboards/people")
    return world, person, contest


def _cleared(position: int) -> dict[str, object]:
    return {"position": position, "seq": 1, "answer": []}


def test_saving_answers_takes_two_statements(scene: tuple[World, Person, str]) -> None:
    world, person, contest = scene
    attempt = person.post(f"/contests/{contest}/attempts").get_json()
    answers = [answer(slot, world) for slot in attempt["paper"]]
    with counted(world.app) as costs:
        reply = person.put(f"/attempts/{attempt['id']}/answers", {"answers": answers})
    assert reply.status_code == 200
    assert costs.counts == (2, 1, 0)


def test_a_submit_takes_six_statements_and_one_commit(scene: tuple[World, Person, str]) -> None:
    world, person, contest = scene
    attempt = person.post(f"/contests/{contest}/attempts").get_json()
    answers = [answer(slot, world) for slot in attempt["paper"]]
    person.get("/me/points")
    with counted(world.app) as costs:
        reply = person.post(f"/attempts/{attempt['id']}/submit", {"answers": answers})
    assert reply.get_json()["points"]
    assert costs.counts == (6, 1, 0), costs.statements


def test_a_board_is_one_trip_without_sql(scene: tuple[World, Person, str]) -> None:
    world, person, _contest = scene
    with counted(world.app) as costs:
        reply = person.get("/leaderboards/people")
    assert reply.get_json()["source"] == "valkey"
    assert costs.counts == (0, 0, 1), costs.statements
    with counted(world.app) as costs:
        same = person.get("/leaderboards/people", headers={"If-None-Match": reply.headers["ETag"]})
    assert same.status_code == 304
    assert costs.counts == (0, 0, 1)
    with counted(world.app) as costs:
        around = person.get("/leaderboards/people?around=me&limit=11")
    assert around.get_json()["me"]["rank"] == 1
    assert costs.counts == (0, 0, 1)
