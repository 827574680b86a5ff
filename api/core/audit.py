"""The audit trail: who did what, when, from where, with which outcome.

One line for every write, every export and every read of somebody else's personal data, in the
transaction of the act itself.  Lines never hold secrets, answers or choices, and the database
refuses to change or delete them.
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from api.core import append_only, auth, clock, db, logs
from api.core.db import Base, Id


class AuditLine(Base):
    __tablename__ = "audit_lines"
    id: Mapped[int] = mapped_column(db.BigKey, primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    actor_id: Mapped[str | None] = mapped_column(Id, index=True)
    operation: Mapped[str] = mapped_column(sa.String(80))
    target: Mapped[str] = mapped_column(sa.String(120))
    outcome: Mapped[str] = mapped_column(sa.String(40))
    address: Mapped[str] = mapped_column(sa.String(45))
    request_id: Mapped[str] = mapped_column(sa.String(64))
    details: Mapped[dict[str, Any]]


append_only.protect(AuditLine.__table__)


_INSERT = sa.insert(db.table(AuditLine))


def record(
    operation: str,
    target: str,
    outcome: str = "done",
    *,
    actor_id: str | None = None,
    **details: Any,
) -> None:
    """Add one line to the transaction in force.  `target` names an object, never a person."""
    signed_in = auth.principal_or_none()
    db.connection().execute(
        _INSERT,
        {
            "at": clock.now(),
            "actor_id": actor_id or (signed_in.member_id if signed_in else None),
            "operation": operation,
            "target": target[:120],
            "outcome": outcome,
            "address": logs.address(),
            "request_id": logs.request_id(),
            "details": details,
        },
    )
