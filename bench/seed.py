"""An organisation in bulk: units, branches, people; and a contest that they take."""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import islice
from typing import Any

import sqlalchemy as sa

from api.contests.models import (
    Attempt,
    AudienceUnit,
    Contest,
    Question,
    QuestionBank,
    QuestionVersion,
)
from api.core import auth, clock, db
from api.org.models import Branch, Member, Membership, OrganizingBody, Unit

CHUNK = 5000
CREW = 20
QUESTIONS = 20
ACTIVE = 1000
DAY = timedelta(days=1)
_FAMILIES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂英玉兰建国海燕志红"
_KEYS: dict[str, list[Any]] = {
    "single": [1],
    "multiple": [0, 2],
    "true_false": ["true"],
    "fill_in": [["安全第一", "安全"]],
}
_ANSWERS = {
    "single": ["B"], "multiple": ["A", "C"], "true_false": ["true"], "fill_in": ["安全第一"],
}  # fmt: skip
_KINDS = ["single"] * 10 + ["multiple"] * 5 + ["true_false"] * 3 + ["fill_in"] * 2


@dataclass
class Organisation:
    """What was seeded, by id.  `active` are the people in whose name requests are sent."""

    group: str
    crews: list[str] = field(default_factory=list)
    branches: list[str] = field(default_factory=list)
    members: list[str] = field(default_factory=list)
    active: list[str] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)
    versions: list[int] = field(default_factory=list)
    contest: str = ""


def insert(table: Any, rows: Iterable[dict[str, Any]]) -> None:
    """Insert rows in chunks, each its own transaction."""
    source = iter(rows)
    while chunk := list(islice(source, CHUNK)):
        with db.transaction() as conn:
            conn.execute(sa.insert(table), chunk)


def organisation(people: int) -> Organisation:
    """Units, union branches by crew, people, tokens and an open contest of 20 questions.

    Inside an application context.
    """
    random.seed(1)
    units = list(_units(people))
    org = Organisation(units[0]["id"])
    org.crews = [unit["id"] for unit in units if unit["kind"] == "crew"]
    insert(Unit, units)
    company = next(unit["id"] for unit in units if unit["kind"] == "company")
    insert(Member, _members(org, company, people))
    insert(Branch, _branches(org))
    insert(Membership, _memberships(org))
    org.active = random.sample(org.members, min(ACTIVE, people))
    org.tokens = {member: auth.issue_access(member, db.new_id(), 0, ()) for member in org.active}
    _questions(org)
    org.contest = contest(org, "全员安全知识竞赛", [org.group])
    return org


def _units(people: int) -> Iterator[dict[str, Any]]:
    """A group, companies, departments, and crews of 20."""
    group = _unit("group", "恒远集团", None)
    yield group
    crews = max(1, people // CREW)
    companies = [_unit("company", f"第{n}公司", group) for n in range(max(2, crews // 500))]
    yield from companies
    departments = [
        _unit("department", f"{n}部", companies[n % len(companies)])
        for n in range(max(4, crews // 25))
    ]
    yield from departments
    for n in range(crews):
        yield _unit("crew", f"{n}班", departments[n % len(departments)])


def _unit(kind: str, name: str, parent: dict[str, Any] | None) -> dict[str, Any]:
    unit_id = db.new_id()
    above = parent["path"] if parent else ""
    return {
        "id": unit_id, "kind": kind, "name": name, "parent_id": parent["id"] if parent else None,
        "code": None, "path": f"{above}{unit_id.replace('-', '')}/", "version": 1,
    }  # fmt: skip


def _members(org: Organisation, company: str, people: int) -> Iterator[dict[str, Any]]:
    for n in range(people):
        member_id = db.new_id()
        org.members.append(member_id)
        name = random.choice(_FAMILIES) + "".join(random.choices(_GIVEN, k=2))
        yield {
            "id": member_id, "company_id": company, "number": f"{n:07d}", "name": name,
            "unit_id": org.crews[n % len(org.crews)], "status": "active", "language": "zh-CN",
            "on_boards": n % 50 != 0, "token_version": 0, "disabled": False, "version": 1,
        }  # fmt: skip


def _branches(org: Organisation) -> Iterator[dict[str, Any]]:
    for n, crew in enumerate(org.crews):
        branch_id = db.new_id()
        org.branches.append(branch_id)
        yield {
            "id": branch_id, "kind": "union", "name": f"第{n}工会小组", "unit_id": crew,
            "temporary": False, "version": 1,
        }  # fmt: skip


def _memberships(org: Organisation) -> Iterator[dict[str, Any]]:
    for n, member_id in enumerate(org.members):
        yield {
            "id": db.new_id(), "member_id": member_id, "kind": "union",
            "branch_id": org.branches[n % len(org.branches)], "from_on": date(2020, 1, 1),
        }  # fmt: skip


def _questions(org: Organisation) -> None:
    now = clock.now()
    bank, body = db.new_id(), db.new_id()
    names = {"kind": "union", "name": "集团工会", "unit_id": org.group}
    insert(OrganizingBody, [{"id": body, **names}])
    insert(
        QuestionBank,
        [{"id": bank, "name": "安全题库", "unit_id": org.group, "body_id": body, "version": 1,
          "created_at": now}],
    )  # fmt: skip
    ids = [db.new_id() for _ in range(QUESTIONS)]
    insert(
        Question,
        [{"id": question, "bank_id": bank, "fingerprint": f"{n:064d}", "retired": False,
          "version": 1} for n, question in enumerate(ids)],
    )  # fmt: skip
    insert(QuestionVersion, [_wording(*pair, now) for pair in zip(ids, _KINDS, strict=True)])
    with db.reading() as conn:
        org.versions = list(conn.scalars(sa.select(QuestionVersion.id).order_by("id")))


def _wording(question: str, kind: str, now: Any) -> dict[str, Any]:
    options = [f"选项{n}：佩戴好防护用品并确认作业票已经签发" for n in range(_options(kind))]
    return {
        "question_id": question, "number": 1, "kind": kind, "options": options,
        "stem": "进入受限空间作业之前，作业负责人应当首先完成下列哪些工作，才能允许人员进入？",
        "key": _KEYS[kind], "explanation": "先通风、再检测、后作业。", "topic": "受限空间",
        "difficulty": "medium", "created_at": now,
    }  # fmt: skip


def _options(kind: str) -> int:
    return {"single": 4, "multiple": 5}.get(kind, 0)


def contest(org: Organisation, title: str, audience: Sequence[str] = ()) -> str:
    """A published contest of the 20 questions, open for a day; its id."""
    now = clock.now()
    contest_id = db.new_id()
    insert(
        Contest,
        [{"id": contest_id, "title": title, "description": "", "unit_id": org.group,
          "state": "published", "opens_at": now - DAY, "closes_at": now + DAY,
          "settings": _settings(org), "pool": [[version, 500] for version in org.versions],
          "results_version": 0, "version": 1}],
    )  # fmt: skip
    insert(AudienceUnit, [{"contest_id": contest_id, "unit_id": unit} for unit in audience])
    return contest_id


def _settings(org: Organisation) -> dict[str, Any]:
    return {
        "paper": {"kind": "fixed", "question_ids": [str(v) for v in org.versions]},
        "points_per_question": 5.0, "limit_s": 14400, "grace_s": 5, "tries": 100,
        "counts": "best", "shuffle_questions": False, "shuffle_options": False,
        "review": "immediate", "branch_kind": "union", "only_branch_members": False,
        "release": "automatic", "participation_weight_percent": 50,
    }  # fmt: skip


def attempts(org: Organisation, contest_id: str, members: Sequence[str], saved: int) -> list[str]:
    """Running attempts of `members` with `saved` answers standing; their ids."""
    now = clock.now()
    layout = [[version, list(range(_options(kind)))]
              for version, kind in zip(org.versions, _KINDS, strict=True)]  # fmt: skip
    answers = {str(n): [1, answer(n)] for n in range(1, saved + 1)}
    ids = [db.new_id() for _ in members]
    fixed = {
        "contest_id": contest_id, "unit_id": org.crews[0], "number": 1, "state": "running",
        "layout": layout, "answers": answers, "marks": [], "outcome": [],
        "started_at": now - timedelta(minutes=5), "deadline_at": now + DAY / 2,
        "score_hundredths": 0, "max_hundredths": 500 * QUESTIONS, "used_ms": 0, "time_share": 0,
    }  # fmt: skip
    pairs = zip(ids, members, strict=True)
    insert(Attempt, [{"id": one, "member_id": member, **fixed} for one, member in pairs])
    return ids


def answer(position: int) -> list[str]:
    """The right answer, or now and then a wrong one, to the question at `position`."""
    kind = _KINDS[position - 1]
    if kind == "single" and random.random() < 0.2:
        return ["D"]
    return _ANSWERS[kind]
