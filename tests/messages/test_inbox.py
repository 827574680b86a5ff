"""The inbox."""

from collections.abc import Sequence
from typing import Any

from api.core.i18n import Text, _
from api.messages import service
from tests.factories import Person, World


def send(world: World, people: Sequence[Person], key: str, text: Text) -> None:
    with world.changing():
        service.send([p.id for p in people], key=key, kind="test", text=text, link="/x")


def texts(person: Person, query: str = "", **headers: str) -> list[str]:
    return [item["text"] for item in inbox(person, query, **headers)["items"]]


def inbox(person: Person, query: str = "", **headers: str) -> Any:
    reply = person.get(f"/me/inbox{query}", headers=headers)
    assert reply.status_code == 200
    return reply.get_json()


GOT = "You got the badge {badge}."


def test_a_message_arrives_once_for_each_key(world: World) -> None:
    anna, ben = world.a_member(), world.a_member()
    send(world, [anna, anna], "a", Text("One"))
    send(world, [anna, ben], "a", Text("One again"))
    send(world, [anna], "b", Text("Two"))
    assert texts(anna) == ["Two", "One"]
    assert texts(ben) == ["One again"]


def test_texts_are_read_in_the_readers_language(world: World) -> None:
    anna = world.a_member()
    send(world, [anna], "a", Text(GOT, {"badge": {"en": "Full marks", "zh-CN": "满分"}}))
    send(world, [anna], "b", Text(GOT, {"badge": _("Wrong number or password.")}))
    assert texts(anna) == [
        "You got the badge Wrong number or password..", "You got the badge Full marks.",
    ]  # fmt: skip
    chinese = texts(anna, **{"Accept-Language": "zh-CN"})
    assert "满分" in chinese[1]
    assert "Wrong" not in chinese[0]


def test_pages_and_reading(world: World) -> None:
    anna, ben = world.a_member(), world.a_member()
    for number in range(5):
        send(world, [anna, ben], f"k{number}", Text(f"No {number}"))
    page = inbox(anna, "?limit=2")
    assert [item["text"] for item in page["items"]] == ["No 4", "No 3"]
    rest = texts(anna, f"?limit=200&cursor={page['next_cursor']}")
    assert rest == ["No 2", "No 1", "No 0"]
    assert anna.post("/me/inbox/read", {"ids": [page["items"][0]["id"]]}).get_json() == {"read": 1}
    assert texts(anna, "?unread=true") == ["No 3", "No 2", "No 1", "No 0"]
    third = inbox(anna)["items"][2]["id"]
    assert anna.post("/me/inbox/read", {"up_to": third}).get_json() == {"read": 3}
    assert texts(anna, "?unread=true") == ["No 3"]
    assert anna.post("/me/inbox/read", {}).get_json() == {"read": 1}
    assert anna.get("/me/home").get_json()["unread"] == 0
    assert ben.get("/me/home").get_json()["unread"] == 5


def test_nobody_marks_anothers_messages(world: World) -> None:
    anna, ben = world.a_member(), world.a_member()
    send(world, [anna], "a", Text("One"))
    ids = [inbox(anna)["items"][0]["id"]]
    assert ben.post("/me/inbox/read", {"ids": ids}).get_json() == {"read": 0}
    assert ben.post("/me/inbox/read", {"ids": ids, "up_to": ids[0]}).status_code == 422


def test_a_thousand_at_once(world: World) -> None:
    people = [world.a_member() for _person in range(3)]
    with world.changing():
        service.send([p.id for p in people] * 400, key="k", kind="test", text=Text("Hello"))
    assert texts(people[2]) == ["Hello"]
