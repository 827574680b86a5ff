"""One's own data."""

from typing import Any

import pytest

from tests.factories import World


def test_me_shows_where_i_am(world: World) -> None:
    branch = world.a_branch(kind="union")
    anna = world.a_member(branches=(branch,))
    shown = anna.get("/me").get_json()
    assert shown["company"]["code"] == "C1"
    assert shown["branches"] == [
        {"id": branch, "kind": "union", "name": shown["branches"][0]["name"]}
    ]
    assert shown["roles"] == []
    assert shown["on_boards"] is True


def test_i_can_hide_and_take_a_nickname(world: World) -> None:
    anna = world.a_member()
    etag = anna.get("/me").headers["ETag"]
    body = {"on_boards": False, "nickname": "小安", "language": "en"}
    changed = anna.patch("/me", body, headers={"If-Match": etag})
    assert changed.status_code == 200
    assert {name: changed.get_json()[name] for name in body} == body
    assert anna.patch("/me", body, headers={"If-Match": etag}).status_code == 412
    assert anna.patch("/me", body).status_code == 428
    assert anna.get("/me", headers={"If-None-Match": changed.headers["ETag"]}).status_code == 304


@pytest.mark.parametrize(
    "body",
    [
        {"nickname": "=cmd()"}, {"nickname": "x" * 41}, {"nickname": "a\0b"}, {"language": "fr"},
        {"on_boards": 1}, {"role": "admin"}, {"status": "active"}, {"name": "Eve"},
        {"points": 1}, {"owner_id": "x"},
    ],
)  # fmt: skip
def test_what_i_may_not_change(world: World, body: dict[str, Any]) -> None:
    anna = world.a_member()
    reply = anna.patch("/me", body, headers={"If-Match": '"v1"'})
    assert reply.status_code == 422
    assert reply.get_json()["errors"][0]["field"] == next(iter(body))
