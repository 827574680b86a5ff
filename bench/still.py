"""What workers do, measured in this process before anything is served."""

import time
from collections.abc import Callable, Iterator
from itertools import islice

import sqlalchemy as sa

from api.core import clock, db, events, valkey
from api.points.events import PointsCredited
from api.points.models import PointEntry
from api.points.queries import catalogue
from api.points.rules.boards import PEOPLE, Place
from api.points.rules.packing import PEOPLE as PACKED
from api.points.rules.periods import periods
from api.points.service import rebuilding
from bench.readings import Reading
from bench.stand import Stand

EVENTS = 10_000
CHUNK = 1000
ROUNDS = 3
REACTION = "points.totals"


def drain(stand: Stand) -> list[Reading]:
    """How many events a second the totals' drain applies."""
    with stand.app.app_context():
        announce(stand, EVENTS)
        began = time.monotonic()
        while events.drain(REACTION):
            pass
        seconds = time.monotonic() - began
        while pending := events.pending():
            for name in pending:
                events.drain(name)
    return [
        Reading("outbox events applied", EVENTS / seconds, "/s", "totals", (5000, 5000), least=True)
    ]


def announce(stand: Stand, count: int) -> None:
    """Put `count` credits of nothing into the outbox, in short transactions."""
    month = periods(clock.now(), catalogue.zone()).month
    source = iter(_credits(stand, month, count))
    while chunk := list(islice(source, CHUNK)):
        with db.transaction():
            events.emit(*chunk)


def _credits(stand: Stand, month: str, count: int) -> Iterator[PointsCredited]:
    members, crews = stand.org.members, stand.org.crews
    for n in range(count):
        place = n % len(members)
        unit_id = crews[place % len(crews)]
        yield PointsCredited(members[place], 0, month, clock.now(), unit_id, stand.org.contest)


def rebuild(stand: Stand) -> list[Reading]:
    """A board rebuilt by the product, against one GROUP BY of the ledger and plain ZADDs."""
    with stand.app.app_context():
        month = periods(clock.now(), catalogue.zone()).month
        ours = [_timed(lambda: rebuilding.rebuild(Place(PEOPLE, month))) for _ in range(ROUNDS)]
        plain = [_timed(lambda: _plainly(month)) for _ in range(ROUNDS)]
    note = f"{min(ours):.2f} s against {min(plain):.2f} s"
    return [Reading("rebuild of a board", min(ours) / min(plain), "×", note, (2, 2))]


def _timed(act: Callable[[], object]) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began


def _plainly(month: str) -> None:
    entry = PointEntry.__table__.c
    last = sa.func.max(entry.earned_at)
    statement = (
        sa.select(entry.member_id, sa.func.sum(entry.amount), last)
        .where(entry.month == month)
        .group_by(entry.member_id)
    )
    with db.reading() as conn:
        rows = iter(conn.execute(statement))
        while chunk := list(islice(rows, CHUNK)):
            packed = {
                bytes.fromhex(member.replace("-", "")): PACKED.pack(points, int(at.timestamp()))
                for member, points, at in chunk
            }
            pipe = valkey.client().pipeline(transaction=False)
            for member, score in packed.items():
                pipe.zadd("bench", {member: score})
            pipe.execute()
    valkey.client().delete("bench")


STILL: dict[str, Callable[[Stand], list[Reading]]] = {"drain": drain, "rebuild": rebuild}
