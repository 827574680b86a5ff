"""What points do when something was announced."""

from collections import defaultdict
from collections.abc import Sequence

from api.core import db
from api.org.events import MembershipChanged, MemberShown
from api.points import adapters
from api.points.events import BoardsTouched, BranchesTouched, PointsCredited
from api.points.queries import totals as queries
from api.points.rules.boards import PEOPLE, Place
from api.points.rules.periods import ALL_TIME
from api.points.service import branches, totals
from api.points.service.boards import note_labels


def on_ledger(batch: Sequence[PointsCredited | MembershipChanged]) -> None:
    """Keep totals and parts beside the ledger (in the drain's transaction)."""
    totals.follow(batch)


def on_branches(batch: Sequence[BranchesTouched]) -> None:
    """Make branch totals of their people's parts."""
    branches.follow(batch)


def on_shown(batch: Sequence[MemberShown]) -> None:
    """Show people as they want to be shown from now on, hidden ones without a name."""
    place = Place(PEOPLE, ALL_TIME)
    with db.reading():
        labels = queries.labels(place, sorted({event.member_id for event in batch}))
    adapters.store_labels(place, labels)


def on_boards(batch: Sequence[BoardsTouched]) -> None:
    """Push absolute totals and names to Valkey; outside any transaction, harmless to repeat."""
    touched: dict[Place, set[str]] = defaultdict(set)
    for event in batch:
        touched[Place(event.board, event.period)].update(event.subject_ids)
    places = sorted(touched, key=lambda place: (place.board, place.period))
    for place, (whole, scopes) in zip(places, adapters.written(places), strict=True):
        if whole or scopes:
            _push(place, sorted(touched[place]), scopes, whole=whole)


def _push(place: Place, subject_ids: list[str], scopes: list[str], *, whole: bool) -> None:
    with db.reading():
        scores = queries.scores_of(place, subject_ids) if whole else {}
        labels = queries.labels(place, subject_ids)
        scoped = queries.scoped_scores(place, scopes, subject_ids) if scopes else {}
    if whole:
        adapters.push(place, {subject_id: scores.get(subject_id) for subject_id in subject_ids})
    for scope, within in scoped.items():
        adapters.push(Place(place.board, place.period, scope), within)
    note_labels(place, labels)
