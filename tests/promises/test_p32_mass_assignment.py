"""P32: mass assignment is impossible: a field that a body doesn't declare is refused."""

import copy
from collections.abc import Iterator
from typing import Any

import marshmallow as ma
import pytest
from marshmallow import fields

from api.core import limits
from api.core.auth import Grant
from api.core.http import Operation
from tests.factories import Person, World
from tests.promises.digests import digest
from tests.promises.place import Place, a_place
from tests.promises.requests import REQUESTS, Request, key_of, send
from tests.promises.tables import by_tag

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


@pytest.mark.parametrize("group", by_tag(lambda operation: operation.body))
def test_p32_an_undeclared_field_is_refused(world: World, group: list[Operation]) -> None:
    place = a_place(world, "P1")
    for operation in group:
        schema = operation.body
        assert schema is not None
        person, request = ready(place, operation)
        before = digest(world)
        tried = 0
        for name, value in SMUGGLED.items():
            for where, body in smuggled(schema, request.body or {}, name, value):
                tried += 1
                reply = send(person, operation, Request(request.ids, request.query, body), place)
                assert reply.status_code == 422, (key_of(operation), where, reply.get_json())
                assert [e["field"] for e in reply.get_json()["errors"]] == [where]
        assert tried >= len(SMUGGLED) - len(set(SMUGGLED) & set(schema.fields))
        assert digest(world) == before, key_of(operation)


def ready(place: Place, operation: Operation) -> tuple[Person, Request]:
    """Somebody who may do everything, and a request that would succeed."""
    limits.buckets.clear()
    grants = tuple(Grant(role) for role in operation.who if role != "employee")
    person = place.somebody(grants=grants)
    return person, REQUESTS[key_of(operation)](place, person)


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


@pytest.mark.parametrize("group", by_tag(lambda o: not o.body and not o.upload))
def test_p32_an_undeclared_query_is_refused(world: World, group: list[Operation]) -> None:
    place = a_place(world, "P1")
    for operation in group:
        person, request = ready(place, operation)
        before = digest(world)
        request.query["owner_id"] = "x"
        reply = send(person, operation, request, place)
        assert reply.status_code == 422, (key_of(operation), reply.get_json())
        assert "owner_id" in [e["field"] for e in reply.get_json()["errors"]]
        assert digest(world) == before
