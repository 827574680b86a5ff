"""Facts, the ledger, rules, and the totals that boards show."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from api.core import append_only
from api.core.db import Base, BigKey, Id


class PointRule(Base):
    """One version of a point rule; see rules.Rule.  `title` by language."""

    __tablename__ = "point_rules"
    code: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    fact_kind: Mapped[str] = mapped_column(sa.String(20))
    title: Mapped[dict[str, Any]]
    formula: Mapped[dict[str, Any]]
    improvement: Mapped[bool] = mapped_column(default=False)
    caps: Mapped[dict[str, Any]]
    weekdays: Mapped[list[Any] | None]
    active: Mapped[bool] = mapped_column(default=True)
    effective_from: Mapped[datetime]
    created_by: Mapped[str | None] = mapped_column(Id)
    created_at: Mapped[datetime]


class PointFact(Base):
    """What points were earned by; kept, so that rules can be tried on the past."""

    __tablename__ = "point_facts"
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(20))
    reference: Mapped[str] = mapped_column(sa.String(100))
    member_id: Mapped[str] = mapped_column(Id, index=True)
    item: Mapped[str] = mapped_column(sa.String(60))
    occurred_at: Mapped[datetime]
    numbers: Mapped[dict[str, Any]]
    __table_args__ = (sa.UniqueConstraint("kind", "reference"),)


class PointEntry(Base):
    """A line of the ledger.  Lines are never changed: a correction is a line of its own.

    A reversal names the line it takes back, an adjustment stands for itself; both say who made them
    and why.  `cap_left`: what the tightest cap still allowed after this line, null without a cap.
    """

    __tablename__ = "point_entries"
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    member_id: Mapped[str] = mapped_column(Id)
    unit_id: Mapped[str] = mapped_column(Id)
    kind: Mapped[str] = mapped_column(sa.String(12), default="credit")
    fact_id: Mapped[int | None] = mapped_column(BigKey, sa.ForeignKey("point_facts.id"))
    rule_code: Mapped[str] = mapped_column(sa.String(40))
    rule_version: Mapped[int]
    amount: Mapped[int]
    cap_left: Mapped[int | None]
    item: Mapped[str] = mapped_column(sa.String(60))
    earned_at: Mapped[datetime]
    day: Mapped[str] = mapped_column(sa.String(10))
    week: Mapped[str] = mapped_column(sa.String(8))
    month: Mapped[str] = mapped_column(sa.String(7))
    reason: Mapped[str | None] = mapped_column(sa.String(500))
    actor_id: Mapped[str | None] = mapped_column(Id)
    reverses_id: Mapped[int | None] = mapped_column(
        BigKey, sa.ForeignKey("point_entries.id"), unique=True
    )
    __table_args__ = (
        sa.CheckConstraint("kind IN ('credit', 'reversal', 'adjustment')", name="kind"),
        sa.CheckConstraint(
            "kind = 'credit' OR (length(reason) > 0 AND actor_id IS NOT NULL)", name="accounted_for"
        ),
        sa.CheckConstraint("(kind = 'reversal') = (reverses_id IS NOT NULL)", name="reverses"),
        sa.CheckConstraint("kind = 'adjustment' OR fact_id IS NOT NULL", name="fact"),
        sa.UniqueConstraint("fact_id", "rule_code", "kind"),
        sa.Index("ix_point_entries_member", "member_id", "id"),
        sa.Index("ix_point_entries_month", "member_id", "rule_code", "month"),
        sa.Index("ix_point_entries_item", "member_id", "rule_code", "item"),
    )


append_only.protect(PointEntry.__table__)


class BoardPart(Base):
    """What a member earned in a period while in a group: a branch, a unit, or a contest."""

    __tablename__ = "board_parts"
    member_id: Mapped[str] = mapped_column(Id, primary_key=True)
    period: Mapped[str] = mapped_column(sa.String(10), primary_key=True)
    group_id: Mapped[str] = mapped_column(Id, primary_key=True)
    points: Mapped[int]
    reached_s: Mapped[int] = mapped_column(sa.BigInteger)


sa.Index(
    "ix_board_parts_order",
    BoardPart.group_id,
    BoardPart.period,
    BoardPart.points.desc(),
    BoardPart.reached_s,
    BoardPart.member_id.desc(),
)


class BoardTotal(Base):
    """A subject's total on a board in a period.

    `points` is what ranks: points of a person, hundredths of a branch's value (rules/boards.py);
    `sum_points`, `heads` and `participants` what that comes from; `reached_s` the second (since the
    epoch) of the last change.
    """

    __tablename__ = "board_totals"
    board: Mapped[str] = mapped_column(sa.String(20), primary_key=True)
    period: Mapped[str] = mapped_column(sa.String(10), primary_key=True)
    subject_id: Mapped[str] = mapped_column(Id, primary_key=True)
    points: Mapped[int]
    sum_points: Mapped[int] = mapped_column(sa.BigInteger)
    heads: Mapped[int] = mapped_column(default=1)
    participants: Mapped[int] = mapped_column(default=1, server_default="1")
    reached_s: Mapped[int] = mapped_column(sa.BigInteger)


sa.Index(
    "ix_board_totals_order",
    BoardTotal.board,
    BoardTotal.period,
    BoardTotal.points.desc(),
    BoardTotal.reached_s,
    BoardTotal.subject_id.desc(),
)


class Board(Base):
    """A board there is, and how it compares branches; see rules/boards.py.

    `counted_on`: the day for which heads were counted last; null asks for a new count.
    """

    __tablename__ = "boards"
    key: Mapped[str] = mapped_column(sa.String(20), primary_key=True)
    active: Mapped[bool] = mapped_column(default=True)
    method: Mapped[str] = mapped_column(sa.String(16))
    best_n: Mapped[int]
    percent: Mapped[int]
    counted_on: Mapped[date | None]
    version: Mapped[int] = mapped_column(default=1)


class BoardSeason(Base):
    """A named span of days in which boards are kept; `title` by language."""

    __tablename__ = "board_seasons"
    code: Mapped[str] = mapped_column(sa.String(8), primary_key=True)
    title: Mapped[dict[str, Any]]
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    created_by: Mapped[str | None] = mapped_column(Id)
    created_at: Mapped[datetime]
    __table_args__ = (sa.CheckConstraint("ends_on >= starts_on", name="dates"),)
