"""Signing in: passwords, slips, throttling."""

from typing import Any

import pytest
import sqlalchemy as sa

from api.core import db, valkey
from api.core.audit import AuditLine
from api.org.models import Member
from tests.factories import World
from tests.org.accounts import NEW_PASSWORD, PASSWORD, a_slip, a_user, login, signed_in


def test_signing_in_gives_tokens_that_work(world: World) -> None:
    anna = a_user(world)
    tokens = signed_in(world, anna)
    assert tokens["member_id"] == anna.id
    assert tokens["expires_in_s"] == 900
    assert anna.get("/me").get_json()["number"] == anna.number


def test_a_wrong_password_and_an_unknown_number_answer_alike(world: World) -> None:
    anna = a_user(world)
    wrong = login(world, anna.number, "not the password")
    unknown = login(world, "99999", "not the password")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.headers["WWW-Authenticate"]
    bodies = [reply.get_json() for reply in (wrong, unknown)]
    for body in bodies:
        del body["request_id"]
    assert bodies[0] == bodies[1]
    assert bodies[0]["code"] == "wrong-credentials"


@pytest.mark.parametrize("fields", [{"status": "left"}, {"disabled": True}])
def test_who_left_or_is_disabled_gets_the_same_answer(world: World, fields: Any) -> None:
    anna = a_user(world, **fields)
    assert login(world, anna.number, PASSWORD).get_json()["code"] == "wrong-credentials"


def test_a_slip_asks_for_a_new_password_and_is_good_once(world: World) -> None:
    anna = world.a_member()
    slip = a_slip(world, anna)
    asked = login(world, anna.number, slip)
    assert asked.status_code == 403
    assert asked.get_json()["code"] == "password-change-required"
    first = login(world, anna.number, slip.upper().replace("-", " "), new_password=NEW_PASSWORD)
    assert first.status_code == 200, first.get_json()
    again = login(world, anna.number, slip, new_password="something else again")
    assert again.status_code == 401
    assert login(world, anna.number, NEW_PASSWORD).status_code == 200


@pytest.mark.parametrize(
    "weak", ["short", "1234567890", "aaaaaaaaaaaa", "Person 00042 x", "0000004242", "x" * 201]
)
def test_weak_new_passwords_are_refused_and_use_nothing_up(world: World, weak: str) -> None:
    anna = world.a_member(number="0000004242", name="Person 00042 X")
    slip = a_slip(world, anna)
    reply = login(world, anna.number, slip, new_password=weak)
    assert reply.status_code == 422
    assert reply.get_json()["errors"][0]["field"] == "new_password"
    assert login(world, anna.number, slip, new_password=NEW_PASSWORD).status_code == 200


def test_a_new_password_belongs_to_a_slip_only(world: World) -> None:
    anna = a_user(world)
    reply = login(world, anna.number, PASSWORD, new_password=NEW_PASSWORD)
    assert reply.status_code == 422
    assert login(world, anna.number, PASSWORD).status_code == 200


def test_a_slip_expires_after_14_days(world: World) -> None:
    anna = world.a_member()
    slip = a_slip(world, anna)
    world.move_clock(days=14, seconds=1)
    reply = login(world, anna.number, slip, new_password=NEW_PASSWORD)
    assert reply.get_json()["code"] == "wrong-credentials"


def test_wrong_tries_slow_down_and_the_owner_still_gets_in(world: World) -> None:
    anna = a_user(world)
    device = signed_in(world, anna)["device"]
    for _try in range(10):
        assert login(world, anna.number, "not the password").status_code == 401
    slowed = login(world, anna.number, "not the password")
    assert slowed.status_code == 429
    assert 1 <= int(slowed.headers["Retry-After"]) <= 3
    assert login(world, anna.number, PASSWORD, address="10.0.0.2").status_code == 200
    assert login(world, anna.number, PASSWORD, device=device).status_code == 200


def test_a_device_of_somebody_else_opens_no_new_bucket(world: World) -> None:
    anna, ben = a_user(world), a_user(world)
    device = signed_in(world, ben)["device"]
    for _try in range(10):
        login(world, anna.number, "not the password")
    assert login(world, anna.number, PASSWORD, device=device).status_code == 429


def test_right_passwords_cost_nothing(world: World) -> None:
    anna = a_user(world)
    for _time in range(12):
        assert login(world, anna.number, PASSWORD).status_code == 200


def test_limits_hold_without_valkey(world: World) -> None:
    anna = a_user(world)
    valkey.configure("redis://127.0.0.1:1")
    replies = [login(world, anna.number, "not the password").status_code for _try in range(11)]
    assert replies == [401] * 10 + [429]


def test_sign_ins_are_audited_without_secrets(world: World) -> None:
    anna = a_user(world)
    login(world, anna.number, "a wrong secret")
    signed_in(world, anna)
    with world.looking():
        lines = (
            db.connection()
            .execute(sa.select(*AuditLine.__table__.c).where(AuditLine.operation == "sign_in"))
            .all()
        )
    assert [line.outcome for line in lines] == ["refused", "done"]
    assert PASSWORD not in str(lines)
    assert "a wrong secret" not in str(lines)


def test_changing_the_password_ends_other_sessions(world: World) -> None:
    anna = a_user(world)
    elsewhere = signed_in(world, anna)
    signed_in(world, anna)
    wrong = anna.post("/me/password", {"password": "nonsense", "new_password": NEW_PASSWORD})
    assert wrong.status_code == 403
    changed = anna.post("/me/password", {"password": PASSWORD, "new_password": NEW_PASSWORD})
    assert changed.status_code == 200, changed.get_json()
    assert anna.get("/me").status_code == 401
    anna.token = changed.get_json()["access_token"]
    assert anna.get("/me").status_code == 200
    assert login(world, anna.number, PASSWORD).status_code == 401
    assert login(world, anna.number, NEW_PASSWORD).status_code == 200
    gone = world.client.post(
        "/api/v1/auth/refresh", json={"refresh_token": elsewhere["refresh_token"]}
    )
    kept = world.client.post(
        "/api/v1/auth/refresh", json={"refresh_token": changed.get_json()["refresh_token"]}
    )
    assert (gone.status_code, kept.status_code) == (401, 200)


def test_sessions_are_listed_and_ended(world: World) -> None:
    anna, ben = a_user(world), a_user(world)
    signed_in(world, ben)
    signed_in(world, anna)
    there = anna.token
    signed_in(world, anna)
    listed = anna.get("/me/sessions").get_json()["items"]
    # The factory makes one session, and two were signed in here.
    assert [session["present"] for session in listed] == [True, False, False]
    assert ben.delete(f"/me/sessions/{listed[1]['id']}").status_code == 404
    assert anna.delete(f"/me/sessions/{listed[1]['id']}").status_code == 204
    here, anna.token = anna.token, there
    assert anna.get("/me").status_code == 401
    anna.token = here
    assert anna.get("/me").status_code == 200


def test_stored_passwords_are_hashed(world: World) -> None:
    anna = world.a_member()
    slip = a_slip(world, anna)
    with world.looking() as session:
        stored = session.get_one(Member, anna.id).one_time_hash
    assert stored is not None
    assert slip not in stored
    assert stored.startswith("hmac$")
    login(world, anna.number, slip, new_password=NEW_PASSWORD)
    with world.looking() as session:
        member = session.get_one(Member, anna.id)
    assert member.one_time_hash is None
    assert member.password_hash
    assert member.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
