"""Long work of contests."""

from contextlib import suppress

from api.contests.queries import contests as queries
from api.contests.service import finishing, imports, results
from api.contests.service.contests import WrongState
from api.core import clock, db
from api.core.jobs import Kind

SETTLE = Kind(
    results.KIND, prepare=lambda _job: None, apply=lambda job, _prepared: results.step(job)
)
IMPORT = Kind(imports.KIND, prepare=imports.prepare, apply=imports.apply)


def close_overdue() -> int:
    """Close attempts past their deadline, in short transactions; returns how many."""
    closed = 0
    while True:
        with db.transaction():
            batch = finishing.close_overdue()
        closed += batch
        if batch == 0:
            return closed


def settle_due() -> int:
    """Start settling contests past their close; returns how many."""
    with db.reading():
        due = queries.to_settle(clock.now())
    for contest_id in due:
        # Somebody may settle by hand at the same moment; then there is nothing left to do.
        with suppress(WrongState), db.transaction():
            results.start(contest_id, None)
    return len(due)
