"""Signing in and changing one's password.

Look up, verify outside any transaction (Argon2 takes 20 ms and more), record: three short acts.
An account that doesn't exist answers like one with another password: same words, same time.
"""

from typing import Any

import sqlalchemy as sa

from api.core import audit, auth, db, limits, logs
from api.core.errors import Conflict, Problem, Unauthorized, invalid
from api.core.i18n import Text, _
from api.core.limits import SIGN_IN_FAILURES
from api.org import rules
from api.org.models import Member, Unit
from api.org.service import passwords, sessions

_member = Member.__table__.c


class WrongCredentials(Problem):
    code, status = "wrong-credentials", 401
    title = _("Wrong number or password.")

    def __init__(self, detail: Text | None = None) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": 'Bearer realm="leitai"'})


class PasswordChangeRequired(Problem):
    code, status = "password-change-required", 403
    title = _("This password is good once. Send it again together with a `new_password`.")


def sign_in(body: dict[str, Any], agent: str) -> dict[str, Any]:
    """Tokens for company code, number and password (SignInOut).

    Raises WrongCredentials, PasswordChangeRequired, TooMany, Invalid.
    """
    member = _look_up(body["company"], body["number"])
    device = _device_of(member, body["device"])
    bucket = _bucket(body["company"], body["number"], device)
    limits.check(SIGN_IN_FAILURES, bucket)
    by_slip = _verify(member, body["password"])
    if by_slip is None or member is None:
        _record_refusal(member)
        raise WrongCredentials
    limits.give_back(SIGN_IN_FAILURES, bucket)
    new_hash = _new_hash(member, body, by_slip)
    issued = _record(member, new_hash, agent)
    return {**issued, "device": device or auth.issue_device(member.id)}


def _record(member: Member, new_hash: str | None, agent: str) -> dict[str, Any]:
    try:
        with db.transaction(durable=True):
            _claim(member, new_hash)
            audit.record("sign_in", f"/members/{member.id}", actor_id=member.id)
            return sessions.begin(member.id, agent)
    except WrongCredentials:
        _record_refusal(member)
        raise


def _look_up(company: str, number: str) -> Member | None:
    statement = (
        sa.select(Member)
        .join(Unit, Unit.id == Member.company_id)
        .where(Unit.code == company, Member.number == number)
    )
    with db.reading():
        return db.session().scalar(statement)


def _device_of(member: Member | None, token: str | None) -> str | None:
    """The device token, if it was given to this member."""
    if member is None or not token:
        return None
    try:
        known = auth.decode(token, "device")["sub"] == member.id
    except Unauthorized:
        return None
    return token if known else None


def _bucket(company: str, number: str, device: str | None) -> str:
    """Where wrong passwords are counted: by account and address, or by account and device.

    So whoever tries passwords elsewhere doesn't lock the owner out.
    """
    place = f"device {device}" if device else f"address {logs.address()}"
    return rules.account_key(passwords.secret_key(), company, number, place)


def _verify(member: Member | None, password: str) -> bool | None:
    """True: the slip's password; False: the member's own; None: neither, or no such account.

    Whatever the account, one Argon2 hash is computed.
    """
    by_slip = member is not None and passwords.matches_slip(member, password)
    own = passwords.matches(member.password_hash if member else None, password)
    if member is None or not (own or by_slip) or not _may_enter(member):
        return None
    return by_slip


def _may_enter(member: Member) -> bool:
    return not member.disabled and member.status != "left"


def _record_refusal(member: Member | None) -> None:
    target = f"/members/{member.id}" if member else "/auth/login"
    with db.transaction():
        audit.record("sign_in", target, "refused")


def _new_hash(member: Member, body: dict[str, Any], by_slip: bool) -> str | None:
    """The hash of the new password that a slip asks for; None for a member's own password."""
    wanted = body["new_password"]
    if not by_slip:
        if wanted is not None:
            wrong = _("Sign in without it; then change your password at {path}.",
                      path="POST /me/password")  # fmt: skip
            raise invalid("new_password", wrong)
        return None
    if wanted is None:
        raise PasswordChangeRequired
    passwords.check_strength(wanted, member.number, body["company"], member.name)
    if rules.slip_hash("", member.id, wanted) == rules.slip_hash("", member.id, body["password"]):
        raise invalid("new_password", _("Choose another password than the slip's."))
    return passwords.hashed(wanted)


def _claim(seen: Member, new_hash: str | None) -> None:
    """Make sure that what was verified still holds, and use a slip up; raises WrongCredentials.

    The row stays locked until the session is written, so that a password change or a disabling
    comes either before it, and is seen here, or after it, and ends the session.
    """
    same = (
        _member.id == seen.id, ~_member.disabled, _member.status != "left",
    )  # fmt: skip
    if new_hash is None:
        statement = sa.select(_member.id).where(*same, _member.password_hash == seen.password_hash)
        if db.connection().scalar(statement.with_for_update()) is None:
            raise WrongCredentials
        return
    changed = sa.update(Member).where(*same, _member.one_time_hash == seen.one_time_hash)
    if not db.connection().execute(changed.values(**_with_password(new_hash))).rowcount:
        raise WrongCredentials
    passwords.end_sessions([seen.id])


def _with_password(new_hash: str) -> dict[str, Any]:
    return {"password_hash": new_hash, "one_time_hash": None, "one_time_expires_at": None}


def change_password(body: dict[str, Any]) -> dict[str, Any]:
    """Change the signed-in member's password; other sessions end.  Fresh tokens (TokensOut).

    Raises WrongPassword, TooMany, Invalid, Conflict.
    """
    principal = auth.principal()
    with db.reading():
        member = db.session().get_one(Member, principal.member_id)
        company = db.connection().scalar(sa.select(Unit.code).where(Unit.id == member.company_id))
    bucket = rules.account_key(passwords.secret_key(), member.id, principal.session_id)
    limits.check(SIGN_IN_FAILURES, bucket)
    if not passwords.matches(member.password_hash, body["password"]):
        with db.transaction():
            audit.record("change_password", "/me/password", "refused")
        raise passwords.WrongPassword
    limits.give_back(SIGN_IN_FAILURES, bucket)
    passwords.check_strength(body["new_password"], member.number, company, member.name)
    new_hash = passwords.hashed(body["new_password"])
    with db.transaction(durable=True):
        return _replace(member, new_hash)


def _replace(seen: Member, new_hash: str) -> dict[str, Any]:
    changed = (
        sa.update(Member)
        .where(_member.id == seen.id, _member.password_hash == seen.password_hash)
        .values(**_with_password(new_hash))
    )
    if not db.connection().execute(changed).rowcount:
        raise Conflict(_("Your password was changed meanwhile. Sign in with the new one."))
    session_id = auth.principal().session_id
    passwords.end_sessions([seen.id], but=session_id)
    audit.record("change_password", "/me/password")
    return sessions.renew(seen.id, session_id)
