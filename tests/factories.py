"""What tests are made of: people and things with sensible defaults, parents on demand."""

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.core import auth, clock, db, events, jobs, schedule
from api.core.auth import Grant
from api.org.models import (
    Branch,
    Member,
    Membership,
    OrganizingBody,
    RoleGrant,
    SignInSession,
    Unit,
)

_numbers = count(1)


@dataclass
class Person:
    """A member as tests use one: an id and requests in their name."""

    world: "World"
    id: str
    number: str
    token: str
    grants: tuple[Grant, ...] = ()

    def again(self) -> "Person":
        """The same person, signed in anew (after the clock was moved past the token's end)."""
        with self.world.changing():
            token = self.world._token(self.id, self.grants)
        return Person(self.world, self.id, self.number, token, self.grants)

    def request(self, method: str, path: str, **more: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}", "Accept-Language": "en"}
        headers |= more.pop("headers", {})
        return self.world.client.open(f"/api/v1{path}", method=method, headers=headers, **more)

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.request("GET", path, **more)

    def post(self, path: str, json: Any = None, **more: Any) -> TestResponse:
        return self.request("POST", path, json=json, **more)

    def put(self, path: str, json: Any = None, **more: Any) -> TestResponse:
        return self.request("PUT", path, json=json, **more)

    def patch(self, path: str, json: Any = None, **more: Any) -> TestResponse:
        return self.request("PATCH", path, json=json, **more)

    def delete(self, path: str, **more: Any) -> TestResponse:
        return self.request("DELETE", path, **more)


@dataclass
class World:
    """Makes units, branches and people in the test's database; parents on demand."""

    app: Flask
    made: dict[str, Any] = field(default_factory=dict)

    @property
    def client(self) -> FlaskClient:
        """A fresh client: cookies and contexts don't leak between people."""
        return self.app.test_client()

    @contextmanager
    def changing(self) -> Any:
        """A transaction in an application context of its own."""
        with self.app.app_context(), db.transaction():
            yield db.session()

    @contextmanager
    def looking(self) -> Any:
        """A view of the database in an application context of its own."""
        with self.app.app_context(), db.reading():
            yield db.session()

    def a_unit(self, name: str | None = None, parent_id: str | None = None, **fields: Any) -> str:
        """A unit's id; without `parent_id` it hangs below the group."""
        name = name or f"Unit {next(_numbers)}"
        kind = fields.pop("kind", "company" if parent_id is None else "department")
        parent_id = parent_id or self.the_group()
        return self._a_unit(name, kind, parent_id, **fields)

    def the_group(self) -> str:
        """The root of the tree."""
        if "group" not in self.made:
            self.made["group"] = self._a_unit("Group", "group", None)
        return str(self.made["group"])

    def _a_unit(self, name: str, kind: str, parent_id: str | None, **fields: Any) -> str:
        with self.changing() as session:
            unit = Unit(id=db.new_id(), name=name, kind=kind, parent_id=parent_id, **fields)
            above = session.get(Unit, parent_id).path if parent_id else ""
            unit.path = f"{above}{unit.id.replace('-', '')}/"
            session.add(unit)
            return unit.id

    def the_company(self) -> str:
        """A company with the code C1."""
        if "company" not in self.made:
            self.made["company"] = self.a_unit("Company", code="C1")
        return str(self.made["company"])

    def a_branch(self, unit_id: str | None = None, kind: str = "league", **fields: Any) -> str:
        unit_id = unit_id or self.the_company()
        with self.changing() as session:
            fields.setdefault("name", f"Branch {next(_numbers)}")
            branch = Branch(id=db.new_id(), unit_id=unit_id, kind=kind, **fields)
            session.add(branch)
            return branch.id

    def a_body(self, unit_id: str | None = None, kind: str = "youth_league") -> str:
        unit_id = unit_id or self.the_company()
        with self.changing() as session:
            body = OrganizingBody(
                id=db.new_id(), kind=kind, unit_id=unit_id, name=f"Body {next(_numbers)}"
            )
            session.add(body)
            return body.id

    def a_member(
        self,
        unit_id: str | None = None,
        branches: tuple[str, ...] = (),
        grants: tuple[Grant, ...] = (),
        **fields: Any,
    ) -> Person:
        """A signed-in member; `grants` are roles, also written as role grants."""
        company = fields.pop("company_id", None) or self.the_company()
        number = fields.pop("number", None) or f"{next(_numbers):05d}"
        with self.changing() as session:
            member = Member(
                id=db.new_id(), company_id=company, unit_id=unit_id or company, number=number,
                name=fields.pop("name", f"Person {number}"), **fields,
            )  # fmt: skip
            session.add(member)
            session.flush()
            for branch_id in branches:
                self._join(member.id, branch_id)
            for grant in grants:
                session.add(_granted(member.id, grant))
            token = self._token(member.id, grants)
        return Person(self, member.id, number, token, grants)

    def _join(self, member_id: str, branch_id: str) -> None:
        kind = db.session().get_one(Branch, branch_id).kind
        db.session().add(
            Membership(
                member_id=member_id, branch_id=branch_id, kind=kind, from_on=date(2020, 1, 1)
            )
        )

    def _token(self, member_id: str, grants: tuple[Grant, ...]) -> str:
        now = clock.now()
        family = SignInSession(
            id=db.new_id(), member_id=member_id, created_at=now, used_at=now,
            expires_at=now + timedelta(days=30),
        )  # fmt: skip
        db.session().add(family)
        return auth.issue_access(member_id, family.id, 0, grants)

    def an_admin(self) -> Person:
        return self.a_member(grants=(Grant("admin"),))

    def an_organizer(self, unit_id: str | None = None, body_id: str | None = None) -> Person:
        """An organiser over a unit's subtree (default: the company) for one body."""
        unit_id = unit_id or self.the_company()
        body_id = body_id or self.a_body(unit_id)
        return self.a_member(grants=(Grant("organizer", unit_id, body_id),))

    def work_off(self, rounds: int = 20) -> None:
        """Do what relay and workers would: schedule, jobs and drains, until nothing is owed."""
        with self.app.app_context():
            schedule._ran_at.clear()
            for _round in range(rounds):
                worked = schedule.tick("test")
                owed, pending = jobs.owed(), events.pending()
                for job_id in owed:
                    jobs.run(job_id)
                for name in pending:
                    events.drain(name)
                if not (owed or pending or worked):
                    return

    def move_clock(self, **span: float) -> None:
        """Move the clock of all processes by a timedelta's arguments."""
        before = self._clock_file.read_text() if self._clock_file.exists() else "0"
        if before.startswith("@"):
            self.stop_clock(datetime.fromisoformat(before[1:]) + timedelta(**span))
        else:
            self._set_clock(str(float(before) + timedelta(**span).total_seconds()))

    def stop_clock(self, at: datetime) -> None:
        """Let the clock of all processes stand still at an instant."""
        self._set_clock(f"@{at.isoformat()}")

    def _set_clock(self, instruction: str) -> None:
        """Replace the file in one step: no process ever reads half of it."""
        new = self._clock_file.with_name("test-clock.new")
        new.write_text(instruction)
        new.replace(self._clock_file)

    @property
    def _clock_file(self) -> Path:
        home: Path = self.app.extensions["leitai.settings"].home
        return home / "test-clock"


def _granted(member_id: str, grant: Grant) -> RoleGrant:
    return RoleGrant(
        member_id=member_id, role=grant.role, unit_id=grant.unit_id, body_id=grant.body_id,
        branch_id=grant.branch_id, from_at=clock.now(),
    )  # fmt: skip
