"""P34: only our own, whole, present access tokens are accepted."""

import base64
import time
from collections.abc import Callable
from typing import Any

import jwt
import orjson
import pytest

from tests.conftest import SECRET
from tests.factories import Person, World
from tests.org.accounts import a_user, signed_in

OTHER_KEY = "another key of more than sixty-four bytes, so that HS512 is content with its length"

Claims = dict[str, Any]


def signed(claims: Claims, key: str = SECRET, algorithm: str = "HS256") -> str:
    return jwt.encode(claims, key, algorithm=algorithm)


def unsigned(claims: Claims) -> str:
    parts = [{"alg": "none", "typ": "JWT"}, claims]
    return (
        ".".join(
            base64.urlsafe_b64encode(orjson.dumps(part)).decode().rstrip("=") for part in parts
        )
        + "."
    )


def without(name: str) -> Callable[[Claims], str]:
    return lambda claims: signed({key: claims[key] for key in claims if key != name})


def with_(**changes: Any) -> Callable[[Claims], str]:
    return lambda claims: signed({**claims, **changes})


FORGED: dict[str, Callable[[Claims], str]] = {
    "alg none": unsigned,
    "HS512": lambda claims: signed(claims, SECRET * 2, "HS512"),
    "HS384": lambda claims: signed(claims, SECRET * 2, "HS384"),
    "wrong key": lambda claims: signed(claims, OTHER_KEY),
    "no exp": without("exp"),
    "no jti": without("jti"),
    "no aud": without("aud"),
    "no iss": without("iss"),
    "no typ": without("typ"),
    "no sub": without("sub"),
    "no iat": without("iat"),
    "no sid": without("sid"),
    "no ver": without("ver"),
    "foreign aud": with_(aud="another-api"),
    "foreign iss": with_(iss="somebody"),
    "expired": with_(exp=time.time() - 1),
    "exp is a word": with_(exp="never"),
    "a device's": with_(typ="device"),
    "8 kB": with_(padding="x" * 8000),
    "not a token": lambda _claims: "abc",
    "empty": lambda _claims: "",
    "not ASCII": lambda _claims: "\u00e9\u00e8.x.y",
}


@pytest.fixture
def anna(world: World) -> Person:
    return a_user(world)


def test_p34_the_untouched_token_is_accepted(world: World, anna: Person) -> None:
    signed_in(world, anna)
    claims = jwt.decode(anna.token, options={"verify_signature": False})
    anna.token = signed(claims)
    assert anna.get("/me").status_code == 200


@pytest.mark.parametrize("forged", list(FORGED))
def test_p34_any_other_is_refused(world: World, anna: Person, forged: str) -> None:
    signed_in(world, anna)
    claims = jwt.decode(anna.token, options={"verify_signature": False})
    anna.token = FORGED[forged](claims)
    _check_refused(anna)


def test_p34_a_refresh_token_opens_nothing(world: World, anna: Person) -> None:
    anna.token = signed_in(world, anna)["refresh_token"]
    _check_refused(anna)


def test_p34_a_device_token_opens_nothing(world: World, anna: Person) -> None:
    anna.token = signed_in(world, anna)["device"]
    _check_refused(anna)


@pytest.mark.parametrize("header", [None, "", "Basic YTpi", "Bearer", "Bearer  ", "Bearer a b"])
def test_p34_other_headers_are_refused(world: World, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    reply = world.client.get("/api/v1/me", headers=headers)
    assert reply.status_code == 401
    assert reply.headers["WWW-Authenticate"]


@pytest.mark.parametrize("forged", list(FORGED))
def test_p34_forged_refresh_tokens_are_refused(world: World, anna: Person, forged: str) -> None:
    token = signed_in(world, anna)["refresh_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    body = {"refresh_token": FORGED[forged](claims) or "x"}
    reply = world.client.post("/api/v1/auth/refresh", json=body)
    assert reply.status_code == 401
    assert reply.mimetype == "application/problem+json"


def test_p34_an_access_token_refreshes_nothing(world: World, anna: Person) -> None:
    token = signed_in(world, anna)["access_token"]
    reply = world.client.post("/api/v1/auth/refresh", json={"refresh_token": token})
    assert reply.status_code == 401


def test_p34_a_token_says_nothing_personal(world: World, anna: Person) -> None:
    tokens = signed_in(world, anna)
    for name in ("access_token", "refresh_token", "device"):
        claims = jwt.decode(tokens[name], options={"verify_signature": False})
        assert anna.number not in str(claims)
        assert "Person" not in str(claims)


def _check_refused(person: Person) -> None:
    reply = person.get("/me")
    assert reply.status_code == 401
    assert reply.mimetype == "application/problem+json"
    assert reply.get_json()["code"] == "unauthorized"
    assert reply.headers["WWW-Authenticate"].startswith("Bearer")
