"""P21: nobody whom the role table doesn't name reads or writes another's attempt."""

from typing import Any

import pytest
import sqlalchemy as sa

from api.contests.models import Attempt
from api.core import auth, openapi
from api.core.auth import ROLES, Grant
from api.core.http import Operation
from tests.factories import Person, World
from tests.promises.scene import Quiz, a_quiz

NOBODY = "00000000-0000-7000-8000-000000000000"


def others(world: World, quiz: Quiz, branch_id: str) -> dict[str, Person]:
    """Everybody but the owner of an attempt: each role, as near to the attempt as it gets."""
    unit_id = quiz.unit_id
    near = {
        role: world.a_member(branches=(branch_id,), grants=(Grant(role, unit_id),))
        for role in ROLES
        if role != "employee"
    }
    whole = {
        f"{role} of everything": world.a_member(grants=(Grant(role),))
        for role in ("admin", "auditor", "organizer", "committee")
    }
    return {
        "a colleague of the same branch": world.a_member(branches=(branch_id,)),
        "somebody of another company": world.a_member(unit_id=world.a_unit()),
        "the contest's organiser": quiz.organizer,
        "the branch's secretary": world.a_member(
            grants=(Grant("secretary", unit_id, None, branch_id),)
        ),
        **near,
        **whole,
    }


def of_attempts(world: World) -> list[Operation]:
    """All operations on one attempt, from the route table."""
    found = [o for o in openapi.declared(world.app) if "{attempt_id}" in o.path]
    assert len(found) >= 4
    return found


def tried(operation: Operation, quiz: Quiz, attempt: dict[str, Any], attempt_id: str) -> Any:
    bodies: dict[str, Any] = {
        "save_answers": {"answers": quiz.answers(attempt, seq=9)},
        "submit_attempt": {"answers": quiz.answers(attempt, seq=9)},
    }
    path = operation.path.format(attempt_id=attempt_id)
    body = {"json": bodies.get(operation.name, {})} if operation.writes else {}
    return operation.method, path, body


@pytest.mark.parametrize("state", ["running", "submitted"])
def test_p21_anothers_attempt_does_not_exist(world: World, state: str) -> None:
    quiz = a_quiz(world, review="immediate")
    branch_id = world.a_branch(kind="union")
    owner = world.a_member(branches=(branch_id,))
    attempt = quiz.start(owner)
    owner.put(f"/attempts/{attempt['id']}/answers", {"answers": quiz.answers(attempt)[:1]})
    if state == "submitted":
        owner.post(f"/attempts/{attempt['id']}/submit", {})
    before = stored(world, attempt["id"])
    for name, person in others(world, quiz, branch_id).items():
        for operation in of_attempts(world):
            method, path, body = tried(operation, quiz, attempt, attempt["id"])
            reply = person.request(method, path, **body)
            assert reply.status_code == 404, (name, method, path, reply.get_json())
            unknown = person.request(*tried(operation, quiz, attempt, NOBODY)[:2], **body)
            assert without_ids(unknown) == without_ids(reply), "the refusal tells that it exists"
    assert stored(world, attempt["id"]) == before


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer x.y.z", "Basic YTpi", "expired"])
def test_p21_without_a_token_it_is_401(world: World, header: str | None) -> None:
    quiz = a_quiz(world)
    owner = world.a_member()
    attempt = quiz.start(owner)
    if header == "expired":
        header = f"Bearer {owner.token}"
        world.move_clock(hours=1)
        auth.forget()
    for operation in of_attempts(world):
        method, path, body = tried(operation, quiz, attempt, attempt["id"])
        headers = {} if header is None else {"Authorization": header}
        reply = world.client.open(f"/api/v1{path}", method=method, headers=headers, **body)
        assert reply.status_code == 401, (method, path)
        assert reply.headers["WWW-Authenticate"].startswith("Bearer")


def stored(world: World, attempt_id: str) -> dict[str, Any]:
    with world.looking() as session:
        statement = sa.select(Attempt.__table__).where(Attempt.id == attempt_id)
        return dict(session.execute(statement).one()._mapping)


def without_ids(reply: Any) -> dict[str, Any]:
    return {k: v for k, v in reply.get_json().items() if k != "request_id"}
