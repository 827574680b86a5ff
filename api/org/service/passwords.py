"""Passwords: hashed with Argon2id, always outside any transaction; slips with a keyed hash."""

import hmac
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import argon2
import sqlalchemy as sa
from flask import current_app

from api.core import auth, clock, db
from api.core.errors import Problem, invalid
from api.core.i18n import _
from api.org import rules
from api.org.models import Member, SignInSession

SLIP_LIFE = timedelta(days=14)
_hasher = argon2.PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
# Verified where there is no password, so that an unknown account takes as long as a known one.
_NOBODY = (
    "$argon2id$v=19$m=19456,t=2,p=1$"
    "20VaFHWSi5Lu9G/Z5Q39RQ$ls+ArIhJt4w59moAaJBwp1wNapACYYNkQROG1w6g9Nk"
)


class WrongPassword(Problem):
    code, status = "wrong-password", 403
    title = _("The present password is wrong.")


@dataclass(frozen=True, slots=True)
class Slip:
    """A one-time password in plain text, for whoever prints it; shown once."""

    member_id: str
    number: str
    name: str
    password: str
    expires_at: datetime


def hashed(password: str) -> str:
    """The Argon2id hash of a password; takes some 20 ms."""
    return _hasher.hash(password)


def matches(stored: str | None, password: str) -> bool:
    """Whether a password has this hash; takes as long where there is none."""
    try:
        return _hasher.verify(stored or _NOBODY, password) and stored is not None
    except argon2.exceptions.VerifyMismatchError:
        return False


def matches_slip(member: Member, password: str) -> bool:
    """Whether a password is the one of the member's slip, not yet used or expired."""
    if member.one_time_hash is None or member.one_time_expires_at is None:
        return False
    same = hmac.compare_digest(_slip_hash(member.id, password), member.one_time_hash)
    return same and clock.now() < member.one_time_expires_at


def check_strength(password: str, *known: str | None) -> None:
    """Raise Invalid for a password that anybody, or any colleague, would try first.

    `known`: number, company code and name.
    """
    if rules.is_common(password):
        wrong = _("This password is among the first anybody would try. Choose another.")
        raise invalid("new_password", wrong, "common_password")
    if rules.repeats(password, *known):
        wrong = _("Don't use your number, company or name as password.")
        raise invalid("new_password", wrong, "known_password")


def _slip_hash(member_id: str, password: str) -> str:
    return rules.slip_hash(secret_key(), member_id, password)


def secret_key() -> str:
    """The key of this installation."""
    key: str = current_app.extensions["leitai.settings"].secret_key
    return key


def give_slips(members: Collection[Member]) -> list[Slip]:
    """New one-time passwords for some members, in the transaction in force.

    An earlier slip is no longer good; a password of the member's own stays.
    """
    expires_at = clock.now() + SLIP_LIFE
    slips = [
        Slip(member.id, member.number, member.name, rules.new_slip(), expires_at)
        for member in sorted(members, key=lambda member: member.number)
    ]
    rows = [{"m": slip.member_id, "h": _slip_hash(slip.member_id, slip.password)} for slip in slips]
    if rows:
        db.session().flush()
        db.connection().execute(
            sa.update(Member)
            .where(Member.__table__.c.id == sa.bindparam("m"))
            .values(one_time_hash=sa.bindparam("h"), one_time_expires_at=expires_at),
            rows,
        )
    return slips


def reset(member: Member) -> Slip:
    """A slip in place of the member's password, which is void from now on; all sessions end."""
    slip = give_slips([member])[0]
    table = Member.__table__.c
    db.connection().execute(
        sa.update(Member).where(table.id == member.id).values(password_hash=None)
    )
    end_sessions([member.id])
    return slip


def end_sessions(member_ids: Collection[str], *, but: str | None = None) -> dict[str, int]:
    """Sign members out everywhere (except from the session `but`) within a second.

    Refresh tokens are refused at once, access tokens when the revocation is read.  Returns the
    members' new token versions; the session `but` needs a fresh access token.
    """
    family = SignInSession.__table__.c
    statement = sa.update(SignInSession).where(
        family.member_id.in_(member_ids), family.revoked_at.is_(None)
    )
    if but is not None:
        statement = statement.where(family.id != but)
    db.connection().execute(statement.values(revoked_at=clock.now()))
    return void_access(member_ids)


def void_access(member_ids: Collection[str]) -> dict[str, int]:
    """Refuse the members' present access tokens within a second; they refresh and go on."""
    table = Member.__table__.c
    statement = (
        sa.update(Member)
        .where(table.id.in_(member_ids))
        .values(token_version=table.token_version + 1)
        .returning(table.id, table.token_version)
    )
    versions = {row.id: row.token_version for row in db.connection().execute(statement).all()}
    for member_id, version in versions.items():
        auth.revoke_member(member_id, version)
    return versions
