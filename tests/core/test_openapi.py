"""The OpenAPI document is fresh, complete and true."""

from pathlib import Path
from typing import Any

import orjson
import pytest
import schemathesis
from flask import Flask

from api.core import openapi
from api.core.http import PREFIX

CHECKED_IN = Path(__file__).parents[2] / "docs" / "openapi.json"


@pytest.fixture
def document(app: Flask) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(openapi.rendered(app))
    return found


def test_the_checked_in_document_is_fresh(app: Flask) -> None:
    """`make openapi` writes it anew."""
    assert CHECKED_IN.read_bytes().rstrip() == openapi.rendered(app).rstrip()


def test_it_has_every_route_and_every_route_has_a_problem(
    app: Flask, document: dict[str, Any]
) -> None:
    declared = {(PREFIX + o.path, o.method.lower()) for o in openapi.declared(app)}
    described = {(path, method) for path, item in document["paths"].items() for method in item}
    assert described == declared
    for path, method in described:
        responses = document["paths"][path][method]["responses"]
        assert any(status.startswith("4") for status in responses), (path, method)
        assert any(status.startswith("2") for status in responses), (path, method)


def test_no_api_route_escapes_the_declaration(app: Flask) -> None:
    declared = {o.name for o in openapi.declared(app)}
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith(PREFIX):
            assert rule.endpoint.rpartition(".")[2] in declared


def test_schemathesis_understands_it(document: dict[str, Any]) -> None:
    schema = schemathesis.openapi.from_dict(document)
    assert sum(1 for _operation in schema.get_all_operations()) == sum(
        len(item) for item in document["paths"].values()
    )
