"""The checked-in tables of roles: which operation, and which field of which reply.

`python -m tests.promises.tables` writes both anew; what changed shows in the difference.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import marshmallow as ma
import pytest
from marshmallow import fields

from api.app import ROUTES
from api.cli import role_table
from api.core.auth import ROLES
from api.core.http import Operation

OPERATIONS = Path(__file__).with_name("operations.csv")
FIELDS = Path(__file__).with_name("fields.csv")


def declared() -> list[Operation]:
    return [operation for routes in ROUTES for operation in routes.operations]


def by_tag(wanted: Callable[[Operation], object] = lambda _operation: True) -> list[Any]:
    """The wanted operations in groups: one database for each is enough, and a failure names its
    operation all the same.  Ready for `pytest.mark.parametrize`."""
    groups: dict[str, list[Operation]] = {}
    for operation in sorted(declared(), key=lambda o: (o.path, o.method)):
        if wanted(operation):
            groups.setdefault(operation.tag, []).append(operation)
    return [pytest.param(group, id=tag.replace(" ", "-")) for tag, group in groups.items()]


def operation_lines() -> list[str]:
    return role_table(declared())


def field_lines() -> list[str]:
    """Field by field of every reply, who can be given it ("x"): a field not here is not given."""
    lines = ["method,path,field,anyone," + ",".join(ROLES)]
    for operation in sorted(declared(), key=lambda o: (o.path, o.method)):
        for name in sorted(fields_of(operation.reply)):
            cells = ["" if operation.who else "x", *(_cell(operation, role) for role in ROLES)]
            lines.append(",".join([operation.method, operation.path, name, *cells]))
    return lines


def _cell(operation: Operation, role: str) -> str:
    open_to_all = not operation.who or "employee" in operation.who
    return "x" if open_to_all or role in operation.who else ""


def fields_of(schema: ma.Schema | None, prefix: str = "") -> Iterator[str]:
    """The paths of all fields of a reply: "items[].name"."""
    for name, field in (schema.fields if schema else {}).items():
        inner, mark = field, ""
        if isinstance(field, fields.List):
            inner, mark = field.inner, "[]"
        if isinstance(inner, fields.Nested):
            yield from fields_of(inner.schema, f"{prefix}{name}{mark}.")
        else:
            yield f"{prefix}{name}{mark}"


def undeclared(value: Any, schema: ma.Schema, prefix: str = "") -> Iterator[str]:
    """The paths of what stands in a reply though its schema doesn't declare it, and of what is
    declared as always there and is missing."""
    yield from (f"{prefix}{name} is not declared" for name in value if name not in schema.fields)
    for name, field in schema.fields.items():
        if name not in value:
            if field.required:
                yield f"{prefix}{name} is missing"
            continue
        inner: Any = field.inner if isinstance(field, fields.List) else field
        if isinstance(inner, fields.Nested) and value[name] is not None:
            parts = value[name] if isinstance(field, fields.List) else [value[name]]
            for part in parts:
                yield from undeclared(part, inner.schema, f"{prefix}{name}.")


def main() -> None:
    OPERATIONS.write_text("\n".join(operation_lines()) + "\n")
    FIELDS.write_text("\n".join(field_lines()) + "\n")


if __name__ == "__main__":
    main()
