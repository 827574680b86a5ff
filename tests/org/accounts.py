"""People who sign in: with a password of their own, or with a slip."""

from functools import cache
from typing import Any

from werkzeug.test import TestResponse

from api.org.models import Member
from api.org.service import passwords
from tests.factories import Person, World

PASSWORD = "correct horse battery"
NEW_PASSWORD = "staple of another colour"


@cache
def _hash() -> str:
    return passwords.hashed(PASSWORD)


def a_user(world: World, **fields: Any) -> Person:
    """A member whose password is PASSWORD."""
    return world.a_member(password_hash=_hash(), **fields)


def a_slip(world: World, person: Person) -> str:
    """The password of a new slip for a member."""
    with world.changing() as session:
        return passwords.give_slips([session.get_one(Member, person.id)])[0].password


def login(
    world: World, number: str, password: str, *, address: str = "10.0.0.1", **more: Any
) -> TestResponse:
    body = {"company": "C1", "number": number, "password": password, **more}
    return world.client.post(
        "/api/v1/auth/login", json=body, headers={"Accept-Language": "en"},
        environ_base={"REMOTE_ADDR": address},
    )  # fmt: skip


def signed_in(world: World, person: Person) -> dict[str, Any]:
    """A real sign-in's tokens; the person uses its access token from now on."""
    reply = login(world, person.number, PASSWORD)
    assert reply.status_code == 200, reply.get_json()
    tokens: dict[str, Any] = reply.get_json()
    person.token = tokens["access_token"]
    return tokens


def refresh(world: World, token: str) -> TestResponse:
    return world.client.post(
        "/api/v1/auth/refresh", json={"refresh_token": token}, headers={"Accept-Language": "en"}
    )
