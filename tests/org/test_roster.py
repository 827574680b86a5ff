"""Synchronising with HR's roster."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import pytest
import sqlalchemy as sa
import xlsxwriter
from python_calamine import CalamineWorkbook

from api.core import db, jobs
from api.core.auth import Grant
from api.org.models import Branch, Member, Membership, Unit
from api.org.service import roster
from tests.factories import Person, World
from tests.org.accounts import a_user, refresh, signed_in

HEADER = ["公司代码", "工号", "姓名", "部门", "班组", "党支部", "团支部", "工会小组", "岗位",
          "入职日期", "状态"]  # fmt: skip


def row(number: Any, name: str = "王小明", **cells: str) -> list[Any]:
    held = {"公司代码": "C1", "工号": number, "姓名": name, "部门": "生产部", **cells}
    return [held.get(title, "") for title in HEADER]


def xlsx(rows: Sequence[Sequence[Any]], header: Sequence[str] = HEADER) -> bytes:
    buffer = BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        sheet = book.add_worksheet()
        for line, cells in enumerate([header, *rows]):
            for column, cell in enumerate(cells):
                write = sheet.write_number if isinstance(cell, float) else sheet.write_string
                write(line, column, cell)
    return buffer.getvalue()


def csv(rows: Sequence[Sequence[Any]], header: Sequence[str] = HEADER) -> bytes:
    return "\n".join(",".join(str(cell) for cell in cells) for cells in [header, *rows]).encode()


def send(person: Person, content: bytes, query: str = "", name: str = "roster.xlsx") -> Any:
    return person.post(f"/members/imports{query}", data={"file": (BytesIO(content), name)})


def synchronise(world: World, person: Person, content: bytes, query: str = "") -> Any:
    """The finished job."""
    started = send(person, content, query)
    assert started.status_code == 202, started.get_json()
    world.work_off()
    return person.get(f"/jobs/{started.get_json()['id']}").get_json()


def members(world: World) -> dict[str, Member]:
    with world.looking() as session:
        return {member.number: member for member in session.scalars(sa.select(Member))}


def branches_now(world: World, number: str) -> dict[str, str]:
    with world.looking() as session:
        rows = session.execute(
            sa.select(Membership.kind, Branch.name)
            .join(Branch, Branch.id == Membership.branch_id)
            .join(Member, Member.id == Membership.member_id)
            .where(Member.number == number, Membership.until_on.is_(None))
        )
        return {row.kind: row.name for row in rows}


@pytest.fixture
def admin(world: World) -> Person:
    world.the_company()
    return world.a_member(grants=(Grant("admin"),), number="chief")


@pytest.mark.parametrize("write", [xlsx, csv])
def test_the_first_roster_makes_units_branches_and_people(
    world: World, admin: Person, write: Any
) -> None:
    rows = [
        row("00017", "王小明", 班组="甲班", 党支部="机关支部", 岗位="电工", 入职日期="2020/1/5"),
        row("00018", "李四", 班组="甲班", 工会小组="一组", 状态="产假"),
        row("00019", "张三", 部门="", 团支部="团一"),
    ]
    job = synchronise(world, admin, write(rows))
    assert job["state"] == "done", job
    counts = job["result"]["counts"]
    assert {name: counts[name] for name in ("join", "move", "leave", "errors")} == {
        "join": 3, "move": 0, "leave": 0, "errors": 0,
    }  # fmt: skip
    assert (counts["new_units"], counts["new_branches"]) == (2, 3)
    assert job["result"]["applied"] == {"joined": 3, "changed": 0, "left": 0}
    known = members(world)
    assert known["00017"].post == "电工"
    assert str(known["00017"].joined_on) == "2020-01-05"
    assert known["00018"].status == "long_leave"
    assert known["00019"].unit_id == world.the_company()
    assert branches_now(world, "00017") == {"party": "机关支部"}
    with world.looking() as session:
        crew = session.scalars(sa.select(Unit).where(Unit.name == "甲班")).one()
        department = session.get_one(Unit, crew.parent_id)
    assert (crew.kind, department.name) == ("crew", "生产部")
    assert crew.path.startswith(department.path)


def test_the_same_file_again_changes_nothing(world: World, admin: Person) -> None:
    content = xlsx([row(f"{n:05d}", 班组="甲班", 工会小组="一组") for n in range(3)])
    synchronise(world, admin, content)
    before = {n: (m.id, m.version) for n, m in members(world).items()}
    job = synchronise(world, admin, content)
    assert job["result"]["counts"]["unchanged"] == 3
    assert job["result"]["applied"] == {"joined": 0, "changed": 0, "left": 0}
    assert {n: (m.id, m.version) for n, m in members(world).items()} == before


def test_movers_leavers_and_returners(world: World, admin: Person) -> None:
    people = [row(f"{n:05d}", 工会小组="一组") for n in range(30)]
    synchronise(world, admin, xlsx(people))
    before = members(world)
    changed = [
        row("00000", 部门="质检部", 工会小组="一组"), row("00001", 工会小组="二组"),
        row("00002", "新名字", 工会小组="一组"), row("00003"), *people[4:-1],
    ]  # fmt: skip
    job = synchronise(world, admin, xlsx(changed))
    counts = job["result"]["counts"]
    assert [counts[kind] for kind in ("join", "move", "update", "leave")] == [0, 3, 1, 1]
    assert job["result"]["applied"] == {"joined": 0, "changed": 4, "left": 1}
    after = members(world)
    assert {n: m.id for n, m in after.items()} == {n: m.id for n, m in before.items()}
    assert after["00029"].status == "left"
    assert branches_now(world, "00001") == {"union": "二组"}
    assert branches_now(world, "00003") == branches_now(world, "00029") == {}
    back = synchronise(world, admin, xlsx(people))
    assert back["result"]["counts"]["join"] == 1
    assert members(world)["00029"].status == "active"
    assert branches_now(world, "00029") == {"union": "一组"}


def test_a_preview_changes_nothing(world: World, admin: Person) -> None:
    job = synchronise(world, admin, xlsx([row("00017")]), "?dry_run=true")
    assert job["state"] == "done"
    assert job["result"]["counts"]["join"] == 1
    assert job["result"]["samples"]["join"] == [{"row": 2, "company": "C1", "number": "00017"}]
    assert job["result"]["new_units"] == ["C1 / 生产部"]
    assert "00017" not in members(world)


def test_more_than_five_percent_leaving_stops_it(world: World, admin: Person) -> None:
    people = [row(f"{n:05d}") for n in range(40)]
    synchronise(world, admin, xlsx(people))
    job = synchronise(world, admin, xlsx(people[3:]))
    assert job["state"] == "failed"
    assert job["errors"][0]["code"] == "too-many-leavers"
    assert "3 of 41" in job["errors"][0]["message"]
    assert members(world)["00000"].status == "active"
    allowed = synchronise(world, admin, xlsx(people[3:]), "?allow_leavers=true")
    assert allowed["result"]["applied"]["left"] == 3
    few = synchronise(world, admin, xlsx(people[4:]))
    assert few["state"] == "done"


def test_errors_name_row_column_value_and_what_was_expected(world: World, admin: Person) -> None:
    rows = [
        row("00017"), row("00018", ""), row("00019", "=cmd()"), row("00017", "Twin"),
        row("00020", 入职日期="soon"), row("00021", 状态="sleeping"), row("00022", "x" * 101),
        row("00023", 公司代码="C9"), row("", "Nobody"),
    ]  # fmt: skip
    job = synchronise(world, admin, xlsx(rows))
    assert job["state"] == "failed"
    told = {error["row"]: (error["column"], error["value"]) for error in job["errors"]}
    assert told == {
        3: ("姓名", ""), 4: ("姓名", "=cmd()"), 5: ("工号", "00017"), 6: ("入职日期", "soon"),
        7: ("状态", "sleeping"), 8: ("姓名", "x" * 80), 9: ("公司代码", "C9"), 10: ("工号", ""),
    }  # fmt: skip
    assert "row 2 already" in job["errors"][2]["message"]
    chinese = admin.get(f"/jobs/{job['id']}", headers={"Accept-Language": "zh-CN"}).get_json()
    assert chinese["errors"][0]["message"] == "此单元格不能为空。"
    assert "00017" not in members(world)


def test_the_file_comes_back_with_a_column_of_errors(world: World, admin: Person) -> None:
    rows = [row("00017"), row("00018", "", 部门="-x"), row("00019")]
    job = synchronise(world, admin, xlsx(rows))
    reply = admin.get(f"/files/{job['result']['annotated_file_id']}")
    assert reply.status_code == 200
    sheet = CalamineWorkbook.from_filelike(BytesIO(reply.data)).get_sheet_by_index(0).to_python()
    assert sheet[0] == [*HEADER, "Error"]
    assert sheet[1][1:3] == ["00017", "王小明"]
    assert sheet[1][-1] == ""
    assert "姓名: This cell must not be empty." in sheet[2][-1]
    repaired = [*sheet[0]], [*sheet[1]], ["C1", "00018", "李四", "'-x"], [*sheet[3]]
    assert world.a_member().get(f"/files/{job['result']['annotated_file_id']}").status_code == 404
    again = synchronise(world, admin, xlsx(repaired[1:], repaired[0]))
    assert [error["column"] for error in again["errors"]] == ["部门"]


def test_the_right_rows_go_in_if_asked(world: World, admin: Person) -> None:
    synchronise(world, admin, xlsx([row(f"{n:05d}") for n in range(3)]))
    rows = [row("00000"), row("00001", ""), row("00007")]
    job = synchronise(world, admin, xlsx(rows), "?skip_errors=true&allow_leavers=true")
    assert job["state"] == "done"
    assert job["result"]["applied"] == {"joined": 1, "changed": 0, "left": 1}
    known = members(world)
    # Who stands in a wrong row doesn't leave by it.
    assert (known["00001"].status, known["00002"].status) == ("active", "left")
    nameless = [row("00000"), row("")]
    job = synchronise(world, admin, xlsx(nameless), "?skip_errors=true&allow_leavers=true")
    assert job["result"]["applied"]["left"] == 0


def test_numbers_that_a_spreadsheet_made_floats(world: World, admin: Person) -> None:
    synchronise(world, admin, xlsx([row(17.0), row("00017")]))
    assert {"17", "00017"} <= set(members(world))


def test_english_headers_and_missing_columns(world: World, admin: Person) -> None:
    branch = world.a_branch()
    header = ["Employee No.", "Name*", "Dept"]
    content = xlsx([["00017", "Anna", "Lab"]], header)
    missing = synchronise(world, admin, content)
    assert missing["state"] == "failed"
    assert missing["errors"][0]["code"] == "unreadable-file"
    assert "公司代码" in missing["errors"][0]["message"]
    done = synchronise(world, admin, content, "?company=C1")
    assert done["result"]["applied"]["joined"] == 1
    joined = members(world)["00017"].id
    with world.changing():
        world._join(joined, branch)
    # A file without a column says nothing about it.
    shorter = xlsx([["00017", "Anna"]], header[:2])
    again = synchronise(world, admin, shorter, "?company=C1")
    assert again["result"]["counts"]["unchanged"] == 1
    assert set(branches_now(world, "00017")) == {"league"}


def test_one_company_leaves_the_others_alone(world: World, admin: Person) -> None:
    other = world.a_unit(code="C2")
    world.a_member(company_id=other, unit_id=other, number="00099")
    head = world.a_member(grants=(Grant("admin", world.the_company()),), number="00050")
    rows = [row("00017"), row("00050")]
    assert send(head, xlsx(rows)).status_code == 403
    assert send(head, xlsx(rows), "?company=C2").status_code == 403
    assert send(head, xlsx(rows), "?company=C9").status_code == 422
    assert send(world.a_member(), xlsx(rows), "?company=C1").status_code == 403
    job = synchronise(world, head, xlsx(rows), "?company=C1&allow_leavers=true")
    assert job["state"] == "done", job
    assert members(world)["00099"].status == "active"
    mixed = [row("00017"), row("00018", 公司代码="C2")]
    wrong = synchronise(world, head, xlsx(mixed), "?company=C1")
    assert wrong["errors"][0]["column"] == "公司代码"


def test_leavers_are_signed_out_and_administrators_stay(world: World, admin: Person) -> None:
    anna = a_user(world, number="anna")
    token = signed_in(world, anna)["refresh_token"]
    synchronise(world, admin, xlsx([row("00017")]), "?allow_leavers=true")
    assert refresh(world, token).status_code == 401
    assert anna.get("/me").status_code == 401
    assert members(world)[admin.number].status == "active"


def test_a_row_may_say_that_somebody_left(world: World, admin: Person) -> None:
    synchronise(world, admin, xlsx([row(f"{n:05d}", 工会小组="一组") for n in range(30)]))
    rows = [row(f"{n:05d}", 工会小组="一组", 状态="离职" if n == 3 else "") for n in range(30)]
    job = synchronise(world, admin, xlsx([*rows, row("00077", 状态="离职")]))
    assert job["result"]["applied"] == {"joined": 0, "changed": 0, "left": 1}
    assert branches_now(world, "00003") == {}
    assert "00077" not in members(world)


def test_departments_moved_deeper_are_found(world: World, admin: Person) -> None:
    synchronise(world, admin, xlsx([row("00017")]))
    unit = members(world)["00017"].unit_id
    line = admin.post(
        "/units", {"parent_id": world.the_company(), "kind": "department", "name": "Line"}
    ).get_json()
    moved = admin.patch(f"/units/{unit}", {"parent_id": line["id"]}, headers={"If-Match": '"v1"'})
    assert moved.status_code == 200
    job = synchronise(world, admin, xlsx([row("00017"), row("00018")]))
    assert job["result"]["counts"]["new_units"] == 0
    assert members(world)["00018"].unit_id == unit


@pytest.mark.parametrize("point", ["job.org.roster.applied", "job.org.roster.prepared"])
def test_a_killed_import_goes_on_where_it_stopped(
    world: World, admin: Person, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roster, "ROWS_A_STEP", 5)
    people = [row(f"{n:05d}", 工会小组="一组") for n in range(40)]
    synchronise(world, admin, xlsx(people))
    changed = [row(f"{n:05d}", 工会小组="二组") for n in range(39)] + [row("00099")]
    started = send(admin, xlsx(changed)).get_json()["id"]
    home = world.app.extensions["leitai.settings"].home / "failpoints"
    home.mkdir()
    for _crash in range(2):
        (home / f"{point}.once").write_text("raise")
        with world.app.app_context():
            jobs.run(started)
        roster._held.clear()
        world.move_clock(seconds=20)
    world.work_off()
    job = admin.again().get(f"/jobs/{started}").get_json()
    assert job["state"] == "done", job
    assert job["result"]["applied"] == {"joined": 1, "changed": 39, "left": 1}
    with world.looking():
        memberships = db.connection().scalar(sa.select(sa.func.count()).select_from(Membership))
    assert memberships == 40 + 39


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 broken", b"\xff\xfe\xff", "甲,乙\n1,2".encode()]
)
def test_unreadable_files_are_refused(world: World, admin: Person, content: bytes) -> None:
    job = synchronise(world, admin, content)
    assert job["state"] == "failed"
    assert job["errors"][0]["code"] == "unreadable-file"
