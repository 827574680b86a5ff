"""P33: the tables role × operation × own/other subtree and role × field are complete, checked in,
and what the running system really does."""

from typing import Any

import pytest
from werkzeug.test import TestResponse

from api.core import auth, limits
from api.core.auth import ROLES, Grant
from api.core.http import Operation
from tests.factories import Person, World
from tests.promises import tables
from tests.promises.digests import digest
from tests.promises.place import Place, a_place
from tests.promises.requests import REQUESTS, Request, key_of, send

# Objects that belong to one person: nobody else is told that they exist.
PERSONAL = ("{attempt_id}", "{job_id}", "{file_id}", "{session_id}")
# Whose plausible request is refused for a reason of its own.
HOLLOW = {"POST /auth/login": 401, "POST /auth/refresh": 401, "POST /me/password": 403}


def test_p33_the_table_of_operations_is_the_checked_in_one() -> None:
    assert tables.OPERATIONS.read_text().splitlines() == tables.operation_lines()


def test_p33_the_table_of_fields_is_the_checked_in_one() -> None:
    assert tables.FIELDS.read_text().splitlines() == tables.field_lines()


def cells() -> dict[str, dict[str, str]]:
    """The checked-in table: operation → role → "own", "all" or "" (anyone: the role "anyone")."""
    header, *lines = tables.OPERATIONS.read_text().splitlines()
    names = header.split(",")[2:]
    return {
        f"{line.split(',')[0]} {line.split(',')[1]}": dict(
            zip(names, line.split(",")[2:], strict=True)
        )
        for line in lines
    }


@pytest.fixture
def here(world: World) -> Place:
    return a_place(world, "HERE")


@pytest.fixture
def there(world: World) -> Place:
    return a_place(world, "THERE")


@pytest.mark.parametrize("group", tables.by_tag())
def test_p33_every_role_may_do_what_the_table_says(
    here: Place, there: Place, group: list[Operation]
) -> None:
    for operation in group:
        table = cells()[key_of(operation)]
        limits.buckets.clear()
        refused_here = [role for role in ROLES if not may_here(operation, table[role])]
        refused_there = [role for role in ROLES if table[role] in ("", "own")]
        refused(here, operation, here, refused_here)
        refused(here, operation, there, refused_there)
        for role in ROLES:
            if role not in refused_here:
                done(here, operation, a_holder(here, role))
            elif table[role]:
                done(here, operation, here.somebody(grants=(Grant(role),)))
            if table[role] == "all":
                elsewhere(here, operation, there, role)


def may_here(operation: Operation, cell: str) -> bool:
    """Whether a role held over a company is enough for an object of that company."""
    return cell == "all" or (cell == "own" and operation.over is not auth.everywhere)


def a_holder(place: Place, role: str) -> Person:
    """Somebody new for each act: signing out, for one, would spoil a person for the next."""
    grants = () if role == "employee" else (place.grant(role),)
    return place.somebody(grants=grants)


def refused(here: Place, operation: Operation, where: Place, roles: list[str]) -> None:
    """None of the roles, held here, may do it to an object that stands `where`."""
    owner = where.holder("employee")
    tries = [(a_holder(here, role), REQUESTS[key_of(operation)](where, owner)) for role in roles]
    if not tries:
        return
    before = digest(here.world)
    for role, (person, request) in zip(roles, tries, strict=True):
        reply = send(person, operation, request, where)
        expected = 404 if operation.hidden and role in operation.who else 403
        assert reply.status_code == expected, told(role, operation, reply)
        assert reply.get_json()["code"] in ("forbidden", "not-found")
    assert digest(here.world) == before, "a refusal changed something"


def done(place: Place, operation: Operation, person: Person) -> None:
    """Whoever may does it, and is given what the reply's schema declares."""
    request = REQUESTS[key_of(operation)](place, person)
    reply = send(person, operation, request, place)
    wanted = HOLLOW.get(key_of(operation))
    if wanted:
        assert reply.status_code == wanted, told("", operation, reply)
        return
    assert reply.status_code == (operation.status if reply.data else 204), told(
        person.grants, operation, reply
    )
    if operation.reply and operation.media == "application/json" and operation.reply.fields:
        assert list(tables.undeclared(reply.get_json(), operation.reply)) == []


def elsewhere(here: Place, operation: Operation, there: Place, role: str) -> None:
    """What isn't bound to a subtree: another's own things don't exist, the rest is no secret."""
    person, owner = a_holder(here, role), there.holder("employee")
    reply = send(person, operation, REQUESTS[key_of(operation)](there, owner), there)
    if any(name in operation.path for name in PERSONAL):
        assert reply.status_code == 404, told(role, operation, reply)
    else:
        assert reply.status_code != 401 or key_of(operation) in HOLLOW
        assert reply.status_code < 500
        assert not reply.is_json or reply.get_json().get("code") != "forbidden"


def told(who: Any, operation: Operation, reply: TestResponse) -> tuple[Any, ...]:
    return who, key_of(operation), reply.status_code, reply.get_json(silent=True)


@pytest.mark.parametrize("group", tables.by_tag())
def test_p33_without_a_token_only_what_is_for_anyone(here: Place, group: list[Operation]) -> None:
    for operation in group:
        request: Request = REQUESTS[key_of(operation)](here, here.holder("employee"))
        before = digest(here.world)
        reply = send(None, operation, request, here)
        if cells()[key_of(operation)]["anyone"]:
            assert reply.status_code in (200, 401, 503)
        else:
            assert reply.status_code == 401, key_of(operation)
            assert reply.headers["WWW-Authenticate"].startswith("Bearer")
            assert digest(here.world) == before
