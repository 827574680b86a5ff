"""Boards: order and ranks, hiding, pages, and the same from SQL as from Valkey."""

import base64
from collections.abc import Iterator

import pytest
import redis
import sqlalchemy as sa
from flask import Flask

from api.core import db, events, valkey
from api.points import adapters
from api.points.models import BoardTotal
from api.points.queries import totals
from api.points.rules.boards import PEOPLE, Place
from api.points.service import boards, oracle
from tests.factories import Person, World
from tests.points.crediting import credit, days_ago, install, shown


@pytest.fixture
def crowd(world: World) -> list[Person]:
    """Twelve people; the first has most points, the third and fourth share a rank."""
    install(world)
    people = [world.a_member() for _place in range(12)]
    for place, person in enumerate(people):
        credit(world, person.id, score=100 - 5 * (2 if place == 3 else place))
    world.work_off()
    return people


@pytest.fixture
def without_valkey(app: Flask) -> Iterator[None]:
    """The application talks to a Valkey that isn't there."""
    url = app.extensions["leitai.settings"].redis_url
    valkey.configure("unix:///nowhere/valkey.sock")
    yield
    valkey.configure(url)


def test_equal_points_share_a_rank(crowd: list[Person]) -> None:
    board = crowd[5].get("/leaderboards/people").get_json()
    assert [row["rank"] for row in board["items"]] == [1, 2, 3, 3, 5, 6, 7, 8, 9, 10, 11, 12]
    assert board["items"][2]["tie_break"]["rule"] == "points"
    assert board["items"][3]["tie_break"] == {"rule": "shared", "value": "23"}
    assert board["me"] == {
        "rank": 6,
        "points": 24 - 4 + 0.0,
        "reached_at": board["me"]["reached_at"],
    }


def test_pages_and_around_me(crowd: list[Person]) -> None:
    whole = crowd[5].get("/leaderboards/people").get_json()["items"]
    pages, cursor = [], ""
    while cursor is not None:
        page = crowd[5].get(f"/leaderboards/people?limit=5{cursor}").get_json()
        pages += page["items"]
        cursor = f"&cursor={page['next_cursor']}" if page["next_cursor"] else None
    assert pages == whole
    around = crowd[5].get("/leaderboards/people?around=me&limit=5").get_json()
    assert [row["rank"] for row in around["items"]] == [3, 5, 6, 7, 8]


@pytest.mark.usefixtures("without_valkey")
def test_p14_without_valkey_the_board_comes_from_sql(crowd: list[Person]) -> None:
    board = crowd[5].get("/leaderboards/people").get_json()
    assert (board["source"], board["stale"]) == ("sql", True)
    assert [row["rank"] for row in board["items"]] == [1, 2, 3, 3, 5, 6, 7, 8, 9, 10, 11, 12]


def test_sql_and_valkey_show_the_same(crowd: list[Person], app: Flask) -> None:
    url = app.extensions["leitai.settings"].redis_url
    wishes = ("?limit=4", "?limit=50", "?around=me&limit=5")
    fast = [crowd[5].get(f"/leaderboards/people{wish}").get_json() for wish in wishes]
    second = crowd[5].get(f"/leaderboards/people?limit=4&cursor={fast[0]['next_cursor']}")
    valkey.configure("unix:///nowhere/valkey.sock")
    slow = [crowd[5].get(f"/leaderboards/people{wish}").get_json() for wish in wishes]
    same = crowd[5].get(f"/leaderboards/people?limit=4&cursor={slow[0]['next_cursor']}")
    valkey.configure(url)
    for left, right in zip(fast, slow, strict=True):
        assert shown(left["items"]) == shown(right["items"])
        assert left["me"] == right["me"]
    assert shown(second.get_json()["items"]) == shown(same.get_json()["items"])
    assert slow[0]["next_cursor"] == fast[0]["next_cursor"]


def test_hiding_acts_on_boards_and_keeps_points(crowd: list[Person], world: World) -> None:
    hidden, other = crowd[0], crowd[5]
    _hide(hidden)
    world.work_off()
    first = other.get("/leaderboards/people").get_json()["items"][0]
    assert (first["rank"], first["hidden"]) == (1, True)
    assert first["subject_id"] is first["name"] is None
    assert hidden.get("/leaderboards/people").get_json()["me"]["rank"] == 1
    assert other.get(f"/leaderboards/people/explain?member={hidden.id}").status_code == 403


def test_on_a_board_of_fewer_than_ten_hidden_people_have_no_row(world: World) -> None:
    install(world)
    people = [world.a_member(on_boards=place != 1) for place in range(4)]
    for person in people:
        credit(world, person.id)
    world.work_off()
    board = people[0].get("/leaderboards/people").get_json()
    assert {row["subject_id"] for row in board["items"]} == {people[i].id for i in (0, 2, 3)}


def test_an_unchanged_board_answers_304_until_somebody_scores(
    crowd: list[Person], world: World
) -> None:
    reply = crowd[0].get("/leaderboards/people")
    known = {"If-None-Match": reply.headers["ETag"]}
    assert crowd[0].get("/leaderboards/people", headers=known).status_code == 304
    assert crowd[1].get("/leaderboards/people", headers=known).status_code == 200
    assert crowd[0].get("/leaderboards/people?limit=3", headers=known).status_code == 200
    credit(world, crowd[7].id)
    world.work_off()
    assert crowd[0].get("/leaderboards/people", headers=known).status_code == 200


def test_a_branch_board_is_points_per_head(world: World) -> None:
    install(world)
    large, small = world.a_branch(kind="union"), world.a_branch(kind="union")
    crew = [world.a_member(branches=(large,)) for _place in range(10)]
    alone = world.a_member(branches=(small,))
    for person in (*crew[:5], alone):
        credit(world, person.id, score=60)
    world.work_off()
    board = alone.get("/leaderboards/branches-union").get_json()
    assert [(row["subject_id"], row["points"]) for row in board["items"]] == [
        (small, None),
        (large, 8.5),
    ]


def test_points_count_for_the_month_they_were_earned_in(world: World) -> None:
    install(world)
    person = world.a_member()
    earned = days_ago(40)
    credit(world, person.id, at=earned)
    world.work_off()
    assert person.get("/leaderboards/people").get_json()["items"] == []
    old = person.get(f"/leaderboards/people?period={earned:%Y-%m}").get_json()
    assert (old["source"], old["items"][0]["points"]) == ("sql", 25)
    assert person.get("/leaderboards/people?period=all").get_json()["items"][0]["points"] == 25


@pytest.mark.parametrize("query", ["period=2026-13", "limit=0", "limit=201", "around=you", "x=1",
                                   "cursor=nonsense", "cursor=WzEsMl0"])  # fmt: skip
def test_wrong_queries_are_named(crowd: list[Person], query: str) -> None:
    reply = crowd[0].get(f"/leaderboards/people?{query}")
    assert reply.status_code == 422
    assert reply.get_json()["errors"][0]["field"] == query.partition("=")[0]


def test_an_unknown_board_is_not_found(crowd: list[Person]) -> None:
    assert crowd[0].get("/leaderboards/fishes").status_code == 404


def test_the_oracle_sees_a_wrong_board(crowd: list[Person], world: World, app: Flask) -> None:
    del crowd
    with app.app_context():
        assert oracle.differences() == []
    client = redis.Redis.from_url(app.extensions["leitai.settings"].redis_url)
    [first] = client.zrange("b:people:all:z", 0, 0)
    client.zincrby("b:people:all:z", 2**31, first)
    with app.app_context():
        assert "people all" in oracle.differences()[0]


def test_a_cursor_does_not_name_who_hides(world: World) -> None:
    install(world)
    people = [world.a_member(on_boards=place != 4) for place in range(12)]
    for place, person in enumerate(people):
        credit(world, person.id, score=100 - 5 * place)
    world.work_off()
    page = people[0].get("/leaderboards/people?limit=5").get_json()
    assert page["items"][4]["hidden"]
    assert people[4].id not in str(page)
    assert people[4].id.encode() not in _unpacked(page["next_cursor"])
    assert people[4].id.replace("-", "") not in _unpacked(page["next_cursor"]).hex()


def _unpacked(cursor: str) -> bytes:
    return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))


@pytest.mark.parametrize("place", ["people?period=all&limit=5", "branches-union?limit=5"])
def test_a_cursor_holds_for_its_own_board_and_period(crowd: list[Person], place: str) -> None:
    cursor = crowd[0].get("/leaderboards/people?limit=5").get_json()["next_cursor"]
    reply = crowd[0].get(f"/leaderboards/{place}&cursor={cursor}")
    assert (reply.status_code, reply.get_json()["errors"][0]["code"]) == (422, "bad_cursor")


def test_a_tie_is_told_across_pages_from_both_sources(crowd: list[Person], app: Flask) -> None:
    """Ranks 3 and 3 stand on two pages of three rows."""
    url = app.extensions["leitai.settings"].redis_url
    whole = crowd[5].get("/leaderboards/people").get_json()["items"]
    first = crowd[5].get("/leaderboards/people?limit=3").get_json()
    second = f"/leaderboards/people?limit=3&cursor={first['next_cursor']}"
    assert crowd[5].get(second).get_json()["items"] == whole[3:6]
    valkey.configure("unix:///nowhere/valkey.sock")
    assert crowd[5].get(second).get_json()["items"] == whole[3:6]
    valkey.configure(url)


def test_a_branch_without_anybody_present_shows_nothing_per_head(world: World) -> None:
    install(world)
    branch = world.a_branch(kind="union")
    person = world.a_member(branches=(branch,))
    credit(world, person.id)
    world.work_off()
    admin = world.an_admin()
    version = admin.get(f"/members/{person.id}").get_json()["version"]
    away = {"status": "long_leave"}
    header = {"If-Match": f'"v{version}"'}
    assert admin.patch(f"/members/{person.id}", away, headers=header).status_code == 200
    world.work_off()
    [row] = person.get("/leaderboards/branches-union").get_json()["items"]
    assert (row["small"], row["points"]) == (True, None)
    with world.looking():
        assert events.backlog() == {"pending": 0, "dead": 0}


def test_names_read_before_somebody_hid_do_not_show_them_again(
    crowd: list[Person], world: World
) -> None:
    """A push or a rebuild reads names and writes them a moment later."""
    hidden = crowd[0]
    place = Place(PEOPLE, "all")
    with world.looking():
        before = totals.labels(place, [hidden.id])
    assert before[hidden.id]
    _hide(hidden)
    world.work_off()
    with world.app.app_context():
        boards.note_labels(place, before)
    first = crowd[5].get("/leaderboards/people").get_json()["items"][0]
    assert (first["hidden"], first["name"]) == (True, None)


def _hide(person: Person) -> None:
    version = person.get("/me").get_json()["version"]
    done = person.patch("/me", {"on_boards": False}, headers={"If-Match": f'"v{version}"'})
    assert done.status_code == 200


def test_points_of_others_leave_a_branch_board_unchanged(crowd: list[Person], world: World) -> None:
    reply = crowd[0].get("/leaderboards/branches-union")
    credit(world, crowd[7].id)
    world.work_off()
    known = {"If-None-Match": reply.headers["ETag"]}
    assert crowd[0].get("/leaderboards/branches-union", headers=known).status_code == 304


def test_a_rebuild_never_writes_over_newer_points(crowd: list[Person], world: World) -> None:
    """A chunk read before a push and written after it leaves what was pushed alone."""
    place = Place(PEOPLE, "all")
    with world.app.app_context():
        token = adapters.begin_rebuild(place)
        with db.reading():
            chunk = totals.next_scores(place, None, 100)
        adapters.push(place, {crowd[11].id: place.packing.pack(900, 1_790_000_000)})
        assert adapters.add_chunk(place, token, dict(chunk))
        assert adapters.finish_rebuild(place, token, needed_s=0)
    first = crowd[0].get("/leaderboards/people?period=all").get_json()["items"][0]
    assert (first["subject_id"], first["points"]) == (crowd[11].id, 900)


def test_the_oracle_sees_points_without_a_ledger(crowd: list[Person], world: World) -> None:
    del crowd
    stranger = world.a_member().id
    values = {"board": "people", "period": "all", "subject_id": stranger, "points": 5,
              "sum_points": 5, "heads": 1, "participants": 1, "reached_s": 1}  # fmt: skip
    with world.changing() as session:
        session.execute(sa.insert(BoardTotal).values(values))
    with world.app.app_context():
        assert f"all: member {stranger}: no ledger, total 5" in oracle.differences()
