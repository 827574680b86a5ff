"""What the database holds, as one comparable value."""

import hashlib
from collections.abc import Collection

import sqlalchemy as sa

from api.core import db
from tests.factories import World

# Who runs what, since when: not what was done.
TRANSPORT = ("jobs", "leases")


def digest(world: World, leave_out: Collection[str] = TRANSPORT) -> dict[str, str]:
    """A hash of all rows of each table, in an order of their own."""
    found = {}
    with world.looking() as session:
        for table in db.Base.metadata.sorted_tables:
            if table.name not in leave_out:
                rows = sorted(repr(tuple(row)) for row in session.execute(sa.select(table)))
                found[table.name] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return found


def counts(world: World, leave_out: Collection[str] = TRANSPORT) -> dict[str, int]:
    """How many rows each table has."""
    with world.looking() as session:
        return {
            table.name: session.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            for table in db.Base.metadata.sorted_tables
            if table.name not in leave_out
        }
