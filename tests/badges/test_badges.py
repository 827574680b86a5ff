"""Badges: given by what happened, once for each period, in whatever order events arrive."""

from datetime import datetime
from typing import Any

import pytest

from api.badges import reactions, rules, service
from api.badges.rules import BadRule
from api.contests.events import AttemptMarked
from api.core import clock, db
from tests.factories import Person, World


@pytest.fixture
def anna(world: World) -> Person:
    """Somebody in an installation with the preset badges."""
    with world.changing():
        service.install_presets()
    return world.a_member()


def marked(person: Person, score: int = 50, at: datetime | None = None, contest: str = "") -> Any:
    return AttemptMarked(
        db.new_id(), contest or db.new_id(), person.id, score, 100, at or clock.now()
    )


def announce(world: World, *events: AttemptMarked) -> None:
    with world.changing():
        reactions.on_attempts(events)


def badges(person: Person) -> list[tuple[str, str]]:
    found = person.get("/me/badges").get_json()["items"]
    return sorted((badge["code"], badge["period"]) for badge in found)


def test_the_first_contest_and_full_marks(world: World, anna: Person) -> None:
    announce(world, marked(anna))
    assert badges(anna) == [("first_contest", "")]
    announce(world, marked(anna, score=100))
    assert badges(anna) == [("first_contest", ""), ("full_marks", "")]


def test_three_different_contests_within_one_month(world: World, anna: Person) -> None:
    november = datetime.fromisoformat("2026-11-30T15:59:59+00:00")
    december = datetime.fromisoformat("2026-11-30T16:00:00+00:00")
    same = db.new_id()
    announce(
        world, marked(anna, at=november, contest=same), marked(anna, at=november, contest=same)
    )
    announce(world, marked(anna, at=november), marked(anna, at=december))
    assert ("three_in_a_month", "2026-11") not in badges(anna)
    announce(world, marked(anna, at=november))
    assert ("three_in_a_month", "2026-11") in badges(anna)
    assert ("three_in_a_month", "2026-12") not in badges(anna)


def test_the_same_event_twice_gives_nothing_twice(world: World, anna: Person) -> None:
    event = marked(anna, score=100)
    for _time in range(3):
        announce(world, event)
    announce(world, event, event)
    assert len(badges(anna)) == 2
    assert anna.get("/me/inbox").get_json()["items"][0]["kind"] == "badge"
    assert len(anna.get("/me/inbox").get_json()["items"]) == 2


def test_the_message_is_in_the_readers_language(world: World, anna: Person) -> None:
    announce(world, marked(anna))
    english = anna.get("/me/inbox").get_json()["items"][0]["text"]
    chinese = anna.get("/me/inbox", headers={"Accept-Language": "zh-CN"}).get_json()["items"][0]
    assert english == "You got the badge First contest."
    assert chinese["text"] == "您获得了勋章“初登擂台”。"


@pytest.mark.parametrize(
    "rule",
    [
        {"fact": "breathing", "count": "facts", "within": "all"},
        {"fact": "attempt", "count": "weight", "within": "all"},
        {"fact": "attempt", "count": "facts", "within": "year"},
        {"fact": "attempt", "count": "facts", "within": "all", "at_least": 0},
        {"fact": "attempt", "count": "facts", "within": "all", "where": [["rank", "<=", 1]]},
        {"fact": "place", "count": "facts", "within": "all", "where": [["rank", "~", 1]]},
    ],
)
def test_rules_that_make_no_sense_are_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(BadRule):
        rules.parse(rule)


def test_all_badges_can_be_seen(anna: Person) -> None:
    listed = anna.get("/badges").get_json()["items"]
    assert {badge["code"] for badge in listed} == {
        "first_contest", "full_marks", "three_in_a_month", "top_ten",
    }  # fmt: skip
