"""P32: mass assignment is impossible: a field that a body doesn't declare is refused."""

import copy
from collections.abc import Iterator
from typing import Any

import marshmallow as ma
import pytest
from marshmallow import fields

from api.app import ROUTES
from api.core.auth import Grant
from tests.factories import World
from tests.promises.digests import digest
from tests.promises.place import a_place
from tests.promises.requests import REQUESTS, Request, by_key, key_of, send

SMUGGLED: dict[str, Any] = {
    "role": "admin",
    "points": 1000,
    "status": "active",
    "owner_id": "00000000-0000-7000-8000-000000000001",
    "score": 100,
    "id": "00000000-0000-7000-8000-000000000001",
    "version": 9,
    "__proto__": {},
}
BODIES = sorted(key_of(o) for routes in ROUTES for o in routes.operations if o.body)


@pytest.mark.parametrize("key", BODIES)
def test_p32_an_undeclared_field_is_refused(world: World, key: str) -> None:
    operation = by_key(world.app)[key]
    place = a_place(world, "P1")
    grants = tuple(Grant(role) for role in operation.who if role != "employee")
    person = place.somebody(grants=grants)
    request = REQUESTS[key](place, person)
    assert operation.body is not None
    before = digest(world)
    tried = 0
    for name, value in SMUGGLED.items():
        for where, body in smuggled(operation.body, request.body or {}, name, value):
            tried += 1
            reply = send(person, operation, Request(request.ids, request.query, body), place)
            assert reply.status_code == 422, (where, reply.get_json())
            assert [e["field"] for e in reply.get_json()["errors"]] == [where]
    assert tried >= len(SMUGGLED) - len(set(SMUGGLED) & set(operation.body.fields))
    assert digest(world) == before


def smuggled(
    schema: ma.Schema, body: dict[str, Any], name: str, value: Any, path: str = ""
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Copies of a body with one more field: in itself, and in each object inside it."""
    if name not in schema.fields:
        yield f"{path}{name}", {**body, name: value}
    for inner_name, inner in body.items():
        nested = nested_schema(schema.fields.get(inner_name))
        if nested is None:
            continue
        objects = inner if isinstance(inner, list) else [inner]
        for index, part in enumerate(objects):
            place = f"{path}{inner_name}." + (f"{index}." if isinstance(inner, list) else "")
            for where, changed in smuggled(nested, part, name, value, place):
                whole = copy.deepcopy(body)
                if isinstance(inner, list):
                    whole[inner_name][index] = changed
                else:
                    whole[inner_name] = changed
                yield where, whole


def nested_schema(field: Any) -> ma.Schema | None:
    if isinstance(field, fields.List):
        field = field.inner
    return field.schema if isinstance(field, fields.Nested) else None


@pytest.mark.parametrize(
    "key", sorted(key_of(o) for r in ROUTES for o in r.operations if not o.body and not o.upload)
)
def test_p32_an_undeclared_query_is_refused(world: World, key: str) -> None:
    operation = by_key(world.app)[key]
    place = a_place(world, "P1")
    grants = tuple(Grant(role) for role in operation.who if role != "employee")
    person = place.somebody(grants=grants)
    request = REQUESTS[key](place, person)
    before = digest(world)
    reply = send(person, operation, Request(request.ids, {"owner_id": "x"} | request.query), place)
    assert reply.status_code == 422, reply.get_json()
    assert "owner_id" in [e["field"] for e in reply.get_json()["errors"]]
    assert digest(world) == before
