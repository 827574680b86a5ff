"""P37: initial and reset passwords are single use, expire and are hashed; accounts can't be
told from answers or times."""

import statistics
import time
from functools import partial

from api.org import rules
from tests.factories import World
from tests.org.accounts import NEW_PASSWORD, a_slip, a_user, login
from tests.promises.rounds import at_once, rounds


def test_p37_a_slip_opens_once_however_often_it_is_tried_at_once(world: World) -> None:
    for _round in range(rounds(3, 50)):
        anna = world.a_member()
        slip = a_slip(world, anna)
        replies = at_once(
            [
                partial(login, world, anna.number, slip, new_password=f"{NEW_PASSWORD} {n}")
                for n in range(4)
            ]
        )
        statuses = sorted(reply.status_code for reply in replies)
        assert statuses == [200, 401, 401, 401]


def test_p37_a_second_slip_voids_the_first(world: World) -> None:
    anna = world.a_member()
    first, second = a_slip(world, anna), a_slip(world, anna)
    assert login(world, anna.number, first, new_password=NEW_PASSWORD).status_code == 401
    assert login(world, anna.number, second, new_password=NEW_PASSWORD).status_code == 200


def test_p37_a_reset_password_expires_and_the_old_one_is_void(world: World) -> None:
    admin, anna = world.an_admin(), a_user(world)
    made = admin.post(f"/members/{anna.id}/password-reset").get_json()
    assert login(world, anna.number, "correct horse battery").status_code == 401
    world.move_clock(days=14, seconds=1)
    reply = login(world, anna.number, made["password"], new_password=NEW_PASSWORD)
    assert reply.status_code == 401


def test_p37_another_members_slip_is_worth_nothing(world: World) -> None:
    anna, ben = world.a_member(), world.a_member()
    slip = a_slip(world, anna)
    assert login(world, ben.number, slip, new_password=NEW_PASSWORD).status_code == 401


def test_p37_times_tell_no_accounts(world: World) -> None:
    """A slip, a password, no account: each costs one Argon2 hash."""
    with_password = [a_user(world).number for _person in range(3)]
    with_slip = [world.a_member() for _person in range(3)]
    for person in with_slip:
        a_slip(world, person)
    groups = {
        "password": with_password,
        "slip": [person.number for person in with_slip],
        "unknown": ["90001", "90002", "90003"],
    }
    login(world, "90000", "warm up")
    medians = {name: statistics.median(_times(world, group)) for name, group in groups.items()}
    assert max(medians.values()) < 2 * min(medians.values()), medians


def _times(world: World, numbers: list[str]) -> list[float]:
    taken = []
    for number in numbers * 3:
        begun = time.perf_counter()
        assert login(world, number, "not the password").status_code == 401
        taken.append(time.perf_counter() - begun)
    return taken


def test_p37_slips_are_random() -> None:
    slips = {rules.new_slip() for _slip in range(2000)}
    assert len(slips) == 2000
    assert {len(slip) for slip in slips} == {17}
    assert len(set("".join(slips))) == len(rules.SLIP_SIGNS) + 1
