"""Who is asking: access tokens, principals, revocations, subtrees.

An access token lives for minutes and carries ids and role grants, no personal data.  It is
decoded once and kept until it expires; revocations of that time span are read from SQL once a
second by each process, so that a request needs no look-up of its session.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import jwt
import sqlalchemy as sa
from flask import Flask, current_app
from flask_jwt_extended import JWTManager, create_access_token, create_refresh_token
from sqlalchemy.orm import Mapped, mapped_column

from api.core import clock, db
from api.core.db import Base, Id, new_id
from api.core.errors import Forbidden, NotFound, Unauthorized
from api.core.i18n import _
from api.core.settings import Settings

ISSUER = "leitai"
AUDIENCE = "leitai-api"
REQUIRED_CLAIMS = ["typ", "iss", "aud", "sub", "jti", "iat", "exp", "sid", "ver"]
MAX_TOKEN_CHARACTERS = 8000
MAX_CACHED = 20_000
DEVICE_LIFE = timedelta(days=400)
REFRESH_EVERY_S = 0.7

ROLES = (
    "employee",
    "organizer",
    "judge",
    "secretary",
    "representative",
    "reviewer",
    "committee",
    "arbiter",
    "auditor",
    "admin",
)


@dataclass(frozen=True, slots=True)
class Grant:
    """A role over a subtree of units (None: the whole organisation), for one organising body
    or a branch where the role is of that kind."""

    role: str
    unit_id: str | None = None
    body_id: str | None = None
    branch_id: str | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """Where an object stands: its unit (None: the whole organisation), and the organising body
    or branch it belongs to, if any."""

    unit_id: str | None = None
    body_id: str | None = None
    branch_id: str | None = None


@dataclass(frozen=True, slots=True)
class Principal:
    """A signed-in member.  `version` is compared with revocations of the member's tokens."""

    member_id: str
    session_id: str
    version: int
    expires_at: float
    grants: tuple[Grant, ...] = ()

    def has(self, roles: Iterable[str]) -> bool:
        """Whether any grant, whatever its scope, is of one of `roles`."""
        wanted = set(roles)
        return "employee" in wanted or any(grant.role in wanted for grant in self.grants)

    def of(self, roles: Iterable[str]) -> list[Grant]:
        """The grants of `roles`."""
        return [grant for grant in self.grants if grant.role in roles]


class Revocation(Base):
    """A session, or all tokens of a member below `version`, that must no longer be accepted."""

    __tablename__ = "revocations"
    id: Mapped[int] = mapped_column(db.BigKey, primary_key=True)
    subject_id: Mapped[str] = mapped_column(Id)
    version: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(index=True)


@dataclass
class _Revoked:
    """What this process knows of revocations, and since when."""

    read_at: float = 0.0
    sessions: frozenset[str] = frozenset()
    versions: dict[str, int] = field(default_factory=dict)


_principal: ContextVar[Principal | None] = ContextVar("principal", default=None)
_cache: OrderedDict[str, Principal] = OrderedDict()
_lock = threading.Lock()
_revoked = _Revoked()
_path_loader: list[Callable[[str], tuple[str, ...]]] = []


def configure(app: Flask, settings: Settings, path_of: Callable[[str], tuple[str, ...]]) -> None:
    """Set `app` up.  `path_of(unit_id)` gives a unit's ancestors and itself, root first."""
    app.config.update(
        JWT_SECRET_KEY=settings.secret_key,
        JWT_ALGORITHM="HS256",
        JWT_ENCODE_ISSUER=ISSUER,
        JWT_ENCODE_AUDIENCE=AUDIENCE,
        JWT_ACCESS_TOKEN_EXPIRES=timedelta(seconds=settings.access_token_s),
        JWT_REFRESH_TOKEN_EXPIRES=timedelta(seconds=settings.refresh_token_s),
    )
    JWTManager(app)
    _path_loader[:] = [path_of]
    forget()


def issue_access(
    member_id: str,
    session_id: str,
    version: int,
    grants: Iterable[Grant],
    *,
    expires_at: datetime | None = None,
) -> str:
    """A signed access token (JWT, HS256); it ends at `expires_at` if its life would be longer."""
    claims = _claims("access", session_id, current_app.config["JWT_ACCESS_TOKEN_EXPIRES"])
    if expires_at is not None:
        claims["exp"] = min(claims["exp"], expires_at.timestamp())
    claims |= {
        "ver": version,
        "grants": [[g.role, g.unit_id, g.body_id, g.branch_id] for g in grants],
    }
    return create_access_token(member_id, additional_claims=claims)  # type: ignore[no-any-return]


def issue_refresh(member_id: str, session_id: str, generation: int) -> str:
    """A signed refresh token of one generation of a session's family."""
    claims = _claims("refresh", session_id, current_app.config["JWT_REFRESH_TOKEN_EXPIRES"])
    claims["ver"] = generation
    return create_refresh_token(member_id, additional_claims=claims)  # type: ignore[no-any-return]


def issue_device(member_id: str) -> str:
    """A signed token that says: this member has signed in from this device before.

    It opens nothing; wrong passwords tried elsewhere just don't slow this device down.
    """
    claims = _claims("device", new_id(), DEVICE_LIFE)
    claims["ver"] = 0
    return create_access_token(member_id, additional_claims=claims)  # type: ignore[no-any-return]


def _claims(kind: str, session_id: str, lifetime: timedelta) -> dict[str, Any]:
    now = clock.timestamp()
    return {"typ": kind, "sid": session_id, "iat": now, "exp": now + lifetime.total_seconds()}


def decode(token: str, kind: str) -> dict[str, Any]:
    """The verified claims of a token of `kind`; raises Unauthorized."""
    if len(token) > MAX_TOKEN_CHARACTERS:
        raise Unauthorized
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            current_app.config["JWT_SECRET_KEY"],
            algorithms=["HS256"],
            audience=AUDIENCE,
            issuer=ISSUER,
            # Times are compared with our own clock below, which tests can move.
            options={"require": REQUIRED_CLAIMS, "verify_exp": False, "verify_iat": False},
        )
        if claims["typ"] != kind or float(claims["exp"]) <= clock.timestamp():
            raise Unauthorized
    except (jwt.InvalidTokenError, TypeError, ValueError) as error:
        raise Unauthorized from error
    return claims


def authenticate(header: str | None) -> Principal:
    """The principal of an Authorization header; raises Unauthorized."""
    scheme, _sep, token = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthorized
    principal = _cache.get(token) or _remember(token)
    if principal.expires_at <= clock.timestamp() or _is_revoked(principal):
        raise Unauthorized
    _principal.set(principal)
    return principal


def _remember(token: str) -> Principal:
    claims = decode(token, "access")
    principal = Principal(
        member_id=claims["sub"],
        session_id=claims["sid"],
        version=claims["ver"],
        expires_at=claims["exp"],
        grants=tuple(Grant(*grant) for grant in claims.get("grants") or ()),
    )
    with _lock:
        _cache[token] = principal
        if len(_cache) > MAX_CACHED:
            _cache.popitem(last=False)
    return principal


def forget() -> None:
    """Drop what is cached of tokens and revocations."""
    with _lock:
        _cache.clear()
    _revoked.read_at = 0.0


def principal() -> Principal:
    """The signed-in member of this request; raises Unauthorized."""
    current = _principal.get()
    if current is None:
        raise Unauthorized
    return current


def principal_or_none() -> Principal | None:
    """The signed-in member, or None in a request without sign-in and in a worker."""
    return _principal.get()


def sign_out_of_context() -> None:
    """Forget the principal at the end of a request: threads are used again."""
    _principal.set(None)


def revoke_session(session_id: str) -> None:
    """Refuse all tokens of a session within a second, in every process."""
    _revoke(session_id, None)


def revoke_member(member_id: str, version: int) -> None:
    """Refuse a member's tokens below `version` within a second, in every process."""
    _revoke(member_id, version)


def _revoke(subject_id: str, version: int | None) -> None:
    db.session().add(Revocation(subject_id=subject_id, version=version, created_at=clock.now()))
    _revoked.read_at = 0.0


def _is_revoked(principal: Principal) -> bool:
    if time.monotonic() - _revoked.read_at > REFRESH_EVERY_S:
        _read_revocations()
    if principal.session_id in _revoked.sessions:
        return True
    return principal.version < _revoked.versions.get(principal.member_id, 0)


def _read_revocations() -> None:
    read_at = time.monotonic()
    lifetime = current_app.config["JWT_ACCESS_TOKEN_EXPIRES"] + timedelta(minutes=1)
    statement = sa.select(Revocation.subject_id, Revocation.version).where(
        Revocation.created_at > clock.now() - lifetime
    )
    with db.reading() as conn:
        rows = conn.execute(statement).all()
    versions: dict[str, int] = {}
    for subject, version in rows:
        if version is not None:
            versions[subject] = max(version, versions.get(subject, 0))
    _revoked.sessions = frozenset(subject for subject, version in rows if version is None)
    _revoked.versions = versions
    _revoked.read_at = read_at


def covers(grant: Grant, scope: Scope) -> bool:
    """Whether `grant` reaches `scope`: its subtree of units, its body, its branch."""
    if grant.branch_id is not None:
        return grant.branch_id == scope.branch_id
    if grant.body_id is not None and grant.body_id != scope.body_id:
        return False
    if grant.unit_id is None:
        return True
    return scope.unit_id is not None and grant.unit_id in _path_loader[0](scope.unit_id)


def everywhere() -> Scope:
    """The scope of what belongs to the whole organisation."""
    return Scope()


def allows(roles: Iterable[str], scope: Scope) -> bool:
    """Whether the principal holds one of `roles` over `scope`."""
    return any(covers(grant, scope) for grant in principal().of(frozenset(roles)))


def require(roles: Iterable[str], scope: Scope, *, hidden: bool = False) -> None:
    """Raise Forbidden, or NotFound where existence itself is private, unless `allows`."""
    if allows(roles, scope):
        return
    if hidden:
        raise NotFound
    raise Forbidden(_("This lies outside the units, bodies or branches your role covers."))
