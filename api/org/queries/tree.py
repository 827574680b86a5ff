"""The tree of units."""

from functools import lru_cache
from uuid import UUID

import sqlalchemy as sa

from api.core import db
from api.org.models import Unit


def path_of(unit_id: str) -> tuple[str, ...]:
    """The ids of a unit's ancestors and itself, root first; () for an unknown unit."""
    path = unit_path(unit_id)
    return ids_of_path(path) if path else ()


@lru_cache(maxsize=4096)
def ids_of_path(path: str) -> tuple[str, ...]:
    """The ids that a unit's path lists."""
    return tuple(str(UUID(part)) for part in path.split("/") if part)


def unit_path(unit_id: str) -> str:
    """A unit's path as `Unit.path` holds it; "" for an unknown unit."""
    return db.connection().scalar(sa.select(Unit.path).where(Unit.id == unit_id)) or ""


def paths() -> dict[str, tuple[str, ...]]:
    """For every unit the ids of its ancestors and itself, root first."""
    rows = db.connection().execute(sa.select(Unit.id, Unit.path))
    return {unit_id: ids_of_path(path) for unit_id, path in rows}


def is_in_subtree(unit_id: str, root_unit_id: str) -> bool:
    """Whether a unit is `root_unit_id` or lies below it."""
    return root_unit_id in path_of(unit_id)


def below(path: str) -> sa.ColumnElement[bool]:
    """The units whose path starts with `path`, itself included; none for ""."""
    return Unit.path.startswith(path) if path else sa.false()
