"""The file with all of one's own data: complete, one's own, without secrets."""

import json
from typing import Any

import pytest

from api.core import db
from api.me.queries.export import IMPERSONAL, PERSONAL
from tests.factories import Person, World
from tests.promises.scene import a_quiz


@pytest.fixture
def two(world: World) -> list[Person]:
    """Two people who took part in the same contest."""
    quiz = a_quiz(world)
    branch = world.a_branch(kind="union")
    people = [world.a_member(branches=(branch,)) for _number in range(2)]
    for person in people:
        attempt = quiz.start(person)
        person.post(f"/attempts/{attempt['id']}/submit", {"answers": quiz.answers(attempt)})
    world.work_off()
    return people


def _export(person: Person) -> dict[str, Any]:
    reply = person.get("/me/export")
    assert reply.status_code == 200
    assert reply.headers["Content-Disposition"].startswith("attachment")
    found: dict[str, Any] = reply.get_json()
    return found


def test_p51_every_table_is_registered() -> None:
    """A new table must say whether it is about people; what is withheld must be there."""
    tables = db.Base.metadata.tables
    assert {*PERSONAL, *IMPERSONAL} == set(tables)
    assert not PERSONAL.keys() & IMPERSONAL.keys()
    for name, about in PERSONAL.items():
        assert {about.owner, *about.withheld} <= set(tables[name].c.keys()), name


def test_p51_no_impersonal_table_points_to_a_person() -> None:
    """Who made something is no data about the maker; anything else would be."""
    makers = {"created_by", "granted_by", "account_id", "subject_id"}
    for name in IMPERSONAL:
        table = db.Base.metadata.tables[name]
        people = {
            column.name
            for column in table.c
            if column.name in ("member_id", "owner_id", "actor_id", "voter_id")
            or any(key.column.table.name == "members" for key in column.foreign_keys)
        }
        assert people <= makers, (name, people)


def test_p51_the_export_holds_what_is_ones_own(two: list[Person], world: World) -> None:
    mine, other = two
    found = _export(mine)
    data = found["data"]
    for name in ("members", "memberships", "messages", "point_facts", "point_entries", "attempts",
                 "board_totals", "board_parts", "badge_facts", "badge_awards"):  # fmt: skip
        assert data[name], name
    assert other.id not in json.dumps(found)
    assert {row["member_id"] for row in data["point_entries"]} == {mine.id}
    assert data["attempts"][0]["answers"]


def test_p38_the_export_has_no_secrets(two: list[Person]) -> None:
    data = _export(two[0])["data"]
    assert "argon2" not in json.dumps(data)
    assert not {"password_hash", "one_time_hash"} & data["members"][0].keys()
    assert not {"marks", "score_hundredths", "layout"} & data["attempts"][0].keys()


def test_p52_an_export_is_on_record(two: list[Person]) -> None:
    _export(two[0])
    lines = _export(two[0])["data"]["audit_lines"]
    assert "export_my_data" in {line["operation"] for line in lines}
