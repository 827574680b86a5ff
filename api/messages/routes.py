"""The inbox."""

from typing import Any

from api.core import auth
from api.core.handlers import language
from api.core.http import EMPLOYEE, Routes
from api.core.schemas import page_of
from api.messages import queries, service
from api.messages.schemas import InboxQuery, MessageOut, ReadIn, ReadOut

routes = Routes("messages")


@routes.endpoint(
    "GET /me/inbox", who=EMPLOYEE, query=InboxQuery, reply=page_of(MessageOut),
    summary="My messages, newest first",
)  # fmt: skip
def list_inbox(query: dict[str, Any]) -> dict[str, Any]:
    return queries.inbox(auth.principal().member_id, language(), **query)


@routes.endpoint(
    "POST /me/inbox/read", who=EMPLOYEE, body=ReadIn, reply=ReadOut, summary="Mark as read",
    audited=False,
)  # fmt: skip
def mark_inbox_read(body: dict[str, Any]) -> dict[str, int]:
    return {"read": service.mark_read(auth.principal().member_id, **body)}
