"""P3: every write of the OpenAPI document, sent twice and twice at once, never gives 5xx."""

import json

import pytest

from api.app import ROUTES
from api.core import openapi
from api.core.auth import Grant
from api.core.http import Operation
from tests.factories import Person, World
from tests.promises.place import Place, a_place
from tests.promises.requests import REQUESTS, by_key, key_of, send
from tests.promises.rounds import at_once, rounds

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


@pytest.mark.parametrize("key", WRITES)
def test_p03_sent_twice(place: Place, key: str) -> None:
    operation = by_key(place.world.app)[key]
    for keyed in (False, True):
        person = sender(place, operation)
        request = REQUESTS[key](place, person)
        headers = {"Idempotency-Key": f"twice-{person.number}"} if keyed else {}
        first = send(person, operation, request, place, **headers)
        second = send(person, operation, request, place, **headers)
        assert first.status_code < 300 or key in HOLLOW, first.get_json()
        assert second.status_code < 300 or second.status_code in USED_UP | {first.status_code}
        if keyed and operation.idempotent:
            assert second.status_code == first.status_code
            assert second.get_json() == first.get_json()
            assert second.headers["Idempotency-Replayed"] == "true"


# Whose plausible request is refused: nobody knows the password, or no token is at hand.
HOLLOW = {"POST /auth/login", "POST /auth/refresh", "POST /me/password"}


@pytest.mark.parametrize("key", WRITES)
def test_p03_sent_twice_at_once(place: Place, key: str) -> None:
    operation = by_key(place.world.app)[key]
    for _round in range(rounds(2, 30)):
        person = sender(place, operation)
        request = REQUESTS[key](place, person)
        replies = at_once([lambda: send(person, operation, request, place)] * 3)  # noqa: B023
        statuses = [reply.status_code for reply in replies]
        assert max(statuses) < 500, statuses
        assert min(statuses) < 300 or key in HOLLOW, [r.get_json() for r in replies]
