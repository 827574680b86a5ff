"""Members, memberships, roles: who sees and changes whom."""

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from api.core import db
from api.core.audit import AuditLine
from api.core.auth import Grant
from api.core.events import OutboxRow
from api.org.queries import people
from tests.factories import Person, World
from tests.org.accounts import a_user, login, refresh, signed_in

NOBODY = "00000000-0000-7000-8000-000000000000"


def edit(admin: Person, person: Person, body: dict[str, Any], version: int = 1) -> Any:
    return admin.patch(f"/members/{person.id}", body, headers={"If-Match": f'"v{version}"'})


def names(person: Person, query: str = "") -> list[str]:
    return [item["number"] for item in person.get(f"/members{query}").get_json()["items"]]


def test_each_role_sees_the_members_it_covers(world: World) -> None:
    other = world.a_unit(code="C2")
    branch = world.a_branch()
    anna = world.a_member(branches=(branch,), number="A")
    ben = world.a_member(company_id=other, unit_id=other, number="B")
    secretary = world.a_member(grants=(Grant("secretary", branch_id=branch),), number="S")
    head = world.a_member(grants=(Grant("admin", other),), number="H")
    organizer = world.an_organizer(other)
    assert names(secretary) == ["A"]
    assert names(head) == names(organizer) == ["B"]
    assert len(names(world.an_admin())) == 6
    assert anna.get("/members").status_code == 403
    assert secretary.get(f"/members/{anna.id}").status_code == 200
    assert organizer.get(f"/members/{ben.id}").status_code == 200
    for reader in (secretary, organizer, head):
        unseen = ben if reader is secretary else anna
        assert reader.get(f"/members/{unseen.id}").status_code == 404
    assert secretary.get(f"/members/{NOBODY}").status_code == 404


def test_members_are_filtered(world: World) -> None:
    admin = world.an_admin()
    unit = world.a_unit(parent_id=world.the_company())
    branch = world.a_branch()
    world.a_member(number="70017", name="王小明", unit_id=unit)
    world.a_member(number="70018", name="李100%", branches=(branch,), status="long_leave")
    assert names(admin, f"?unit_id={unit}") == ["70017"]
    assert names(admin, f"?branch_id={branch}") == ["70018"]
    assert names(admin, "?status=long_leave") == ["70018"]
    assert names(admin, "?q=小") == ["70017"]
    assert names(admin, "?q=7001") == ["70017", "70018"]
    assert names(admin, "?q=%25") == ["70018"]


def test_reading_others_is_audited(world: World) -> None:
    admin, anna = world.an_admin(), world.a_member()
    admin.get(f"/members/{anna.id}")
    admin.get("/members?q=secretname")
    with world.looking():
        lines = (
            db.connection()
            .execute(sa.select(AuditLine.target, AuditLine.outcome, AuditLine.actor_id))
            .all()
        )
    assert lines == [(f"/members/{anna.id}", "read", admin.id), ("/members", "read", admin.id)]


def test_adding_a_member(world: World) -> None:
    admin, company = world.an_admin(), world.the_company()
    body = {"company_id": company, "unit_id": company, "number": "00042", "name": "王小明"}
    made = admin.post("/members", body)
    assert made.status_code == 201, made.get_json()
    assert made.get_json()["number"] == "00042"
    assert admin.post("/members", body).get_json()["code"] == "already-exists"
    outside = {**body, "number": "1", "unit_id": world.a_unit(code="C2")}
    assert admin.post("/members", outside).status_code == 422
    for field, value in (("name", "=cmd()"), ("name", "a\0"), ("status", "left"), ("role", "x")):
        assert admin.post("/members", {**body, "number": "2", field: value}).status_code == 422


def test_moving_and_renaming_are_announced(world: World) -> None:
    admin, anna = world.an_admin(), world.a_member()
    unit = world.a_unit(parent_id=world.the_company())
    assert edit(admin, anna, {"unit_id": unit, "name": "Neu"}).get_json()["version"] == 2
    assert edit(admin, anna, {"post": "welder"}).status_code == 412
    assert "MemberShown" in announced(world)
    outside = edit(admin, anna, {"unit_id": world.a_unit(code="C2")}, 2)
    assert outside.status_code == 422


def announced(world: World) -> set[str]:
    """Events that somebody reacts to."""
    with world.looking():
        return set(db.connection().scalars(sa.select(OutboxRow.event)))


def test_a_leaver_is_out_at_once(world: World) -> None:
    branch = world.a_branch()
    admin, anna = world.an_admin(), a_user(world, branches=(branch,))
    token = signed_in(world, anna)["refresh_token"]
    left = edit(admin, anna, {"status": "left"})
    assert left.status_code == 200
    assert anna.get("/me").status_code == 401
    assert refresh(world, token).status_code == 401
    assert login(world, anna.number, "correct horse battery").status_code == 401
    listed = admin.get(f"/memberships?member_id={anna.id}").get_json()["items"]
    assert [row["until_on"] is not None for row in listed] == [True]
    assert "MembershipChanged" in announced(world)


def test_nobody_below_lets_an_administrator_go(world: World) -> None:
    company = world.the_company()
    chief = world.a_member(grants=(Grant("admin"),))
    head = world.a_member(grants=(Grant("admin", company),))
    for body in ({"status": "left"}, {"disabled": True}):
        assert edit(head, chief, body).get_json()["code"] == "beyond-your-roles"
    assert edit(head, chief, {"post": "chief"}).status_code == 200


def test_password_reset_is_for_who_stands_above(world: World) -> None:
    branch = world.a_branch()
    anna, boss = world.a_member(branches=(branch,)), world.an_admin()
    also = world.a_member(branches=(branch,), grants=(Grant("admin"),))
    secretary = world.a_member(grants=(Grant("secretary", branch_id=branch),))
    assert secretary.post(f"/members/{anna.id}/password-reset").status_code == 200
    refused = secretary.post(f"/members/{also.id}/password-reset")
    assert refused.get_json()["code"] == "beyond-your-roles"
    assert secretary.post(f"/members/{boss.id}/password-reset").status_code == 404
    assert boss.post(f"/members/{also.id}/password-reset").status_code == 200
    ben = world.a_member()
    assert ben.post(f"/members/{ben.id}/password-reset").status_code == 403


def test_joining_ends_the_one_of_the_same_kind(world: World) -> None:
    admin = world.an_admin()
    old, new, union = world.a_branch(), world.a_branch(), world.a_branch(kind="union")
    anna = world.a_member(branches=(old, union))
    today = date.today()  # noqa: DTZ011 - only far-off days are compared with it
    day = (today + timedelta(days=10)).isoformat()
    joined = admin.post("/memberships", {"member_id": anna.id, "branch_id": new, "from_on": day})
    assert joined.status_code == 201, joined.get_json()
    rows = admin.get(f"/memberships?member_id={anna.id}").get_json()["items"]
    by_branch = {row["branch_id"]: row for row in rows}
    assert by_branch[old]["until_on"] == day
    assert by_branch[new]["until_on"] is None
    assert by_branch[union]["until_on"] is None
    again = admin.post("/memberships", {"member_id": anna.id, "branch_id": new, "from_on": day})
    assert again.get_json()["code"] == "already-exists"
    unknown = {"member_id": anna.id, "branch_id": NOBODY}
    assert admin.post("/memberships", unknown).status_code == 422
    early = {"member_id": anna.id, "branch_id": old, "from_on": today.isoformat()}
    assert admin.post("/memberships", early).get_json()["code"] == "overlapping-membership"
    with world.looking():
        now = people.branch_ids_at([anna.id], today)
        later = people.branch_ids_at([anna.id], today + timedelta(days=10))
    assert now == {anna.id: {"league": old, "union": union}}
    assert later == {anna.id: {"league": new, "union": union}}


def test_an_organizer_reads_who_is_in_the_branches_of_the_subtree(world: World) -> None:
    other = world.a_unit(code="C2")
    branch, beyond = world.a_branch(), world.a_branch(other)
    world.a_member(branches=(branch,))
    organizer = world.an_organizer()
    listed = organizer.get(f"/memberships?branch_id={branch}").get_json()["items"]
    assert len(listed) == 1
    assert organizer.get(f"/memberships?branch_id={beyond}").status_code == 403


def test_ending_a_membership(world: World) -> None:
    admin, branch = world.an_admin(), world.a_branch()
    anna = world.a_member(branches=(branch,))
    row = admin.get(f"/memberships?branch_id={branch}").get_json()["items"][0]
    early = admin.post(f"/memberships/{row['id']}/end", {"until_on": "2019-12-31"})
    assert early.status_code == 422
    assert admin.post(f"/memberships/{row['id']}/end", {}).status_code == 200
    assert admin.post(f"/memberships/{row['id']}/end", {}).status_code == 409
    assert anna.get("/me").get_json()["branches"] == []


@pytest.mark.parametrize(
    "query",
    [
        "",
        f"?member_id={NOBODY}",
        f"?branch_id={NOBODY}",
        f"?member_id={NOBODY}&branch_id={NOBODY}",
        "?member_id=x",
    ],
)
def test_memberships_are_of_one_branch_or_member(world: World, query: str) -> None:
    assert world.an_admin().get(f"/memberships{query}").status_code == 422


def test_roles_are_given_only_within_ones_own_reach(world: World) -> None:
    company, other = world.the_company(), world.a_unit(code="C2")
    head = world.a_member(grants=(Grant("admin", company),))
    anna = world.a_member()
    branch, body = world.a_branch(), world.a_body(other)

    def give(**fields: Any) -> int:
        return head.post("/role-grants", {"member_id": anna.id, **fields}).status_code

    assert give(role="judge", unit_id=company) == 201
    assert give(role="secretary", branch_id=branch) == 201
    assert give(role="admin") == 403
    assert give(role="judge", unit_id=other) == 403
    assert give(role="organizer", body_id=body) == 403
    assert give(role="secretary", unit_id=company) == 422
    assert give(role="admin", branch_id=branch) == 422
    assert give(role="employee", unit_id=company) == 422
    assert give(role="judge", unit_id=NOBODY) == 422
    assert give(role="organizer", body_id=NOBODY) == 422
    assert give(role="secretary", branch_id=NOBODY) == 422
    assert give(role="judge", unit_id=company, until_at="2020-01-01T00:00:00Z") == 422
    listed = head.get("/role-grants").get_json()["items"]
    assert {(row["role"], row["granted_by"]) for row in listed} == {
        ("admin", None), ("judge", head.id), ("secretary", head.id),
    }  # fmt: skip
    assert head.get(f"/role-grants?member_id={anna.id}&role=judge").get_json()["items"]


def test_only_who_covers_a_grant_takes_it_away(world: World) -> None:
    chief, anna = world.an_admin(), world.a_member()
    head = world.a_member(grants=(Grant("admin", world.the_company()),))
    given = chief.post("/role-grants", {"member_id": anna.id, "role": "auditor"}).get_json()
    assert head.delete(f"/role-grants/{given['id']}").status_code == 403
    assert chief.delete(f"/role-grants/{given['id']}").status_code == 204
    assert chief.delete(f"/role-grants/{given['id']}").status_code == 404


def test_how_members_are_shown_and_counted(world: World) -> None:
    branch = world.a_branch()
    anna = world.a_member(name="Anna", nickname="Annie", branches=(branch,))
    ben = world.a_member(name="Ben", on_boards=False, branches=(branch,))
    cleo = world.a_member(name="Cleo", status="retired", branches=(branch,))
    with world.looking():
        shown = people.members_shown([anna.id, ben.id, cleo.id])
        counts = people.headcounts("league", people.today())
        card = people.member_card(anna.id)
    assert shown == {anna.id: "Annie", ben.id: None, cleo.id: "Cleo"}
    assert counts == {branch: 2}
    assert (card["shown_name"], card["unit_id"]) == ("Annie", world.the_company())
