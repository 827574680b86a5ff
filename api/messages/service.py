"""Sending to the inbox, and marking as read."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from api.core import clock, db
from api.core.i18n import LANGUAGES, Text
from api.messages.models import Message

ROWS_A_STATEMENT = 300


def send(
    member_ids: Sequence[str], *, key: str, kind: str, text: Text, link: str | None = None
) -> None:
    """Put a message into inboxes, in the transaction in force; once for each member and key.

    Parameters of `text` are plain values, names by language, or texts.
    """
    now = clock.now()
    rows = [
        {
            "id": db.new_id(), "member_id": member_id, "key": key, "kind": kind,
            "template": text.template, "params": _plain(text), "link": link,
            "created_at": now,
        }
        for member_id in sorted(set(member_ids))
    ]  # fmt: skip
    for start in range(0, len(rows), ROWS_A_STATEMENT):
        statement = db.insert(Message).values(rows[start : start + ROWS_A_STATEMENT])
        keys = ["member_id", "key"]
        db.connection().execute(statement.on_conflict_do_nothing(index_elements=keys))


def _plain(text: Text) -> dict[str, Any]:
    """The parameters of a text as they are stored; a text among them by language."""
    return {
        name: {language: value.in_language(language) for language in LANGUAGES}
        if isinstance(value, Text)
        else value
        for name, value in text.params.items()
    }


def mark_read(member_id: str, ids: Sequence[str] | None, up_to: str | None = None) -> int:
    """Mark some of a member's messages as read, or those up to one, or all.

    Returns how many were unread.
    """
    statement = sa.update(Message).where(Message.member_id == member_id, Message.read_at.is_(None))
    if ids is not None:
        statement = statement.where(Message.id.in_(ids))
    if up_to is not None:
        # Ids begin with the time they were made at: what came since isn't marked.
        statement = statement.where(Message.id <= up_to)
    return int(db.connection().execute(statement.values(read_at=clock.now())).rowcount)
