"""Units, branches, members, memberships, teams, organising bodies, role grants, sessions."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from api.core.db import Base, Id, new_id

UNIT_KINDS = ("group", "company", "department", "crew")
BRANCH_KINDS = ("party", "league", "union", "generic")
MEMBER_STATUSES = ("active", "long_leave", "seconded", "retired", "left")
ABSENT_STATUSES = ("long_leave", "seconded", "retired", "left")
TEAM_KINDS = ("team", "project", "post")
BODY_KINDS = ("youth_league", "union", "party", "administration")


def _one_of(column: str, words: tuple[str, ...]) -> sa.CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=column)


class Unit(Base):
    """A node of the organisation's tree.

    `path` is the ids from the root to this unit, without hyphens, each followed by "/": a unit
    lies in the subtree of another exactly if its path starts with the other's.
    """

    __tablename__ = "units"
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    parent_id: Mapped[str | None] = mapped_column(Id, sa.ForeignKey("units.id"), index=True)
    kind: Mapped[str] = mapped_column(sa.String(12))
    code: Mapped[str | None] = mapped_column(sa.String(20), unique=True)
    name: Mapped[str] = mapped_column(sa.String(100))
    path: Mapped[str] = mapped_column(sa.String(600), index=True)
    version: Mapped[int] = mapped_column(default=1)
    __table_args__ = (
        sa.UniqueConstraint("parent_id", "name"),
        _one_of("kind", UNIT_KINDS),
    )


class Branch(Base):
    """A branch of one kind, attached to a unit; its members are memberships with dates."""

    __tablename__ = "branches"
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(sa.String(12))
    name: Mapped[str] = mapped_column(sa.String(100))
    unit_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("units.id"), index=True)
    parent_id: Mapped[str | None] = mapped_column(Id, sa.ForeignKey("branches.id"), index=True)
    established_on: Mapped[date | None]
    temporary: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column(default=1)
    __table_args__ = (
        sa.UniqueConstraint("unit_id", "kind", "name"),
        _one_of("kind", BRANCH_KINDS),
    )


class Member(Base):
    """A person.  The id survives moves; company and number are what one signs in with.

    `token_version` goes up when the member's tokens must no longer be accepted.
    `one_time_hash` is the hash of a slip's or a reset's password, good once until it expires.
    """

    __tablename__ = "members"
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    company_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("units.id"))
    number: Mapped[str] = mapped_column(sa.String(40))
    name: Mapped[str] = mapped_column(sa.String(100))
    nickname: Mapped[str | None] = mapped_column(sa.String(40))
    unit_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("units.id"), index=True)
    post: Mapped[str | None] = mapped_column(sa.String(100))
    status: Mapped[str] = mapped_column(sa.String(12), default="active")
    joined_on: Mapped[date | None]
    language: Mapped[str] = mapped_column(sa.String(5), default="zh-CN")
    on_boards: Mapped[bool] = mapped_column(default=True)
    password_hash: Mapped[str | None] = mapped_column(sa.String(120))
    one_time_hash: Mapped[str | None] = mapped_column(sa.String(120))
    one_time_expires_at: Mapped[datetime | None]
    token_version: Mapped[int] = mapped_column(default=0)
    disabled: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column(default=1)
    __table_args__ = (
        sa.UniqueConstraint("company_id", "number"),
        _one_of("status", MEMBER_STATUSES),
    )


class Membership(Base):
    """A person in a branch, from a day until (excluding) another; one open one of each kind."""

    __tablename__ = "memberships"
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    member_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("members.id"), index=True)
    branch_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("branches.id"), index=True)
    kind: Mapped[str] = mapped_column(sa.String(12))
    from_on: Mapped[date]
    until_on: Mapped[date | None]
    __table_args__ = (
        sa.Index(
            "uq_memberships_open",
            "member_id",
            "kind",
            unique=True,
            sqlite_where=sa.text("until_on IS NULL"),
            postgresql_where=sa.text("until_on IS NULL"),
        ),
        sa.CheckConstraint("until_on IS NULL OR until_on >= from_on", name="dates"),
    )


class OrganizingBody(Base):
    """Who runs contests and selections: youth league, union, party department, administration."""

    __tablename__ = "organizing_bodies"
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(sa.String(16))
    name: Mapped[str] = mapped_column(sa.String(100))
    unit_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("units.id"), index=True)
    __table_args__ = (sa.UniqueConstraint("unit_id", "name"), _one_of("kind", BODY_KINDS))


class Team(Base):
    """A team, project or post (示范岗)."""

    __tablename__ = "teams"
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(sa.String(12))
    name: Mapped[str] = mapped_column(sa.String(100))
    unit_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("units.id"), index=True)
    __table_args__ = (sa.UniqueConstraint("unit_id", "kind", "name"), _one_of("kind", TEAM_KINDS))


class TeamMember(Base):
    __tablename__ = "team_members"
    team_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("teams.id"), primary_key=True)
    member_id: Mapped[str] = mapped_column(
        Id, sa.ForeignKey("members.id"), primary_key=True, index=True
    )
    from_on: Mapped[date] = mapped_column(primary_key=True)
    until_on: Mapped[date | None]


class RoleGrant(Base):
    """A role over a subtree of units, for a body or a branch where the role is of that kind."""

    __tablename__ = "role_grants"
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    member_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("members.id"), index=True)
    role: Mapped[str] = mapped_column(sa.String(16))
    unit_id: Mapped[str | None] = mapped_column(Id, sa.ForeignKey("units.id"))
    body_id: Mapped[str | None] = mapped_column(Id, sa.ForeignKey("organizing_bodies.id"))
    branch_id: Mapped[str | None] = mapped_column(Id, sa.ForeignKey("branches.id"))
    from_at: Mapped[datetime]
    until_at: Mapped[datetime | None]
    granted_by: Mapped[str | None] = mapped_column(Id)
    revoked_at: Mapped[datetime | None]


class SignInSession(Base):
    """A family of refresh tokens.  `generation` counts rotations: the token of `generation` - 1
    stays good until the one of `generation` is first used, any older one revokes the family."""

    __tablename__ = "sign_in_sessions"
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    member_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("members.id"), index=True)
    generation: Mapped[int] = mapped_column(default=0)
    agent: Mapped[str] = mapped_column(sa.String(120), default="")
    created_at: Mapped[datetime]
    used_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
