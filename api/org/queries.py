"""Reading the organisation."""

from functools import lru_cache
from uuid import UUID

import sqlalchemy as sa

from api.core import db
from api.org.models import Unit


def path_of(unit_id: str) -> tuple[str, ...]:
    """The ids of a unit's ancestors and itself, root first; () for an unknown unit."""
    path = db.connection().scalar(sa.select(Unit.path).where(Unit.id == unit_id))
    return ids_of_path(path) if path else ()


@lru_cache(maxsize=4096)
def ids_of_path(path: str) -> tuple[str, ...]:
    """The ids that a unit's path lists."""
    return tuple(str(UUID(part)) for part in path.split("/") if part)
