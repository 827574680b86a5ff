"""Making boards anew: in Valkey from the totals, and totals from the ledger, a chunk at a time."""

from collections.abc import Callable
from datetime import datetime, time, timedelta

import sqlalchemy as sa

from api.core import clock, db
from api.points import adapters
from api.points.models import PointEntry
from api.points.queries import catalogue, views
from api.points.queries import totals as queries
from api.points.rules.boards import Place
from api.points.rules.periods import ALL_TIME, span
from api.points.service.boards import note_labels

ROWS_A_STEP = 2000
MEMBERS_A_STEP = 50
DAY_S = 24 * 3600
_entry = PointEntry.__table__.c


def present() -> list[Place]:
    """The whole boards of the periods under way."""
    with db.reading():
        keys = [key for key in views.KEYS if key not in catalogue.switched_off()]
        return [Place(key, period) for key in keys for period in views.under_way(key)]


def rebuild(place: Place, tell: Callable[[int], None] = lambda _rows: None) -> int:
    """Rebuild one board at once, telling how many rows each chunk brought; returns how many it
    has.  Raises ValkeyDown."""
    token, after, count = adapters.begin_rebuild(place), None, 0
    while scores := chunk(place, after):
        adapters.add_chunk(place, token, dict(scores))
        after, count = scores[-1][0], count + len(scores)
        tell(len(scores))
    adapters.finish_rebuild(place, token, needed_s=needed_s(place))
    return count


def chunk(place: Place, after: str | None) -> list[tuple[str, int]]:
    """The next packed scores of a board; their labels are noted on the way.  Raises ValkeyDown."""
    with db.reading():
        scores = queries.next_scores(place, after, ROWS_A_STEP)
        labels = queries.labels(place, [subject_id for subject_id, _score in scores])
    note_labels(place, labels)
    return scores


def needed_s(place: Place) -> int | None:
    """How long a board is kept: all time for good, a whole board of a period under way until a day
    after its end, any other as long as it is asked for (None)."""
    if place.scope:
        return None
    if place.period == ALL_TIME:
        return 0
    with db.reading():
        days = span(place.period, catalogue.seasons())
    if days is None or not days[0] <= catalogue.today() <= days[1]:
        return None
    end = datetime.combine(days[1] + timedelta(days=1), time(), catalogue.zone())
    return int((end - clock.now()).total_seconds()) + DAY_S


def next_members(after: str | None) -> list[str]:
    """Some members with a ledger, in the order of their ids; inside a transaction or view."""
    statement = sa.select(_entry.member_id).distinct().order_by(_entry.member_id)
    if after:
        statement = statement.where(_entry.member_id > after)
    return list(db.connection().scalars(statement.limit(MEMBERS_A_STEP)))


def count_members() -> int:
    """How many members have a ledger; inside a transaction or view."""
    counted = sa.select(sa.func.count(sa.distinct(_entry.member_id)))
    return int(db.connection().scalar(counted) or 0)
