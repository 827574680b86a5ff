"""Units, branches, slips, bodies, teams."""

from io import BytesIO
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from api.core.auth import Grant
from tests.factories import Person, World
from tests.org.accounts import NEW_PASSWORD, a_user, login


def make_unit(admin: Person, parent_id: str, name: str, kind: str = "department") -> Any:
    reply = admin.post("/units", {"parent_id": parent_id, "kind": kind, "name": name})
    assert reply.status_code == 201, reply.get_json()
    return reply.get_json()


def test_the_tree_grows_and_is_listed_in_its_order(world: World) -> None:
    admin, company = world.an_admin(), world.the_company()
    one = make_unit(admin, company, "One")
    make_unit(admin, company, "Two")
    crew = make_unit(admin, one["id"], "Crew", "crew")
    listed = world.a_member().get(f"/units?under={company}").get_json()["items"]
    assert [unit["name"] for unit in listed] == ["Company", "One", "Crew", "Two"]
    assert crew["path"] == [world.the_group(), company, one["id"], crew["id"]]


def test_a_name_stands_once_below_a_parent(world: World) -> None:
    admin = world.an_admin()
    make_unit(admin, world.the_company(), "One")
    body = {"parent_id": world.the_company(), "kind": "department", "name": "One"}
    again = admin.post("/units", body)
    assert again.status_code == 409
    assert again.get_json()["code"] == "already-exists"
    two = make_unit(admin, world.the_company(), "Two")
    renamed = admin.patch(f"/units/{two['id']}", {"name": "One"}, headers={"If-Match": '"v1"'})
    assert renamed.get_json()["code"] == "already-exists"


def test_moving_a_unit_takes_all_below_along(world: World) -> None:
    admin, company = world.an_admin(), world.the_company()
    one, two = make_unit(admin, company, "One"), make_unit(admin, company, "Two")
    crew = make_unit(admin, one["id"], "Crew", "crew")
    worker = world.a_member(unit_id=crew["id"])
    head = world.a_member(grants=(Grant("admin", two["id"]),))
    assert head.get(f"/members/{worker.id}").status_code == 404
    moved = admin.patch(
        f"/units/{one['id']}", {"parent_id": two["id"]}, headers={"If-Match": '"v1"'}
    )
    assert moved.status_code == 200, moved.get_json()
    assert moved.get_json()["path"] == [world.the_group(), company, two["id"], one["id"]]
    below = admin.get(f"/units/{crew['id']}").get_json()["path"]
    assert below == [world.the_group(), company, two["id"], one["id"], crew["id"]]
    assert head.get(f"/members/{worker.id}").status_code == 200


def test_nothing_lies_below_itself(world: World) -> None:
    admin = world.an_admin()
    one = make_unit(admin, world.the_company(), "One")
    crew = make_unit(admin, one["id"], "Crew", "crew")
    for parent in (crew["id"], one["id"]):
        reply = admin.patch(
            f"/units/{one['id']}", {"parent_id": parent}, headers={"If-Match": '"v1"'}
        )
        assert reply.status_code == 409
        assert reply.get_json()["code"] == "cycle"


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "company", "name": "X"},
        {"kind": "group", "name": "X", "parent_id": "the company"},
        {"kind": "department", "name": "X"},
        {"kind": "department", "name": "=X", "parent_id": "the company"},
        {"kind": "department", "name": "X", "parent_id": "00000000-0000-7000-8000-000000000000"},
        {"kind": "team", "name": "X", "parent_id": "the company"},
        {"kind": "department", "name": "X" * 101, "parent_id": "the company"},
        {"kind": "department", "name": "X", "parent_id": "the company", "path": "/"},
    ],
)
def test_wrong_units_are_refused(world: World, wrong: dict[str, Any]) -> None:
    if wrong.get("parent_id") == "the company":
        wrong = {**wrong, "parent_id": world.the_company()}
    assert world.an_admin().post("/units", wrong).status_code == 422


def test_an_admin_of_one_company_touches_no_other(world: World) -> None:
    other = world.a_unit(code="C2")
    head = world.a_member(grants=(Grant("admin", world.the_company()),))
    body = {"parent_id": other, "kind": "department", "name": "X"}
    assert head.post("/units", body).status_code == 403
    assert (
        head.patch(f"/units/{other}", {"name": "Y"}, headers={"If-Match": '"v1"'}).status_code
        == 403
    )
    mine = make_unit(head, world.the_company(), "Mine")
    moved = head.patch(f"/units/{mine['id']}", {"parent_id": other}, headers={"If-Match": '"v1"'})
    assert moved.status_code == 403
    assert world.a_member().post("/units", body).status_code == 403


def test_branches_are_made_and_changed(world: World) -> None:
    admin, company = world.an_admin(), world.the_company()
    body = {"kind": "league", "name": "First", "unit_id": company, "established_on": "2020-05-04"}
    made = admin.post("/branches", body)
    assert made.status_code == 201
    first = made.get_json()
    assert first["established_on"] == "2020-05-04"
    assert admin.post("/branches", body).status_code == 409
    second = admin.post("/branches", {**body, "name": "Second", "parent_id": first["id"]})
    cycle = admin.patch(
        f"/branches/{first['id']}", {"parent_id": second.get_json()["id"]},
        headers={"If-Match": '"v1"'},
    )  # fmt: skip
    assert cycle.get_json()["code"] == "cycle"
    renamed = admin.patch(
        f"/branches/{first['id']}", {"name": "Second"}, headers={"If-Match": '"v1"'}
    )
    assert renamed.status_code == 409
    other_kind = {**body, "kind": "party", "name": "P", "parent_id": first["id"]}
    assert admin.post("/branches", other_kind).status_code == 422
    listed = world.a_member().get(f"/branches?unit_id={world.the_group()}&kind=league").get_json()
    assert [branch["name"] for branch in listed["items"]] == ["First", "Second"]


def a_secretary(world: World, branch: str) -> Person:
    return world.a_member(branches=(branch,), grants=(Grant("secretary", branch_id=branch),))


def test_a_secretary_prints_first_passwords(world: World) -> None:
    branch, other = world.a_branch(), world.a_branch()
    secretary = a_secretary(world, branch)
    anna, ben = world.a_member(branches=(branch,)), a_user(world, branches=(branch,))
    reply = secretary.post(f"/branches/{branch}/slips", {})
    assert reply.status_code == 200, reply.get_json()
    # Who has a password keeps it; the secretary's own roles are beyond the secretary.
    assert [slip["number"] for slip in reply.get_json()["slips"]] == [anna.number]
    assert reply.get_json()["skipped"] == [secretary.id]
    password = reply.get_json()["slips"][0]["password"]
    assert login(world, anna.number, password, new_password=NEW_PASSWORD).status_code == 200
    chosen = secretary.post(f"/branches/{branch}/slips", {"member_ids": [ben.id]})
    assert [slip["member_id"] for slip in chosen.get_json()["slips"]] == [ben.id]
    assert login(world, ben.number, "correct horse battery").status_code == 200
    assert secretary.post(f"/branches/{other}/slips", {}).status_code == 403
    stranger = world.a_member()
    wrong = secretary.post(f"/branches/{branch}/slips", {"member_ids": [stranger.id]})
    assert wrong.status_code == 422


def test_slips_come_as_a_sheet(world: World) -> None:
    branch = world.a_branch()
    anna = world.a_member(branches=(branch,), number="00017", name="Anna")
    reply = world.an_admin().post(f"/branches/{branch}/slips?format=xlsx", {})
    rows = CalamineWorkbook.from_filelike(BytesIO(reply.data)).get_sheet_by_index(0).to_python()
    assert rows[0][:3] == ["Company code", "Number", "Name"]
    assert rows[1][:3] == ["C1", "00017", "Anna"]
    done = login(world, anna.number, str(rows[1][3]), new_password=NEW_PASSWORD)
    assert done.status_code == 200


def test_slips_are_never_replayed(world: World) -> None:
    branch = world.a_branch()
    world.a_member(branches=(branch,))
    admin = world.an_admin()
    replies = [
        admin.post(f"/branches/{branch}/slips", {}, headers={"Idempotency-Key": "k"})
        for _time in range(2)
    ]
    first, second = (reply.get_json()["slips"][0]["password"] for reply in replies)
    assert first != second


def test_bodies_and_teams(world: World) -> None:
    admin, company = world.an_admin(), world.the_company()
    anna = world.a_member()
    body = {"kind": "union", "name": "Union", "unit_id": company}
    assert admin.post("/organizing-bodies", body).status_code == 201
    assert admin.post("/organizing-bodies", body).status_code == 409
    assert anna.get("/organizing-bodies").get_json()["items"][0]["name"] == "Union"
    made = admin.post(
        "/teams",
        {"kind": "post", "name": "Post", "unit_id": company, "members": [{"member_id": anna.id}]},
    )
    assert made.status_code == 201, made.get_json()
    team = made.get_json()
    assert [member["member_id"] for member in team["members"]] == [anna.id]
    assert "members" not in anna.get("/teams").get_json()["items"][0]
    assert anna.get(f"/teams/{team['id']}").status_code == 403
    emptied = admin.put(f"/teams/{team['id']}/members", {"members": []})
    assert emptied.get_json()["members"] == []
    twice = {"members": [{"member_id": anna.id}, {"member_id": anna.id}]}
    assert admin.put(f"/teams/{team['id']}/members", twice).status_code == 422
