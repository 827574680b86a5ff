"""What points do when something was announced."""

from collections.abc import Sequence

from api.core import db
from api.org.events import MembershipChanged, MemberShown
from api.points import adapters
from api.points.events import BoardsTouched, PointsCredited
from api.points.queries import totals as queries
from api.points.service import totals
from api.points.service.boards import note_names


def on_credits(batch: Sequence[PointsCredited]) -> None:
    """Add credits to the totals (in the drain's transaction)."""
    totals.add(batch)


def on_memberships(batch: Sequence[MembershipChanged]) -> None:
    """Branches have other heads now: their means change."""
    totals.recount_branches({event.branch_id for event in batch})


def on_shown(batch: Sequence[MemberShown]) -> None:
    """Show people as they want to be shown from now on, hidden ones without a name."""
    with db.reading():
        names = queries.names(queries.PEOPLE, sorted({event.member_id for event in batch}))
    adapters.store_names(names)


def on_boards(batch: Sequence[BoardsTouched]) -> None:
    """Push absolute totals and names to Valkey; outside any transaction, harmless to repeat."""
    touched: dict[tuple[str, str], set[str]] = {}
    for event in batch:
        touched.setdefault((event.board, event.period), set()).update(event.subject_ids)
    for (board, period), subjects in sorted(touched.items()):
        with db.reading():
            scores = queries.scores_of(board, period, sorted(subjects))
            names = queries.names(board, sorted(subjects))
        adapters.push(board, period, scores)
        note_names(board, names)
