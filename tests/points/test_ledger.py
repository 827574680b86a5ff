"""One's own ledger, what explains a total, and caps over weeks that lie in two months."""

from datetime import UTC, datetime

from api.core.auth import Grant
from tests.factories import World
from tests.points.crediting import credit, days_ago, install


def test_my_points_newest_first_in_pages(world: World) -> None:
    install(world)
    person = world.a_member()
    for day in (3, 2, 1):
        credit(world, person.id, at=days_ago(day))
    whole = person.get("/me/points").get_json()
    assert whole["balance"] == 75
    assert [line["id"] for line in whole["items"]] == sorted(
        (line["id"] for line in whole["items"]), reverse=True
    )
    first = person.get("/me/points?limit=4").get_json()
    credit(world, person.id)
    second = person.get(f"/me/points?limit=4&cursor={first['next_cursor']}").get_json()
    assert first["items"] + second["items"] == whole["items"]


def test_my_points_of_a_month(world: World) -> None:
    install(world)
    person = world.a_member()
    credit(world, person.id, at=datetime(2026, 3, 31, 15, 59, tzinfo=UTC))
    credit(world, person.id, at=datetime(2026, 3, 31, 16, 0, tzinfo=UTC))
    march, april = (
        person.get(f"/me/points?period=2026-{month}").get_json()["items"] for month in ("03", "04")
    )
    assert (len(march), len(april)) == (2, 2)


def test_what_is_left_today_shrinks_with_each_line(world: World) -> None:
    install(world)
    person = world.a_member()
    credit(world, person.id, 50)
    mine = person.get("/me/points").get_json()
    assert {r["rule"]: r["left_today"] for r in mine["still_to_earn"]} == {
        "quiz.taken": 5,
        "quiz.score": 50,
    }
    assert {line["rule"]: line["cap_left"] for line in mine["items"]} == {
        "quiz.taken": 5,
        "quiz.score": 50,
    }


def test_a_weeks_cap_counts_in_both_of_its_months(world: World) -> None:
    """The week of 30 March 2026 ends in April; its cap of 200 is used up on both sides."""
    install(world)
    person = world.a_member()
    brought = []
    for day in (30, 31, 32, 33):
        at = datetime(2026, 3 if day < 32 else 4, day if day < 32 else day - 31, 4, tzinfo=UTC)
        brought.append(sum(credit(world, person.id, at=at) - 5 * (n < 2) for n in range(3)))
    assert brought == [60, 60, 60, 20]


def test_explain_lists_the_lines_of_a_total(world: World) -> None:
    install(world)
    person = world.a_member()
    credit(world, person.id)
    world.work_off()
    told = person.get("/leaderboards/people/explain").get_json()
    assert told["points"] == 25 == sum(line["amount"] for line in told["entries"])
    assert {r["rule"]: r["points"] for r in told["rules"]} == {"quiz.score": 20, "quiz.taken": 5}
    assert told["tie_rule"]


def test_a_ledger_is_its_owners_and_the_auditors(world: World) -> None:
    install(world)
    person = world.a_member()
    credit(world, person.id)
    path = f"/leaderboards/people/explain?member={person.id}"
    assert world.a_member().get(path).status_code == 403
    assert world.a_member(grants=(Grant("auditor"),)).get(path).status_code == 200
    elsewhere = world.a_member(grants=(Grant("auditor", world.a_unit()),))
    assert elsewhere.get(path).status_code == 403
