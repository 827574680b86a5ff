"""Reading the inbox."""

from typing import Any

import sqlalchemy as sa

from api.core import pages
from api.core.i18n import Text
from api.messages.models import Message

_message = Message.__table__.c
_MEMBER = sa.bindparam("member", type_=_message.member_id.type)
# How many messages a member hasn't read.
UNREAD = (
    sa.select(sa.func.count())
    .where(_message.member_id == _MEMBER, _message.read_at.is_(None))
    .scalar_subquery()
)


def inbox(
    member_id: str, language: str, *, unread: bool, limit: int, cursor: str | None
) -> dict[str, Any]:
    """A page of a member's messages, newest first, in the reader's language."""
    statement = sa.select(Message).where(Message.member_id == member_id)
    if unread:
        statement = statement.where(Message.read_at.is_(None))
    return pages.page(
        statement,
        [Message.__table__.c.id],
        limit=limit,
        cursor=cursor,
        descending=True,
        show=lambda row: _view(row, language),
    )


def _view(row: Message, language: str) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "text": Text(row.template, row.params).in_language(language),
        "link": row.link,
        "created_at": row.created_at,
        "read_at": row.read_at,
    }
