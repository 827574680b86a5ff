"""Question banks, contests, attempts, results."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from api.core.db import Base, BigKey, Id, new_id

QUESTION_KINDS = ("single", "multiple", "true_false", "fill_in")
DIFFICULTIES = ("easy", "medium", "hard")
CONTEST_STATES = ("draft", "published", "settling", "settled", "cancelled")
ATTEMPT_STATES = ("running", "submitted", "closed")


class QuestionBank(Base):
    """Questions that belong to an organising body (or, without one, to its unit)."""

    __tablename__ = "question_banks"
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(sa.String(100))
    unit_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("units.id"), index=True)
    body_id: Mapped[str | None] = mapped_column(Id, sa.ForeignKey("organizing_bodies.id"))
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]


class Question(Base):
    """A question's identity; what it says stands in its versions, which never change."""

    __tablename__ = "questions"
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    bank_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("question_banks.id"), index=True)
    fingerprint: Mapped[str] = mapped_column(sa.String(64), index=True)
    retired: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column(default=1)


class QuestionVersion(Base):
    """One wording of a question.

    `key`: option indexes from 0 for choices, ["true"] or ["false"] for judgements, a list of
    accepted alternatives for each blank.
    """

    __tablename__ = "question_versions"
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    question_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("questions.id"))
    number: Mapped[int]
    kind: Mapped[str] = mapped_column(sa.String(12))
    stem: Mapped[str] = mapped_column(sa.String(2000))
    options: Mapped[list[Any]]
    key: Mapped[list[Any]]
    explanation: Mapped[str] = mapped_column(sa.String(2000))
    topic: Mapped[str] = mapped_column(sa.String(100))
    difficulty: Mapped[str] = mapped_column(sa.String(8))
    created_at: Mapped[datetime]
    __table_args__ = (sa.UniqueConstraint("question_id", "number"),)


class Contest(Base):
    """A contest.  `settings` are its rules, `pool` what attempts draw from, frozen when published:
    [question version id, points in hundredths] pairs.  `results_version` 0 means not settled.
    """

    __tablename__ = "contests"
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    title: Mapped[str] = mapped_column(sa.String(120))
    description: Mapped[str] = mapped_column(sa.String(2000))
    unit_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("units.id"), index=True)
    body_id: Mapped[str | None] = mapped_column(Id, sa.ForeignKey("organizing_bodies.id"))
    state: Mapped[str] = mapped_column(sa.String(10), default="draft", index=True)
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    paused_at: Mapped[datetime | None]
    settings: Mapped[dict[str, Any]]
    pool: Mapped[list[Any]]
    results_version: Mapped[int] = mapped_column(default=0)
    released_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    created_by: Mapped[str | None] = mapped_column(Id)
    version: Mapped[int] = mapped_column(default=1)
    __table_args__ = (sa.CheckConstraint("closes_at > opens_at", name="window"),)


class AudienceUnit(Base):
    """A unit whose subtree may take part in a contest."""

    __tablename__ = "contest_audience_units"
    contest_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("contests.id"), primary_key=True)
    unit_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("units.id"), primary_key=True)


class Attempt(Base):
    """One try of one person.

    `layout`: [question version id, option permutation] in the order shown.  `answers`: position →
    [seq, answer].  `marks`: hundredths by position.  `time_share`: time used as a share of
    the attempt's own allowance, in billionths.  `outcome`: what the submit's reply said of points.
    """

    __tablename__ = "attempts"
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    contest_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("contests.id"))
    member_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("members.id"), index=True)
    unit_id: Mapped[str] = mapped_column(Id)
    number: Mapped[int]
    state: Mapped[str] = mapped_column(sa.String(10), default="running")
    layout: Mapped[list[Any]]
    answers: Mapped[dict[str, Any]]
    marks: Mapped[list[Any]]
    outcome: Mapped[list[Any]]
    started_at: Mapped[datetime]
    deadline_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    score_hundredths: Mapped[int] = mapped_column(default=0)
    max_hundredths: Mapped[int]
    used_ms: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    time_share: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    __table_args__ = (
        sa.UniqueConstraint("contest_id", "member_id", "number"),
        sa.Index(
            "uq_attempts_running",
            "contest_id",
            "member_id",
            unique=True,
            sqlite_where=sa.text("state = 'running'"),
            postgresql_where=sa.text("state = 'running'"),
        ),
        sa.Index(
            "ix_attempts_deadline",
            "deadline_at",
            sqlite_where=sa.text("state = 'running'"),
            postgresql_where=sa.text("state = 'running'"),
        ),
    )


class ContestResult(Base):
    """A person's place in one version of a contest's results.  Rank 0: not ranked yet (a draft)."""

    __tablename__ = "contest_results"
    contest_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("contests.id"), primary_key=True)
    results_version: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("members.id"), primary_key=True)
    attempt_id: Mapped[str] = mapped_column(Id)
    tries: Mapped[int]
    score_hundredths: Mapped[int]
    time_share: Mapped[int] = mapped_column(sa.BigInteger)
    rank: Mapped[int] = mapped_column(default=0)
    position: Mapped[int] = mapped_column(default=0)
    tie_break: Mapped[dict[str, Any]]
    __table_args__ = (
        sa.Index(
            "ix_contest_results_order",
            "contest_id", "results_version", "position",
        ),
        sa.Index(
            "ix_contest_results_score",
            "contest_id", "results_version", "score_hundredths", "time_share", "member_id",
        ),
    )  # fmt: skip


class BranchResult(Base):
    """A branch's place in one version of a contest's results, within its size band.

    `value_ppm` is the ranking value in millionths.
    """

    __tablename__ = "contest_branch_results"
    contest_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("contests.id"), primary_key=True)
    results_version: Mapped[int] = mapped_column(primary_key=True)
    branch_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("branches.id"), primary_key=True)
    band: Mapped[str] = mapped_column(sa.String(10))
    eligible: Mapped[int]
    participants: Mapped[int]
    mean_hundredths: Mapped[int]
    value_ppm: Mapped[int]
    rank: Mapped[int]
    tie_break: Mapped[dict[str, Any]]
