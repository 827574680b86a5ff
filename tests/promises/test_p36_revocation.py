"""P36: logout, password change, disabling and role change act within one second."""

import time
from collections.abc import Callable
from datetime import timedelta

import pytest
import redis

from api.core import auth, clock, valkey
from api.core.auth import Grant
from api.core.settings import Settings
from tests.factories import Person, World
from tests.org.accounts import NEW_PASSWORD, PASSWORD, a_user, refresh, signed_in

WITHIN_S = 1.0


def logout(_admin: Person, anna: Person) -> None:
    assert anna.post("/auth/logout").status_code == 204


def password(_admin: Person, anna: Person) -> None:
    body = {"password": PASSWORD, "new_password": NEW_PASSWORD}
    assert anna.post("/me/password", body).status_code == 200


def disable(admin: Person, anna: Person) -> None:
    _patch(admin, anna, {"disabled": True})


def leave(admin: Person, anna: Person) -> None:
    _patch(admin, anna, {"status": "left"})


def reset(admin: Person, anna: Person) -> None:
    assert admin.post(f"/members/{anna.id}/password-reset").status_code == 200


def give_role(admin: Person, anna: Person) -> None:
    body = {"member_id": anna.id, "role": "judge"}
    assert admin.post("/role-grants", body).status_code == 201


def _patch(admin: Person, anna: Person, body: dict[str, object]) -> None:
    version = admin.get(f"/members/{anna.id}").headers["ETag"]
    reply = admin.patch(f"/members/{anna.id}", body, headers={"If-Match": version})
    assert reply.status_code == 200, reply.get_json()


Act = Callable[[Person, Person], None]


@pytest.mark.parametrize("valkey_state", ["up", "flushed", "down"])
@pytest.mark.parametrize("act", [logout, password, disable, leave, reset, give_role])
def test_p36_access_ends_within_a_second(
    world: World, settings: Settings, act: Act, valkey_state: str
) -> None:
    admin, anna = world.an_admin(), a_user(world)
    tokens = signed_in(world, anna)
    assert anna.get("/me").status_code == 200
    if valkey_state == "flushed":
        redis.Redis.from_url(settings.redis_url).flushall()
    if valkey_state == "down":
        valkey.configure("redis://127.0.0.1:1")
    read_at = auth._revoked.read_at
    act(admin, anna)
    # What another process would know: what it read before the act.
    auth._revoked.sessions, auth._revoked.versions = frozenset(), {}
    auth._revoked.read_at = max(read_at, time.monotonic())
    time.sleep(WITHIN_S)
    assert anna.get("/me").status_code == 401
    status = refresh(world, tokens["refresh_token"]).status_code
    assert status == (200 if act in (give_role, password) else 401)


def test_p36_a_role_taken_away_is_gone_at_the_next_refresh(world: World) -> None:
    admin, anna = world.an_admin(), a_user(world)
    given = admin.post("/role-grants", {"member_id": anna.id, "role": "auditor"}).get_json()
    tokens = signed_in(world, anna)
    assert anna.get("/audit").status_code == 200
    assert admin.delete(f"/role-grants/{given['id']}").status_code == 204
    assert anna.get("/audit").status_code == 401
    anna.token = refresh(world, tokens["refresh_token"]).get_json()["access_token"]
    assert anna.get("/audit").status_code == 403


def test_p36_a_token_ends_with_the_first_of_its_roles(world: World) -> None:
    admin, anna = world.an_admin(), a_user(world)
    until_at = (clock.now() + timedelta(seconds=100)).isoformat()
    body = {"member_id": anna.id, "role": "auditor", "until_at": until_at}
    assert admin.post("/role-grants", body).status_code == 201
    tokens = signed_in(world, anna)
    assert 90 <= tokens["expires_in_s"] <= 100
    assert anna.get("/audit").status_code == 200
    world.move_clock(seconds=101)
    assert anna.get("/audit").status_code == 401
    anna.token = refresh(world, tokens["refresh_token"]).get_json()["access_token"]
    assert anna.get("/audit").status_code == 403


def test_p36_roles_reach_as_far_as_they_were_given(world: World) -> None:
    anna = a_user(world, grants=(Grant("auditor", world.the_company()),))
    signed_in(world, anna)
    assert anna.get("/audit").status_code == 403
