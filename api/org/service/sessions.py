"""Sessions: families of refresh tokens, each use making the next one."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import current_app

from api.core import audit, auth, clock, db
from api.core.errors import NotFound, Problem, Unauthorized
from api.core.i18n import Text, _
from api.org.models import Member, SignInSession
from api.org.queries import scopes

AGENT_CHARACTERS = 120
_family = SignInSession.__table__.c


class RefreshReused(Problem):
    """An old refresh token came back: somebody has a copy, so the family ends."""

    code, status = "refresh-reused", 401
    title = _("This refresh token was used before. All tokens of this sign-in are void; sign in.")
    keeps_effects = True

    def __init__(self, detail: Text | None = None) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})


def begin(member_id: str, agent: str) -> dict[str, Any]:
    """A new session of a member and its first tokens (TokensOut)."""
    now = clock.now()
    family = SignInSession(
        id=db.new_id(), member_id=member_id, agent=agent[:AGENT_CHARACTERS], generation=0,
        created_at=now, used_at=now, expires_at=now + _lifetime(),
    )  # fmt: skip
    db.session().add(family)
    db.session().flush()
    return tokens(member_id, family.id, 0)


def tokens(member_id: str, session_id: str, generation: int) -> dict[str, Any]:
    """Fresh tokens of a session (TokensOut); the access token ends before its grants do."""
    # The version is read before the grants: whoever changes them meanwhile raises it, so that a
    # token can't outlive the change.
    version = db.connection().scalar(sa.select(Member.token_version).where(Member.id == member_id))
    rows = scopes.grants_of([member_id])
    ends = min((row.until_at for row in rows if row.until_at), default=None)
    grants = [scopes.as_grant(row) for row in rows]
    access = auth.issue_access(member_id, session_id, version or 0, grants, expires_at=ends)
    return {
        "access_token": access,
        "refresh_token": auth.issue_refresh(member_id, session_id, generation),
        "expires_in_s": _expires_in(ends),
        "member_id": member_id,
    }


def _expires_in(ends: datetime | None) -> int:
    longest: timedelta = current_app.config["JWT_ACCESS_TOKEN_EXPIRES"]
    left = min(longest, ends - clock.now()) if ends else longest
    return max(0, int(left.total_seconds()))


def _lifetime() -> timedelta:
    lifetime: timedelta = current_app.config["JWT_REFRESH_TOKEN_EXPIRES"]
    return lifetime


def refresh(token: str) -> dict[str, Any]:
    """The next tokens of a session (TokensOut).

    The token of the generation before stays good until the present one is first used, so that a
    lost reply signs nobody out.  Raises Unauthorized, and RefreshReused for an older token.
    """
    claims = auth.decode(token, "refresh")
    session_id, member_id, generation = claims["sid"], claims["sub"], claims["ver"]
    now = clock.now()
    live = (_family.id == session_id, _family.revoked_at.is_(None), _family.expires_at > now)
    # "<=": a token later than its row says was signed by us too; the database is a restored copy.
    used = sa.update(SignInSession).where(*live, _family.generation <= generation)
    moved = db.connection().execute(
        used.values(generation=generation + 1, used_at=now, expires_at=now + _lifetime())
    )
    if not moved.rowcount:
        _check_repeat(session_id, generation, live)
    _check_present(member_id)
    audit.record("refresh", f"/me/sessions/{session_id}", actor_id=member_id)
    return tokens(member_id, session_id, generation + 1)


def _check_repeat(session_id: str, generation: int, live: tuple[Any, ...]) -> None:
    """Pass for the token just before the present one; raise for any other."""
    row = (
        db.connection()
        .execute(sa.select(_family.generation, _family.member_id).where(*live))
        .first()
    )
    if row is None:
        raise Unauthorized
    if row.generation > generation + 1:
        revoke(session_id)
        audit.record("refresh", f"/me/sessions/{session_id}", "reused", actor_id=row.member_id)
        raise RefreshReused


def _check_present(member_id: str) -> None:
    here = sa.select(Member.id).where(
        Member.id == member_id, ~Member.disabled, Member.status != "left"
    )
    if db.connection().scalar(here) is None:
        raise Unauthorized


def revoke(session_id: str) -> None:
    """End a session: its refresh tokens at once, its access tokens within a second."""
    db.connection().execute(
        sa.update(SignInSession)
        .where(_family.id == session_id, _family.revoked_at.is_(None))
        .values(revoked_at=clock.now())
    )
    auth.revoke_session(session_id)


def revoke_own(session_id: str) -> None:
    """End one of the signed-in member's sessions; raises NotFound."""
    own = sa.select(_family.id).where(
        _family.id == session_id, _family.member_id == auth.principal().member_id
    )
    if db.connection().scalar(own) is None:
        raise NotFound
    revoke(session_id)


def renew(member_id: str, session_id: str) -> dict[str, Any]:
    """Tokens for a session that goes on after a password change (TokensOut)."""
    statement = (
        sa.update(SignInSession)
        .where(_family.id == session_id, _family.revoked_at.is_(None))
        .values(generation=_family.generation + 1, used_at=clock.now())
        .returning(_family.generation)
    )
    generation = db.connection().scalar(statement)
    if generation is None:
        raise Unauthorized
    return tokens(member_id, session_id, generation)


def forget_old() -> int:
    """Delete sessions that ended over a month ago, in a transaction of its own; returns how many.

    Tokens of a session without a row are refused like those of a revoked one.
    """
    long_ago = clock.now() - timedelta(days=31)
    with db.transaction() as conn:
        result = conn.execute(
            sa.delete(SignInSession).where(
                sa.or_(_family.expires_at < long_ago, _family.revoked_at < long_ago)
            )
        )
    return int(result.rowcount)
