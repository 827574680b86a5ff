"""P35: reuse of a refresh token revokes the family; a lost reply does not."""

from api.org.models import SignInSession
from tests.factories import World
from tests.org.accounts import a_user, refresh, signed_in
from tests.promises.rounds import at_once, rounds


def test_p35_each_use_gives_the_next(world: World) -> None:
    anna = a_user(world)
    token = signed_in(world, anna)["refresh_token"]
    for _use in range(3):
        reply = refresh(world, token)
        assert reply.status_code == 200
        token = reply.get_json()["refresh_token"]
        anna.token = reply.get_json()["access_token"]
        assert anna.get("/me").status_code == 200


def test_p35_a_lost_reply_signs_nobody_out(world: World) -> None:
    first = signed_in(world, a_user(world))["refresh_token"]
    refresh(world, first)  # the reply never arrives
    again = refresh(world, first)
    assert again.status_code == 200
    assert refresh(world, again.get_json()["refresh_token"]).status_code == 200


def test_p35_reuse_after_the_successor_was_used_ends_the_family(world: World) -> None:
    anna = a_user(world)
    first = signed_in(world, anna)["refresh_token"]
    second = refresh(world, first).get_json()["refresh_token"]
    third = refresh(world, second).get_json()
    anna.token = third["access_token"]
    assert anna.get("/me").status_code == 200
    reused = refresh(world, first)
    assert reused.status_code == 401
    assert reused.get_json()["code"] == "refresh-reused"
    assert reused.headers["WWW-Authenticate"]
    assert refresh(world, third["refresh_token"]).status_code == 401
    assert anna.get("/me").status_code == 401
    with world.looking() as session:
        ended = session.query(SignInSession).filter(SignInSession.revoked_at.is_not(None)).count()
    assert ended == 1


def test_p35_other_sign_ins_live_on(world: World) -> None:
    anna = a_user(world)
    other = signed_in(world, anna)["refresh_token"]
    first = signed_in(world, anna)["refresh_token"]
    second = refresh(world, first).get_json()["refresh_token"]
    refresh(world, second)
    refresh(world, first)
    assert refresh(world, other).status_code == 200


def test_p35_parallel_uses_of_one_token_all_succeed(world: World) -> None:
    anna = a_user(world)
    for _round in range(rounds(5, 100)):
        token = signed_in(world, anna)["refresh_token"]
        replies = at_once([lambda token=token: refresh(world, token)] * 4)
        assert [reply.status_code for reply in replies] == [200] * 4
        # All successors are of one generation: whichever the client kept, it works.
        for reply in replies[:2]:
            assert refresh(world, reply.get_json()["refresh_token"]).status_code == 200


def test_p35_a_session_unused_for_a_month_is_over(world: World) -> None:
    token = signed_in(world, a_user(world))["refresh_token"]
    world.move_clock(days=30, seconds=1)
    assert refresh(world, token).status_code == 401
