"""What crosses all domains for one person."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import orjson
import sqlalchemy as sa

from api.badges import queries as badge_queries
from api.contests.queries import contests as contest_queries
from api.core import clock, db
from api.messages import queries as message_queries
from api.points.queries import catalogue, ledger, views
from api.points.service import boards

CONTESTS_SHOWN = 10
BADGES_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Home:
    """What a person's first screen depends on; `marks`: newest ledger line, unread messages,
    badges held, versions of badges."""

    member_id: str
    now: datetime
    contests: list[dict[str, Any]]
    rank: int | None
    marks: tuple[Any, ...]

    def tag(self, language: str) -> str:
        """What stays the same as long as the screen does; far cheaper than the screen itself."""
        rules = [(rule.code, rule.version) for rule in ledger.in_force(self.now)]
        day = self.now.astimezone(catalogue.zone()).date()
        parts = [language, day, self.contests, self.rank, self.marks, rules]
        return hashlib.blake2b(orjson.dumps(parts), digest_size=12).hexdigest()


@cache
def _state() -> sa.Select[Any]:
    """The marks of a member, beside each open contest or once beside none: one statement, because
    a statement costs an unchanged screen more than all the rest."""
    marks = sa.select(
        ledger.LATEST.label("latest"), message_queries.UNREAD.label("unread"),
        badge_queries.HELD[0].label("badges"), badge_queries.HELD[1].label("editions"),
    ).subquery("marks")  # fmt: skip
    opened = contest_queries.open_for().subquery("opened")
    return (
        sa.select(marks, opened)
        .select_from(marks.outerjoin(opened, sa.true()))
        .order_by(opened.c.closes_at, opened.c.id)
    )


def home_of(member_id: str) -> Home:
    """What the member's first screen depends on, in one statement and a trip to Valkey."""
    now = clock.now()
    values = {"member": member_id, "now": now, "most": CONTESTS_SHOWN}
    rows = db.connection().execute(_state(), values).all()
    marks = (rows[0].latest, rows[0].unread, rows[0].badges, rows[0].editions)
    contests = [_contest(row) for row in rows if row.id is not None]
    return Home(member_id, now, contests, boards.rank_this_month(member_id), marks)


def shown(home: Home, language: str) -> dict[str, Any]:
    """HomeOut: the first screen in one call."""
    return {
        "contests": home.contests,
        "points": {
            "period": views.present_month(),
            **ledger.standing(home.member_id, home.now),
            "rank": home.rank,
        },
        "unread": home.marks[1],
        "badges": badge_queries.newest(home.member_id, language, BADGES_SHOWN),
        "votes": [],
    }


def _contest(row: Any) -> dict[str, Any]:
    paper = row.settings["paper"]
    count = paper["count"] if paper["kind"] == "draw" else len(paper["question_ids"])
    return {
        "id": row.id,
        "title": row.title,
        "closes_at": row.closes_at,
        "questions": count,
        "limit_s": row.settings["limit_s"],
        "tries_left": max(0, row.settings["tries"] - row.tries_used),
        "running": bool(row.running),
    }
