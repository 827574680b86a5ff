"""P3: every write of the OpenAPI document, sent twice and twice at once, never gives 5xx."""

import json
from functools import partial

import pytest
from werkzeug.test import TestResponse

from api.app import ROUTES
from api.core import limits, openapi
from api.core.auth import Grant
from api.core.http import Operation
from tests.factories import Person, World
from tests.promises.place import Place, a_place
from tests.promises.requests import REQUESTS, by_key, key_of, send
from tests.promises.rounds import at_once, rounds
from tests.promises.tables import by_tag

WRITES = sorted(key_of(o) for routes in ROUTES for o in routes.operations if o.writes)
# What a second sending may find: signed out, gone, done, changed, used.
USED_UP = {401, 404, 409, 412, 422}


@pytest.fixture
def place(world: World) -> Place:
    return a_place(world, "P1")


def sender(place: Place, operation: Operation) -> Person:
    """Somebody who may: a role of the operation's own over everything, or an employee."""
    role = "admin" if "admin" in operation.who else next(iter(operation.who), "employee")
    if role == "employee":
        return place.somebody()
    return place.somebody(grants=(Grant(role),))


def test_p03_every_write_of_the_document_is_tried(world: World) -> None:
    paths = json.loads(openapi.rendered(world.app))["paths"]
    written = {
        f"{method.upper()} {path.removeprefix('/api/v1')}"
        for path, methods in paths.items()
        for method in methods
        if method not in ("get", "head", "parameters")
    }
    assert sorted(written) == WRITES
    assert set(by_key(world.app)) <= set(REQUESTS)


# Whose plausible request is refused: nobody knows the password, or no token is at hand.
HOLLOW = {"POST /auth/login", "POST /auth/refresh", "POST /me/password"}
GROUPS = by_tag(lambda operation: operation.writes)


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("keyed", [False, True])
def test_p03_sent_twice(place: Place, group: list[Operation], keyed: bool) -> None:
    for operation in group:
        limits.buckets.clear()
        person = sender(place, operation)
        request = REQUESTS[key_of(operation)](place, person)
        headers = {"Idempotency-Key": f"twice-{person.number}"} if keyed else {}
        first = send(person, operation, request, place, **headers)
        second = send(person, operation, request, place, **headers)
        assert succeeds(operation, first), (key_of(operation), first.get_json())
        assert second.status_code < 300 or second.status_code in USED_UP | {first.status_code}
        if keyed and operation.idempotent:
            assert second.status_code == first.status_code
            assert second.get_json() == first.get_json()
            assert second.headers["Idempotency-Replayed"] == "true"


def succeeds(operation: Operation, reply: TestResponse) -> bool:
    return reply.status_code < (500 if key_of(operation) in HOLLOW else 300)


@pytest.mark.parametrize("group", GROUPS)
def test_p03_sent_twice_at_once(place: Place, group: list[Operation]) -> None:
    for operation in group * rounds(2, 30):
        limits.buckets.clear()
        person = sender(place, operation)
        request = REQUESTS[key_of(operation)](place, person)
        act = partial(send, person, operation, request, place)
        replies = at_once([act] * 3)
        told = [(reply.status_code, reply.get_json(silent=True)) for reply in replies]
        assert all(status < 500 for status, _body in told), (key_of(operation), told)
        assert any(succeeds(operation, reply) for reply in replies), (key_of(operation), told)
