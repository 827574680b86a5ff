"""P2: a retry with the same Idempotency-Key has one effect and the same reply."""

import http.client
import json
from typing import Any

import pytest
import sqlalchemy as sa

from api.contests.models import QuestionBank
from api.core.idempotency import IdempotentReply
from tests.factories import Person, World
from tests.promises.place import Place, a_place, text_file
from tests.promises.rounds import at_once, rounds
from tests.promises.system import System, until
from tests.promises.tables import declared

BANKS = "/question-banks"
# Made once whatever the key: one running attempt, one settlement.
NATURAL = {"start_attempt", "settle_contest"}
SECRET = ("password", "token", "slip")


@pytest.fixture
def place(world: World) -> Place:
    return a_place(world, "P1")


@pytest.fixture
def organizer(place: Place) -> Person:
    return place.holder("organizer")


def body(place: Place, name: str = "Bank") -> dict[str, Any]:
    return {"name": name, "unit_id": place.unit_id, "body_id": place.body_id}


def banks(world: World) -> list[str]:
    with world.looking() as session:
        return sorted(session.scalars(sa.select(QuestionBank.name)))


def key(text: str) -> dict[str, dict[str, str]]:
    return {"headers": {"Idempotency-Key": text}}


def test_p02_the_same_request_is_replayed(place: Place, organizer: Person) -> None:
    first = organizer.post(BANKS, body(place), **key("k1"))
    again = organizer.post(BANKS, body(place), **key("k1"))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.get_json() == first.get_json()
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert banks(place.world) == ["Bank"]


def test_p02_another_body_or_address_is_refused(place: Place, organizer: Person) -> None:
    organizer.post(BANKS, body(place), **key("k1"))
    other_body = organizer.post(BANKS, body(place, "Other"), **key("k1"))
    other_path = organizer.post(f"{BANKS}/{place.bank_id}/questions", A_QUESTION, **key("k1"))
    for reply in (other_body, other_path):
        assert reply.status_code == 422
        assert reply.get_json()["code"] == "idempotency-key-reused"
    assert "Other" not in banks(place.world)


A_QUESTION = {"kind": "true_false", "stem": "Is it?", "answer": ["true"]}


def test_p02_another_file_is_refused(place: Place, organizer: Person) -> None:
    path = f"{BANKS}/{place.bank_id}/imports"
    first = organizer.request("POST", path, **text_file("Q?\nA. x\nB. y\n答案：B"), **key("k"))
    again = organizer.request("POST", path, **text_file("Q?\nA. x\nB. y\n答案：B"), **key("k"))
    other = organizer.request("POST", path, **text_file("Q?\nA. x\nB. y\n答案：A"), **key("k"))
    assert (first.status_code, again.status_code, other.status_code) == (202, 202, 422)
    assert again.get_json()["id"] == first.get_json()["id"]


def test_p02_everybody_has_keys_of_their_own(place: Place, organizer: Person) -> None:
    second = place.somebody(grants=(place.grant("organizer"),))
    ids = {p.post(BANKS, body(place), **key("k1")).get_json()["id"] for p in (organizer, second)}
    assert len(ids) == 2


def test_p02_a_refused_request_does_not_use_its_key_up(place: Place, organizer: Person) -> None:
    wrong = organizer.post(BANKS, {**body(place), "name": ""}, **key("k1"))
    right = organizer.post(BANKS, body(place), **key("k1"))
    assert (wrong.status_code, right.status_code) == (422, 201)
    assert "Idempotency-Replayed" not in right.headers


@pytest.mark.parametrize("bad", ["", " ", "a b", "x" * 129, "schlüssel"])
def test_p02_a_bad_key_is_refused(place: Place, organizer: Person, bad: str) -> None:
    reply = organizer.post(BANKS, body(place), headers={"Idempotency-Key": bad})
    assert reply.status_code == 422
    assert reply.get_json()["errors"][0]["field"] == "Idempotency-Key"
    assert banks(place.world) == []


def test_p02_duplicates_in_flight_wait_and_replay(place: Place, organizer: Person) -> None:
    for number in range(rounds(8, 200)):
        name = f"Bank-{number}"
        send = [lambda: organizer.post(BANKS, body(place, name), **key(name))] * 6  # noqa: B023
        replies = at_once(send)
        assert [reply.status_code for reply in replies] == [201] * 6
        assert len({reply.get_json()["id"] for reply in replies}) == 1
        assert sum("Idempotency-Replayed" in reply.headers for reply in replies) == 5
        assert banks(place.world).count(name) == 1


def test_p02_different_bodies_in_flight_have_one_effect(place: Place, organizer: Person) -> None:
    for number in range(rounds(5, 100)):
        names = [f"{number}-{letter}" for letter in "abcd"]
        acts = [
            lambda name=name: organizer.post(BANKS, body(place, name), **key(f"k{number}"))  # noqa: B023
            for name in names
        ]
        statuses = sorted(reply.status_code for reply in at_once(acts))
        assert statuses == [201, 422, 422, 422]
        assert len(set(names) & set(banks(place.world))) == 1


def test_p02_a_stored_reply_is_forgotten_after_a_day(place: Place, organizer: Person) -> None:
    first = organizer.post(BANKS, body(place), **key("k1"))
    place.world.move_clock(hours=23)
    place.world.work_off()
    place.world.move_clock(hours=-23)
    assert organizer.post(BANKS, body(place), **key("k1")).get_json() == first.get_json()
    place.world.move_clock(hours=25)
    place.world.work_off()
    with place.world.looking() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(IdempotentReply)) == 0


def test_p02_every_creating_post_takes_a_key_except_where_secrets_pass() -> None:
    for operation in declared():
        if operation.method != "POST":
            assert not operation.idempotent
            continue
        secret = any(word in operation.path for word in ("auth", "password", "slips"))
        if operation.status in (201, 202):
            assert operation.idempotent or operation.name in NATURAL, operation.name
        assert not (secret and operation.idempotent), operation.name
        for schema in (operation.body, operation.reply):
            names = " ".join(schema.fields) if schema else ""
            if any(word in names for word in SECRET):
                assert not operation.idempotent, operation.name


def test_p02_a_connection_cut_after_the_commit_is_made_good(system: System) -> None:
    """The client sends, hangs up without reading, and sends again."""
    system.start()
    place = a_place(system.world, "P1")
    organizer = place.holder("organizer")
    for number in range(rounds(5, 50)):
        name = f"Bank-{number}"
        hang_up(system, organizer, BANKS, body(place, name), name)
        until(lambda: name in banks(system.world))  # noqa: B023
        again = system.ask(organizer, "POST", BANKS, body(place, name), **{"Idempotency-Key": name})
        assert (again.status, again.headers.get("Idempotency-Replayed")) == (201, "true")
        assert banks(system.world).count(name) == 1


def hang_up(system: System, person: Person, path: str, content: dict[str, Any], name: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", system.port, timeout=10)
    headers = {
        "Authorization": f"Bearer {person.token}",
        "Content-Type": "application/json",
        "Idempotency-Key": name,
    }
    connection.request("POST", f"/api/v1{path}", json.dumps(content), headers)
    connection.close()
