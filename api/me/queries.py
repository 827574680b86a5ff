"""What crosses all domains for one person."""

from typing import Any

from api.badges import queries as badge_queries
from api.contests.queries import contests as contest_queries
from api.core import clock
from api.messages import queries as message_queries
from api.points.service import boards

CONTESTS_SHOWN = 10
BADGES_SHOWN = 3


def home(member_id: str, language: str) -> dict[str, Any]:
    """HomeOut: the first screen in one call."""
    now = clock.now()
    return {
        "contests": [
            _contest(row) for row in contest_queries.open_for(member_id, now, CONTESTS_SHOWN)
        ],
        "points": boards.home(member_id),
        "unread": message_queries.unread_count(member_id),
        "badges": badge_queries.newest(member_id, language, BADGES_SHOWN),
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
