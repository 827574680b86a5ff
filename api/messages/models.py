"""The inbox."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from api.core.db import Base, Id, new_id


class Message(Base):
    """A message to one member, once for each key; its text is translated when it is read."""

    __tablename__ = "messages"
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    member_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("members.id"))
    key: Mapped[str] = mapped_column(sa.String(120))
    kind: Mapped[str] = mapped_column(sa.String(20))
    template: Mapped[str] = mapped_column(sa.String(400))
    params: Mapped[dict[str, Any]]
    link: Mapped[str | None] = mapped_column(sa.String(200))
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
    __table_args__ = (
        sa.UniqueConstraint("member_id", "key"),
        sa.Index(
            "ix_messages_unread",
            "member_id",
            sqlite_where=sa.text("read_at IS NULL"),
            postgresql_where=sa.text("read_at IS NULL"),
        ),
    )
