"""P13: FLUSHALL at any moment: boards come back equal to the ledger."""

import random

import redis

from api.core import events
from api.points.service import oracle
from tests.factories import World
from tests.points.crediting import credit, install, sums
from tests.promises.rounds import rounds


def test_p13_boards_come_back_after_a_flush_in_mid_stream(world: World) -> None:
    install(world)
    branch = world.a_branch(kind="union")
    people = [world.a_member(branches=(branch,)) for _place in range(40)]
    server = redis.Redis.from_url(world.app.extensions["leitai.settings"].redis_url)
    chance = random.Random(13)
    credits_ = rounds(few=120, full=1000)
    flushes = set(chance.sample(range(credits_), 4))
    for number in range(credits_):
        credit(world, chance.choice(people).id, chance.randint(0, 100), item=f"c{number % 50}")
        if number in flushes:
            server.flushall()
        if number % 15 == 0:
            world.work_off(rounds=2)
    server.flushall()
    world.work_off()
    with world.app.app_context():
        assert oracle.differences() == []
    ledger = sums(world)
    board = people[0].get("/leaderboards/people?limit=200").get_json()
    assert board["source"] == "valkey"
    assert {row["subject_id"]: row["points"] for row in board["items"]} == ledger
    for row in board["items"]:
        assert row["rank"] == 1 + sum(total > row["points"] for total in ledger.values())


def test_p13_a_flushed_valkey_never_passes_a_part_for_the_whole(world: World) -> None:
    """A single push after the flush must not look like a board of one."""
    install(world)
    people = [world.a_member() for _place in range(12)]
    for person in people:
        credit(world, person.id)
    world.work_off()
    server = redis.Redis.from_url(world.app.extensions["leitai.settings"].redis_url)
    server.flushall()
    credit(world, people[0].id)
    with world.app.app_context():
        events.drain("points.totals")
        events.drain("points.boards")
    board = people[0].get("/leaderboards/people").get_json()
    assert (board["source"], len(board["items"])) == ("sql", 12)
