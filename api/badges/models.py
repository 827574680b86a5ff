"""Badges, their awards, and the facts they are given for."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from api.core.db import Base, BigKey, Id, new_id


class Badge(Base):
    """A badge.  `title` and `description` by language, `rule` as rules.py reads it."""

    __tablename__ = "badges"
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    code: Mapped[str] = mapped_column(sa.String(60), unique=True)
    title: Mapped[dict[str, Any]]
    description: Mapped[dict[str, Any]]
    rule: Mapped[dict[str, Any]]
    active: Mapped[bool] = mapped_column(default=True)
    version: Mapped[int] = mapped_column(default=1)


class BadgeFact(Base):
    """Something that happened and may count for badges: once for each kind and reference."""

    __tablename__ = "badge_facts"
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(20))
    reference: Mapped[str] = mapped_column(sa.String(100))
    member_id: Mapped[str] = mapped_column(Id)
    item: Mapped[str] = mapped_column(sa.String(60))
    month: Mapped[str] = mapped_column(sa.String(7))
    occurred_at: Mapped[datetime]
    score: Mapped[int | None]
    max_score: Mapped[int | None]
    rank: Mapped[int | None]
    __table_args__ = (
        sa.UniqueConstraint("kind", "reference"),
        sa.Index(None, "member_id", "kind"),
    )


class BadgeAward(Base):
    """A badge that a member has: once for each period of its rule."""

    __tablename__ = "badge_awards"
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    badge_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("badges.id"))
    member_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("members.id"), index=True)
    period: Mapped[str] = mapped_column(sa.String(60))
    awarded_at: Mapped[datetime]
    __table_args__ = (sa.UniqueConstraint("badge_id", "member_id", "period"),)
