"""Sending to the inbox, and marking as read."""

from collections.abc import Sequence

import sqlalchemy as sa

from api.core import clock, db
from api.core.i18n import Text
from api.messages.models import Message

ROWS_A_STATEMENT = 300


def send(
    member_ids: Sequence[str], *, key: str, kind: str, text: Text, link: str | None = None
) -> None:
    """Put a message into inboxes, in the transaction in force; once for each member and key.

    Parameters of `text` must be plain values, or names by language.
    """
    now = clock.now()
    rows = [
        {
            "id": db.new_id(), "member_id": member_id, "key": key, "kind": kind,
            "template": text.template, "params": dict(text.params), "link": link,
            "created_at": now,
        }
        for member_id in sorted(set(member_ids))
    ]  # fmt: skip
    for start in range(0, len(rows), ROWS_A_STATEMENT):
        statement = db.insert(Message).values(rows[start : start + ROWS_A_STATEMENT])
        keys = ["member_id", "key"]
        db.connection().execute(statement.on_conflict_do_nothing(index_elements=keys))


def mark_read(member_id: str, ids: Sequence[str] | None) -> int:
    """Mark some of a member's messages as read, or all; returns how many were unread."""
    statement = sa.update(Message).where(Message.member_id == member_id, Message.read_at.is_(None))
    if ids is not None:
        statement = statement.where(Message.id.in_(ids))
    return int(db.connection().execute(statement.values(read_at=clock.now())).rowcount)
