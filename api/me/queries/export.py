"""All data about one person, as one document.

The registry names every table there is: whose rows are about a person, by which column, and what
of them is withheld and why; or why a table says nothing about people.  A table or a column that
isn't named here fails a test.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from api.contests.models import Contest, ContestResult
from api.core import clock, db

_HASHED = "a secret, kept only to check what is entered"
_GATED = "shown by the review and the results, when the organiser's rule allows it"
_TRANSPORT = "kept for some hours so that nothing is done twice"


@dataclass(frozen=True, slots=True)
class About:
    """Rows that are about the person in column `owner`; `withheld`: why, by column."""

    owner: str
    withheld: Mapping[str, str] = field(default_factory=dict)


_WITHHELD_OF_ATTEMPTS = dict.fromkeys(
    ("layout", "marks", "outcome", "score_hundredths", "max_hundredths"), _GATED
)
PERSONAL: dict[str, About] = {
    "members": About("id", {"password_hash": _HASHED, "one_time_hash": _HASHED}),
    "memberships": About("member_id"),
    "team_members": About("member_id"),
    "role_grants": About("member_id"),
    "sign_in_sessions": About("member_id"),
    "messages": About("member_id"),
    "point_facts": About("member_id"),
    "point_entries": About("member_id"),
    "board_totals": About("subject_id"),
    "board_parts": About("member_id"),
    "attempts": About("member_id", _WITHHELD_OF_ATTEMPTS),
    "contest_results": About("member_id"),
    "badge_facts": About("member_id"),
    "badge_awards": About("member_id"),
    "stored_files": About("owner_id"),
    "audit_lines": About("actor_id"),
    "jobs": About(
        "member_id",
        dict.fromkeys(("args", "cursor", "result", "errors"), "may name other people")
        | dict.fromkeys(("runner", "lease_until"), "which process works on it"),
    ),
}
_STRUCTURE = "the organisation's structure"
_RULES = "what the organisation laid down"
_BOOKKEEPING = "bookkeeping of the programs"
IMPERSONAL: dict[str, str] = {
    "units": _STRUCTURE, "branches": _STRUCTURE, "organizing_bodies": _STRUCTURE,
    "teams": _STRUCTURE, "badges": _RULES, "point_rules": _RULES, "boards": _RULES,
    "board_seasons": _RULES, "question_banks": _RULES, "questions": _RULES,
    "question_versions": _RULES, "contests": _RULES, "contest_audience_units": _RULES,
    "contest_branch_results": "sums over branches", "leases": _BOOKKEEPING,
    "outbox": _TRANSPORT, "idempotent_replies": _TRANSPORT, "revocations": _TRANSPORT,
}  # fmt: skip


def document(member_id: str) -> dict[str, Any]:
    """{"made_at", "member_id", "withheld": {table: {column: why}}, "data": {table: [row, ...]}}."""
    return {
        "made_at": clock.now(),
        "member_id": member_id,
        "withheld": {name: dict(about.withheld) for name, about in PERSONAL.items()},
        "data": {name: _rows(name, about, member_id) for name, about in PERSONAL.items()},
    }


def _rows(name: str, about: About, member_id: str) -> list[dict[str, Any]]:
    table = db.Base.metadata.tables[name]
    shown = [column for column in table.c if column.name not in about.withheld]
    statement = sa.select(*shown).where(table.c[about.owner] == member_id)
    if name == ContestResult.__tablename__:
        statement = statement.where(_released(table.c))
    rows = db.connection().execute(statement.order_by(*table.primary_key))
    return [dict(row) for row in rows.mappings()]


def _released(result: Any) -> sa.ColumnElement[bool]:
    """Results are one's own to read once they are released, and of the version in force."""
    contest = Contest.__table__.c
    return sa.exists(
        sa.select(sa.literal(1)).where(
            contest.id == result.contest_id,
            contest.results_version == result.results_version,
            contest.released_at.is_not(None),
        )
    )
