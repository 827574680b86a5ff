"""Which boards there are: switching them off and on, how branches are compared, named seasons."""

from typing import Any

import sqlalchemy as sa

from api.core import auth, clock, db, jobs
from api.core.errors import Conflict, Stale, invalid
from api.core.i18n import _
from api.points.models import Board, BoardSeason
from api.points.queries import catalogue, views

RECOUNT = "points.recount"


def change(key: str, changes: dict[str, Any], if_match: int) -> Board:
    """Change a board; raises NotFound, Stale.

    Where branches are compared otherwise from now on, the periods under way follow within seconds;
    closed ones keep what they showed.
    """
    values: dict[str, Any] = {**changes, "version": if_match + 1}
    if changes.keys() - {"active"}:
        values["counted_on"] = None
    changed = db.connection().scalar(
        sa.update(Board)
        .where(Board.key == key, Board.version == if_match)
        .values(values)
        .returning(Board.key)
    )
    row = views.settings(key)
    if changed is None:
        raise Stale
    catalogue.forget()
    return row


def add_season(data: dict[str, Any]) -> BoardSeason:
    """A new season; one that has begun is filled from the ledger by a job.

    Raises Invalid, and Conflict for a code that is taken.
    """
    if data["ends_on"] < data["starts_on"]:
        raise invalid("ends_on", _("A season ends on the day it starts or later."))
    values = {
        **data, "created_by": auth.principal().member_id, "created_at": clock.now(),
    }  # fmt: skip
    statement = db.insert(BoardSeason).values(values)
    statement = statement.on_conflict_do_nothing(index_elements=["code"])
    if db.connection().scalar(statement.returning(BoardSeason.code)) is None:
        raise Conflict(_("There is a season of this code."))
    if data["starts_on"] <= catalogue.today():
        jobs.start(RECOUNT, {}, member_id=auth.principal().member_id)
    catalogue.forget()
    return db.session().get_one(BoardSeason, data["code"])
