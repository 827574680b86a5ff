"""A plausible request for every operation there is; a new operation must be entered here.

Each entry makes its own objects where the request uses them up, so that it succeeds whenever
somebody sends it who may.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from api.core import clock, openapi
from api.core.http import Operation
from api.points.models import Board
from tests.factories import Person
from tests.promises.place import Place, fresh, text_file, today

PASSWORD = "correct horse battery 9"


@dataclass
class Request:
    """What is sent: the rest of the path's ids, a query, a JSON body or a file."""

    ids: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] | None = None
    file: str | None = None
    version: int = 1

    def path(self, operation: Operation) -> str:
        return operation.path.format(**self.ids)


Maker = Callable[[Place, Person], Request]


def key_of(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"


def by_key(app: Flask) -> dict[str, Operation]:
    """All operations by "METHOD /path"."""
    return {key_of(operation): operation for operation in openapi.declared(app)}


def board_version(place: Place) -> int:
    """The version of the settings of the board of union groups."""
    with place.world.looking() as session:
        return session.get_one(Board, "branches-union").version


def send(
    person: Person | None,
    operation: Operation,
    request: Request,
    place: Place,
    **headers: str,
) -> TestResponse:
    """Send a request as somebody (None: without a token)."""
    more: dict[str, Any] = {"query_string": request.query, "headers": _headers(headers)}
    if request.file is not None:
        more |= text_file(request.file)
    elif operation.writes and (operation.body or operation.parse):
        more["json"] = {} if request.body is None else request.body
    if operation.etag and operation.writes and operation.method != "POST":
        more["headers"].setdefault("If-Match", f'"v{request.version}"')
    path = request.path(operation)
    if person is None:
        client = place.world.client
        return client.open(f"/api/v1{path}", method=operation.method, **more)
    return person.request(operation.method, path, **more)


def _headers(given: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in given.items()}


def plain(**ids: Callable[[Place, Person], str]) -> Maker:
    """A request without a body; each id is made when it is sent."""
    return lambda place, person: Request({name: make(place, person) for name, make in ids.items()})


def contest(state: str) -> Callable[[Place, Person], str]:
    return lambda place, _person: place.contest(state)


def bank(place: Place, _person: Person) -> str:
    return place.bank_id


def question(place: Place, _person: Person) -> str:
    return place.question()


def own_attempt(place: Place, person: Person) -> str:
    return place.attempt(person)


def own_job(place: Place, person: Person) -> str:
    return place.job(person)


def unit(place: Place, _person: Person) -> str:
    return place.world.a_unit(fresh("Department"), place.unit_id)


def branch(place: Place, _person: Person) -> str:
    return place.branch_id


def colleague(place: Place, _person: Person) -> str:
    return place.somebody().id


def a_question() -> dict[str, Any]:
    return {
        "kind": "single", "stem": fresh("Which one"), "options": ["x", "y"], "answer": ["B"],
    }  # fmt: skip


def a_draft(place: Place) -> dict[str, Any]:
    now = clock.now()
    return {
        "title": fresh("Contest"), "unit_id": place.unit_id, "body_id": place.body_id,
        "opens_at": now.isoformat(), "closes_at": (now + timedelta(hours=1)).isoformat(),
        "settings": {"paper": {"kind": "draw", "bank_id": place.bank_id, "count": 1}},
    }  # fmt: skip


def a_rule() -> dict[str, Any]:
    later = clock.now() + timedelta(days=1)
    return {
        "code": "quiz.taken", "fact_kind": "quiz", "title": {"zh-CN": "参加", "en": "Took part"},
        "formula": {"kind": "fixed", "amount": 5}, "improvement": True, "caps": {"day": 10},
        "effective_from": later.isoformat(),
    }  # fmt: skip


def answered(place: Place, person: Person) -> Request:
    body = {"answers": [{"position": 1, "seq": 1, "answer": ["B"]}]}
    return Request({"attempt_id": place.attempt(person)}, body=body)


def membership(place: Place, _person: Person) -> Request:
    member_id = place.world.a_member(place.unit_id, company_id=place.unit_id).id
    return Request(body={"member_id": member_id, "branch_id": place.branch_id})


def roster(place: Place, _person: Person) -> Request:
    people = place.world
    rows = "".join(f"{person_number(people)},{fresh('Person')},{fresh('Dept')}\n" for _ in "ab")
    return Request(query={"company": place.code, "dry_run": "true"}, file=f"工号,姓名,部门\n{rows}")


def person_number(_world: Any) -> str:
    return fresh("N").replace(" ", "")


OF_UNITS: dict[str, Maker] = {
    "GET /units": lambda p, _: Request(query={"under": p.unit_id}),
    "POST /units": lambda p, _: Request(
        body={"parent_id": p.unit_id, "kind": "department", "name": fresh("Department")}
    ),
    "GET /units/{unit_id}": plain(unit_id=lambda p, _: p.unit_id),
    "PATCH /units/{unit_id}": lambda p, w: Request(
        {"unit_id": unit(p, w)}, body={"name": fresh("Department")}
    ),
    "GET /branches": lambda p, _: Request(query={"unit_id": p.unit_id}),
    "POST /branches": lambda p, _: Request(
        body={"kind": "league", "name": fresh("Branch"), "unit_id": p.unit_id}
    ),
    "GET /branches/{branch_id}": plain(branch_id=branch),
    "PATCH /branches/{branch_id}": lambda p, _: Request(
        {"branch_id": p.world.a_branch(p.unit_id)}, body={"name": fresh("Branch")}
    ),
    "POST /branches/{branch_id}/slips": lambda p, _: Request(
        {"branch_id": p.branch_id}, body={"member_ids": [p.somebody().id]}
    ),
    "GET /organizing-bodies": lambda p, _: Request(query={"unit_id": p.unit_id}),
    "POST /organizing-bodies": lambda p, _: Request(
        body={"kind": "union", "name": fresh("Union"), "unit_id": p.unit_id}
    ),
    "GET /teams": lambda p, _: Request(query={"unit_id": p.unit_id}),
    "POST /teams": lambda p, w: Request(
        body={
            "kind": "team", "name": fresh("Team"), "unit_id": p.unit_id,
            "members": [{"member_id": colleague(p, w)}],
        }
    ),
    "GET /teams/{team_id}": plain(team_id=lambda p, _: p.team()),
    "PUT /teams/{team_id}/members": lambda p, w: Request(
        {"team_id": p.team()}, body={"members": [{"member_id": colleague(p, w)}]}
    ),
}  # fmt: skip

OF_PEOPLE: dict[str, Maker] = {
    "GET /members": lambda p, _: Request(query={"unit_id": p.unit_id}),
    "POST /members": lambda p, _: Request(
        body={
            "company_id": p.unit_id, "number": person_number(p.world), "name": fresh("Person"),
            "unit_id": p.unit_id,
        }
    ),
    "GET /members/{member_id}": plain(member_id=colleague),
    "PATCH /members/{member_id}": lambda p, w: Request(
        {"member_id": colleague(p, w)}, body={"post": "fitter"}
    ),
    "POST /members/{member_id}/password-reset": plain(member_id=colleague),
    "POST /members/imports": roster,
    "GET /memberships": lambda p, _: Request(query={"branch_id": p.branch_id}),
    "POST /memberships": membership,
    "POST /memberships/{membership_id}/end": lambda p, _: Request(
        {"membership_id": p.membership()}, body={"until_on": today().isoformat()}
    ),
    "GET /role-grants": plain(),
    "POST /role-grants": lambda p, w: Request(
        body={"member_id": colleague(p, w), "role": "organizer", "unit_id": p.unit_id}
    ),
    "DELETE /role-grants/{grant_id}": plain(grant_id=lambda p, _: p.role_grant()),
}  # fmt: skip

OF_CONTESTS: dict[str, Maker] = {
    "GET /question-banks": plain(),
    "POST /question-banks": lambda p, _: Request(
        body={"name": fresh("Bank"), "unit_id": p.unit_id, "body_id": p.body_id}
    ),
    "GET /question-banks/{bank_id}": plain(bank_id=bank),
    "PATCH /question-banks/{bank_id}": lambda p, _: Request(
        {"bank_id": p.bank()}, body={"name": fresh("Bank")}
    ),
    "GET /question-banks/{bank_id}/questions": plain(bank_id=bank),
    "POST /question-banks/{bank_id}/questions": lambda p, w: Request(
        {"bank_id": bank(p, w)}, body=a_question()
    ),
    "POST /question-banks/{bank_id}/imports": lambda p, w: Request(
        {"bank_id": bank(p, w)}, file=f"{fresh('Which')}?\nA. x\nB. y\n答案：B"
    ),
    "GET /question-banks/{bank_id}/export": lambda p, w: Request(
        {"bank_id": bank(p, w)}, query={"format": "csv"}
    ),
    "GET /questions/{question_id}": plain(question_id=question),
    "PATCH /questions/{question_id}": lambda p, w: Request(
        {"question_id": question(p, w)}, body=a_question()
    ),
    "DELETE /questions/{question_id}": plain(question_id=question),
    "GET /contests": plain(),
    "POST /contests": lambda p, _: Request(body=a_draft(p)),
    "GET /contests/{contest_id}": plain(contest_id=lambda p, _: p.open_contest),
    "PATCH /contests/{contest_id}": lambda p, _: Request(
        {"contest_id": p.contest("draft")}, body={"title": fresh("Contest")}
    ),
    "POST /contests/{contest_id}/publish": plain(contest_id=contest("draft")),
    "POST /contests/{contest_id}/pause": plain(contest_id=contest("open")),
    "POST /contests/{contest_id}/resume": plain(contest_id=contest("paused")),
    "POST /contests/{contest_id}/extend": lambda p, _: Request(
        {"contest_id": p.contest("open")},
        body={"closes_at": (clock.now() + timedelta(hours=9)).isoformat()},
    ),
    "POST /contests/{contest_id}/cancel": plain(contest_id=contest("draft")),
    "POST /contests/{contest_id}/settle": plain(contest_id=contest("closed")),
    "POST /contests/{contest_id}/release": plain(contest_id=contest("settled")),
    "GET /contests/{contest_id}/results": plain(contest_id=contest("released")),
    "GET /contests/{contest_id}/branch-results": plain(contest_id=contest("released")),
    "GET /contests/{contest_id}/statistics": plain(contest_id=lambda p, _: p.open_contest),
    "POST /contests/{contest_id}/attempts": plain(contest_id=contest("open")),
    "GET /attempts/{attempt_id}": plain(attempt_id=own_attempt),
    "PUT /attempts/{attempt_id}/answers": answered,
    "POST /attempts/{attempt_id}/submit": answered,
    "GET /attempts/{attempt_id}/review": plain(attempt_id=own_attempt),
}

OF_POINTS: dict[str, Maker] = {
    "GET /leaderboards": plain(),
    "GET /leaderboards/{key}": lambda _p, _w: Request({"key": "people"}),
    "GET /leaderboards/{key}/explain": lambda _p, _w: Request({"key": "people"}),
    "GET /leaderboards/{key}/settings": lambda _p, _w: Request({"key": "branches-union"}),
    "PATCH /leaderboards/{key}/settings": lambda p, _w: Request(
        {"key": "branches-union"}, body={"best_n": 3}, version=board_version(p)
    ),
    "GET /seasons": plain(),
    "POST /seasons": lambda _p, _w: Request(
        body={
            "code": secrets.token_hex(3),
            "title": {"en": "Spring"},
            "starts_on": today().isoformat(),
            "ends_on": today().isoformat(),
        }
    ),
    "GET /me/points": plain(),
    "GET /point-rules": plain(),
    "POST /point-rules": lambda _p, _w: Request(body=a_rule()),
    "GET /badges": plain(),
    "GET /me/badges": plain(),
}

OF_ONESELF: dict[str, Maker] = {
    "GET /me": plain(),
    "PATCH /me": lambda _p, _w: Request(body={"nickname": fresh("Nick")}),
    "POST /me/password": lambda _p, _w: Request(
        body={"password": "wrong", "new_password": PASSWORD}
    ),
    "GET /me/sessions": plain(),
    "DELETE /me/sessions/{session_id}": plain(session_id=lambda p, w: p.session_of(w)),
    "GET /me/home": plain(),
    "GET /me/export": plain(),
    "GET /me/inbox": plain(),
    "POST /me/inbox/read": lambda p, w: Request(body={"ids": [p.message(w)]}),
    "GET /files": plain(),
    "POST /files": lambda _p, _w: Request(file=fresh("content")),
    "GET /files/{file_id}": plain(file_id=lambda p, w: p.file(w)),
    "GET /jobs/{job_id}": plain(job_id=own_job),
    "DELETE /jobs/{job_id}": plain(job_id=own_job),
}

OF_ANYBODY: dict[str, Maker] = {
    "POST /auth/login": lambda p, _: Request(
        body={"company": p.code, "number": fresh("none").replace(" ", ""), "password": "wrong"}
    ),
    "POST /auth/refresh": lambda _p, _w: Request(body={"refresh_token": "not.a.token"}),
    "POST /auth/logout": plain(),
    "GET /healthz": plain(),
    "GET /readyz": plain(),
    "GET /metrics": plain(),
    "GET /openapi.json": plain(),
    "GET /audit": plain(),
}

REQUESTS = OF_UNITS | OF_PEOPLE | OF_CONTESTS | OF_POINTS | OF_ONESELF | OF_ANYBODY
