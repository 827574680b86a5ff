"""Remembering facts and giving badges for them, once."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from api.badges import queries, rules
from api.badges.events import BadgeAwarded
from api.badges.models import Badge, BadgeAward, BadgeFact
from api.core import clock, db, events
from api.core.i18n import _
from api.messages import service as messages

PRESETS = Path(__file__).parent / "presets" / "badges.json"
MEMBERS_A_STATEMENT = 400


def install_presets() -> None:
    """Add the badges every installation starts with; those already there stay as they are."""
    for preset in json.loads(PRESETS.read_text(encoding="utf-8")):
        rules.parse(preset["rule"])
        values = {"id": db.new_id(), "active": True, "version": 1, **preset}
        statement = db.insert(Badge).values(values)
        db.connection().execute(statement.on_conflict_do_nothing(index_elements=["code"]))


def remember(facts: Sequence[dict[str, Any]]) -> None:
    """Store facts; one that is known by kind and reference is left alone."""
    if facts:
        statement = db.insert(BadgeFact).values(list(facts))
        keys = ["kind", "reference"]
        db.connection().execute(statement.on_conflict_do_nothing(index_elements=keys))


def give(fact: str, member_ids: Sequence[str]) -> int:
    """Give what these members have earned by a kind of fact; returns how many badges are new."""
    members = sorted(set(member_ids))
    given = 0
    for badge, rule in queries.active(fact):
        for start in range(0, len(members), MEMBERS_A_STATEMENT):
            earned = queries.reached(rule, members[start : start + MEMBERS_A_STATEMENT])
            given += _award(badge, earned)
    return given


def _award(badge: Badge, earned: Sequence[tuple[str, str]]) -> int:
    if not earned:
        return 0
    now = clock.now()
    rows = [
        {"id": db.new_id(), "badge_id": badge.id, "member_id": m, "period": p, "awarded_at": now}
        for m, p in earned
    ]
    statement = db.insert(BadgeAward).values(rows)
    keys = ["badge_id", "member_id", "period"]
    statement = statement.on_conflict_do_nothing(index_elements=keys)
    award = BadgeAward.__table__.c
    fresh = db.connection().execute(statement.returning(award.member_id, award.period)).all()
    for period in {row.period for row in fresh}:
        _tell(badge, [row.member_id for row in fresh if row.period == period], period)
    events.emit(*(BadgeAwarded(badge.code, row.member_id, row.period, now) for row in fresh))
    return len(fresh)


def _tell(badge: Badge, member_ids: Sequence[str], period: str) -> None:
    text = _("You got the badge {badge}.", badge=badge.title)
    messages.send(
        member_ids, key=f"badge:{badge.id}:{period}", kind="badge", text=text, link="/me/badges"
    )
