"""Signing in and out, passwords, sessions, one's own data."""

from typing import Any

from flask import request

from api.core import auth
from api.core.errors import Conflict, TooMany, Unauthorized
from api.core.http import ANYONE, EMPLOYEE, Routes
from api.core.limits import REFRESH_ADDRESS, SIGN_IN_ADDRESS
from api.org.queries import views
from api.org.schemas import sign_in as schemas
from api.org.service import members, sessions, sign_in
from api.org.service.passwords import WrongPassword

routes = Routes("sign-in")


@routes.endpoint(
    "POST /auth/login", who=ANYONE, body=schemas.SignInIn, reply=schemas.SignInOut,
    summary="Sign in with company code, employee number and password", rate=SIGN_IN_ADDRESS,
    problems=(sign_in.WrongCredentials, sign_in.PasswordChangeRequired, TooMany),
    own_transactions=True,
)  # fmt: skip
def login(body: dict[str, Any]) -> dict[str, Any]:
    """A slip's password is good once: send it together with a `new_password`."""
    return sign_in.sign_in(body, request.headers.get("User-Agent", ""))


@routes.endpoint(
    "POST /auth/refresh", who=ANYONE, body=schemas.RefreshIn, reply=schemas.TokensOut,
    summary="Fresh tokens for a refresh token", rate=REFRESH_ADDRESS, audited=False,
    problems=(Unauthorized, sessions.RefreshReused),
)  # fmt: skip
def refresh(body: dict[str, Any]) -> dict[str, Any]:
    """The refresh token before the present one stays good until the present one is first used;
    an older one ends the session."""
    return sessions.refresh(body["refresh_token"])


@routes.endpoint("POST /auth/logout", who=EMPLOYEE, summary="Sign out here", durable=True)
def logout() -> None:
    sessions.revoke(auth.principal().session_id)


@routes.endpoint(
    "POST /me/password", who=EMPLOYEE, body=schemas.PasswordIn, reply=schemas.TokensOut,
    summary="Change my password; my other sessions end", own_transactions=True,
    problems=(WrongPassword, Conflict),
)  # fmt: skip
def change_password(body: dict[str, Any]) -> dict[str, Any]:
    return sign_in.change_password(body)


@routes.endpoint(
    "GET /me/sessions", who=EMPLOYEE, reply=schemas.SessionsOut, summary="Where I am signed in"
)
def list_sessions() -> dict[str, Any]:
    principal = auth.principal()
    return views.sessions_of(principal.member_id, principal.session_id)


@routes.endpoint(
    "DELETE /me/sessions/{session_id}", who=EMPLOYEE, summary="Sign out there", durable=True
)
def end_session(session_id: str) -> None:
    sessions.revoke_own(session_id)


@routes.endpoint("GET /me", who=EMPLOYEE, reply=schemas.MeOut, etag=True, summary="My own data")
def get_me() -> dict[str, Any]:
    return views.me(auth.principal().member_id)


@routes.endpoint(
    "PATCH /me", who=EMPLOYEE, body=schemas.MePatch, reply=schemas.MeOut, etag=True,
    summary="Change my language, my nickname, whether boards show me",
)  # fmt: skip
def edit_me(if_match: int, body: dict[str, Any]) -> dict[str, Any]:
    members.edit_own(if_match, body)
    return views.me(auth.principal().member_id)
