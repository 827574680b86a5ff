"""A part of the organisation with one of everything that an operation can act on."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from io import BytesIO
from itertools import count
from typing import Any

from api.contests.models import (
    Attempt,
    AudienceUnit,
    Contest,
    Question,
    QuestionBank,
    QuestionVersion,
)
from api.core import clock, db, files, jobs
from api.core.auth import Grant
from api.messages.models import Message
from api.org.models import Membership, RoleGrant, SignInSession, Team, Unit
from tests.factories import Person, World
from tests.promises.scene import QUESTIONS, install_points

_numbers = count(1)
SCOPED_TO_BODY = ("organizer", "judge", "reviewer", "committee")
SCOPED_TO_BRANCH = ("secretary", "representative")


def fresh(word: str = "Name") -> str:
    """A text that nobody used before."""
    return f"{word} {next(_numbers)}"


@dataclass
class Place:
    """A company of its own.  What an operation uses up is made anew at each use."""

    world: World
    unit_id: str
    people: dict[str, Person] = field(default_factory=dict)

    @cached_property
    def branch_id(self) -> str:
        return self.world.a_branch(self.unit_id, "union")

    @cached_property
    def body_id(self) -> str:
        return self.world.a_body(self.unit_id)

    def holder(self, role: str) -> Person:
        """Somebody who holds a role here, as such roles are held; `employee` holds none."""
        if role not in self.people:
            grants = () if role == "employee" else (self.grant(role),)
            self.people[role] = self.somebody(grants=grants)
        return self.people[role]

    def grant(self, role: str) -> Grant:
        if role in SCOPED_TO_BRANCH:
            return Grant(role, None, None, self.branch_id)
        return Grant(role, self.unit_id, self.body_id if role in SCOPED_TO_BODY else None)

    def somebody(self, grants: tuple[Grant, ...] = ()) -> Person:
        """A member of this company and its branch."""
        return self.world.a_member(
            self.unit_id, branches=(self.branch_id,), grants=grants, company_id=self.unit_id
        )

    # --- contests ------------------------------------------------------------------------

    @cached_property
    def bank_id(self) -> str:
        return self.bank()

    def bank(self) -> str:
        """A new bank without questions."""
        body_id = self.body_id
        with self.world.changing() as session:
            bank = QuestionBank(
                id=db.new_id(), name=fresh("Bank"), unit_id=self.unit_id, body_id=body_id,
                created_at=clock.now(), version=1,
            )  # fmt: skip
            session.add(bank)
            return bank.id

    def question(self, **fields: Any) -> str:
        """A new question in the bank: right is option B."""
        bank_id = self.bank_id
        with self.world.changing() as session:
            question = Question(id=db.new_id(), bank_id=bank_id, fingerprint=fresh("f"), version=1)
            session.add(question)
            session.flush()
            session.add(_version(question.id, fields))
            return question.id

    @cached_property
    def version_id(self) -> int:
        question_id = self.question()
        with self.world.looking() as session:
            return int(session.query(QuestionVersion).filter_by(question_id=question_id).one().id)

    def contest(self, state: str = "open") -> str:
        """A new contest: draft, open, paused, closed, settled or released."""
        install_points(self.world)
        now = clock.now()
        over = state in ("closed", "settled", "released")
        paused_at = now if state == "paused" else None
        body_id, rules = self.body_id, self.rules()
        version_id = self.version_id
        pool = [] if state == "draft" else [[version_id, 500]]
        with self.world.changing() as session:
            contest = Contest(
                id=db.new_id(), title=fresh("Contest"), description="", unit_id=self.unit_id,
                body_id=body_id, pool=pool, settings=rules, version=1,
                state={"draft": "draft", "settled": "settled", "released": "settled"}.get(
                    state, "published"
                ),
                opens_at=now - timedelta(hours=2),
                closes_at=now + (timedelta(minutes=-5) if over else timedelta(hours=1)),
                paused_at=paused_at, results_version=int(state in ("settled", "released")),
                settled_at=now if state in ("settled", "released") else None,
                released_at=now if state == "released" else None,
            )  # fmt: skip
            session.add(contest)
            session.flush()
            session.add(AudienceUnit(contest_id=contest.id, unit_id=self.unit_id))
            return contest.id

    def rules(self) -> dict[str, Any]:
        return {
            "paper": {"kind": "draw", "bank_id": self.bank_id, "count": 1},
            "points_per_question": 5.0, "limit_s": 1800, "grace_s": 5, "tries": 3,
            "counts": "best", "shuffle_questions": True, "shuffle_options": True,
            "review": "immediate", "branch_kind": "union", "only_branch_members": False,
            "release": "manual", "participation_weight_percent": 50,
        }  # fmt: skip

    @cached_property
    def open_contest(self) -> str:
        return self.contest("open")

    def attempt(self, person: Person) -> str:
        """A new running attempt of somebody."""
        contest_id, version_id = self.contest("open"), self.version_id
        now = clock.now()
        with self.world.changing() as session:
            attempt = Attempt(
                id=db.new_id(), contest_id=contest_id, member_id=person.id, unit_id=self.unit_id,
                number=1, state="running", layout=[[version_id, [0, 1, 2]]], answers={}, marks=[],
                outcome=[], started_at=now, deadline_at=now + timedelta(minutes=20),
                max_hundredths=500,
            )  # fmt: skip
            session.add(attempt)
            return attempt.id

    # --- the rest ------------------------------------------------------------------------

    def job(self, person: Person) -> str:
        """A new job of somebody."""
        args = {"bank_id": self.bank_id, "digest": "0" * 64, "name": "x.txt"}
        with self.world.changing():
            return jobs.start("contests.import_questions", args, member_id=person.id).id

    def file(self, person: Person) -> str:
        with self.world.changing():
            return files.add(b"content", "x.txt", "text/plain", person.id).id

    def message(self, person: Person) -> str:
        with self.world.changing() as session:
            message = Message(
                id=db.new_id(), member_id=person.id, kind="test", key=fresh("k"),
                template="Hello.", params={}, created_at=clock.now(),
            )  # fmt: skip
            session.add(message)
            return message.id

    def team(self) -> str:
        with self.world.changing() as session:
            team = Team(id=db.new_id(), kind="team", name=fresh("Team"), unit_id=self.unit_id)
            session.add(team)
            return team.id

    def membership(self) -> str:
        person = self.somebody()
        with self.world.looking() as session:
            return str(session.query(Membership).filter_by(member_id=person.id).one().id)

    def role_grant(self) -> str:
        person, body_id = self.somebody(), self.body_id
        with self.world.changing() as session:
            grant = RoleGrant(
                id=db.new_id(), member_id=person.id, role="organizer", unit_id=self.unit_id,
                body_id=body_id, from_at=clock.now(),
            )  # fmt: skip
            session.add(grant)
            return grant.id

    def session_of(self, person: Person) -> str:
        """Another sign-in of somebody."""
        now = clock.now()
        with self.world.changing() as session:
            family = SignInSession(
                id=db.new_id(), member_id=person.id, created_at=now, used_at=now,
                expires_at=now + timedelta(days=30),
            )  # fmt: skip
            session.add(family)
            return family.id

    @cached_property
    def code(self) -> str:
        with self.world.looking() as session:
            return str(session.get_one(Unit, self.unit_id).code)


def _version(question_id: str, fields: dict[str, Any]) -> QuestionVersion:
    first = QUESTIONS[0]
    return QuestionVersion(
        question_id=question_id, number=1, kind="single", stem=fields.get("stem", fresh("Stem")),
        options=fields.get("options", first["options"]), key=[1],
        explanation=fields.get("explanation", ""), topic="", difficulty="easy",
        created_at=clock.now(),
    )  # fmt: skip


def a_place(world: World, code: str) -> Place:
    """A company below the group, with nothing in it yet."""
    return Place(world, world.a_unit(fresh("Company"), code=code))


def text_file(text: str, name: str = "q.txt") -> dict[str, Any]:
    """The keyword arguments of a request that uploads a file."""
    return {
        "data": {"file": (BytesIO(text.encode()), name)},
        "content_type": "multipart/form-data",
    }


def today() -> date:
    return clock.now().date()
