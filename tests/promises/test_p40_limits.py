"""P40: limits on body, page, nesting and rate; addresses from trusted proxies only."""

import json
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from api.app import create_app
from api.core import db, limits
from api.core.audit import AuditLine
from api.core.auth import Grant
from api.core.http import Operation
from api.core.settings import Settings
from tests.conftest import _settings
from tests.factories import Person, World
from tests.org.accounts import PASSWORD, a_user, login
from tests.promises.digests import digest
from tests.promises.place import a_place, text_file
from tests.promises.requests import REQUESTS, key_of, send
from tests.promises.scene import QUESTIONS, a_quiz
from tests.promises.system import System
from tests.promises.tables import by_tag, declared

DEEP = 20_000


# --- bodies ------------------------------------------------------------------------------


def test_p40_a_body_too_large_is_413(world: World) -> None:
    anna = world.a_member()
    large = {"language": "x" * 300_000}
    reply = anna.patch("/me", large, headers={"If-Match": '"v1"'})
    assert (reply.status_code, reply.get_json()["code"]) == (413, "too-large")
    file = anna.request(
        "POST", "/files", data=b"x" * (20 * 1024 * 1024 + 1),
        content_type="multipart/form-data; boundary=x",
    )  # fmt: skip
    assert (file.status_code, file.get_json()["code"]) == (413, "too-large")
    kept = anna.request("POST", "/files", **text_file("x" * (300 * 1024)))
    assert kept.status_code == 201, "a file may be larger than a JSON body"


def test_p40_a_body_of_unknown_length_is_cut_off_too(system: System) -> None:
    """Chunked, so that no Content-Length tells; and a promise that isn't kept."""
    system.start()
    anna = system.world.a_member()
    head = (
        "PATCH /api/v1/me HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f'If-Match: "v1"\r\nAuthorization: Bearer {anna.token}\r\n'
    )
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    status, body = raw(
        system, head + "Transfer-Encoding: chunked\r\n\r\n", chunk * 8 + b"0\r\n\r\n"
    )
    assert (status, body["code"]) == (413, "too-large"), body
    status, body = raw(system, head + "Content-Length: 99999999\r\n\r\n", b"{")
    assert (status, body["code"]) == (413, "too-large")
    assert system.status("/api/v1/healthz") == 200


def raw(system: System, head: str, content: bytes) -> tuple[int, Any]:
    """The reply to bytes sent as they are."""
    with socket.create_connection(("127.0.0.1", system.port), timeout=20) as connection:
        connection.sendall(head.encode())
        with suppress(OSError):  # it may answer and hang up before it has read everything
            connection.sendall(content)
        received = b""
        while True:
            part = connection.recv(65536)
            if not part:
                break
            received += part
            top, _blank, body = received.partition(b"\r\n\r\n")
            length = next(
                (int(v) for k, _, v in (line.partition(b":") for line in top.split(b"\r\n"))
                 if k.lower() == b"content-length"),
                None,
            )  # fmt: skip
            if length is not None and len(body) >= length:
                break
    return int(received.split(b" ", 2)[1]), json.loads(received.partition(b"\r\n\r\n")[2])


@pytest.mark.parametrize("deep", ["[" * DEEP, '{"a":' * DEEP, "[" * DEEP + "]" * DEEP])
def test_p40_deep_nesting_is_a_clear_refusal(world: World, deep: str) -> None:
    """Wherever a body goes, and wherever in a body it stands."""
    place = a_place(world, "P1")
    before = digest(world)
    for operation in declared():
        if operation.body is None and operation.parse is None:
            continue
        person = world.a_member(grants=tuple(Grant(r) for r in operation.who if r != "employee"))
        before = digest(world)
        names = re.findall(r"{(\w+)}", operation.path)
        path = operation.path.format(**dict.fromkeys(names, world.the_group()))
        reply = person.request(
            operation.method, path, data=deep, content_type="application/json",
            headers={"If-Match": '"v1"'},
        )  # fmt: skip
        assert 400 <= reply.status_code < 500, (operation.name, reply.status_code)
        assert digest(world) == before
    assert place


def test_p40_nesting_inside_a_free_field_is_refused(world: World) -> None:
    admin = world.an_admin()
    nested: Any = 1
    for _level in range(900):
        nested = [nested]
    rule = {
        "code": "quiz.x", "fact_kind": "quiz", "title": {"en": "x"}, "caps": {},
    }  # fmt: skip
    before = digest(world)
    for formula in ({"kind": "fixed", "amount": nested}, {"kind": nested, "amount": 1}):
        content = json.dumps({**rule, "formula": formula})
        reply = admin.request(
            "POST", "/point-rules", data=content, content_type="application/json",
            headers={"Idempotency-Key": "deep"},
        )  # fmt: skip
        assert (reply.status_code, reply.get_json()["code"]) == (400, "bad-request")
        assert "32 levels" in reply.get_json()["detail"]
    assert digest(world) == before


# --- pages -------------------------------------------------------------------------------


LIMITS = {
    "200": True, "1": True, "201": False, "0": False, "-1": False, "1e2": False, "9" * 400: False,
    "": False,
}  # fmt: skip


@pytest.mark.parametrize("group", by_tag(lambda o: o.query and "limit" in o.query.fields))
def test_p40_no_page_is_longer_than_200(world: World, group: list[Operation]) -> None:
    place = a_place(world, "P1")
    for operation in group:
        person = place.somebody(grants=tuple(Grant(r) for r in operation.who if r != "employee"))
        request = REQUESTS[key_of(operation)](place, person)
        for limit, accepted in LIMITS.items():
            request.query["limit"] = limit
            reply = send(person, operation, request, place)
            told = (key_of(operation), limit, reply.status_code)
            assert reply.status_code == (200 if accepted else 422), told
            assert accepted or reply.get_json()["errors"][0]["field"] == "limit"


# --- rates -------------------------------------------------------------------------------


def test_p40_an_account_is_limited_and_its_neighbours_are_not(world: World) -> None:
    """A whole company sits behind one address."""
    anna, ben = world.a_member(), world.a_member()
    anna_elsewhere = anna.again()
    statuses = [anna.get("/me/inbox").status_code for _number in range(limits.READ.burst + 60)]
    assert statuses[: limits.READ.burst] == [200] * limits.READ.burst
    assert statuses[-1] == 429
    refused = anna.get("/me/inbox")
    assert refused.get_json()["code"] == "too-many-requests"
    assert int(refused.headers["Retry-After"]) >= 1
    assert ben.get("/me/inbox").status_code == 200
    again = [anna_elsewhere.get("/me/inbox").status_code for _number in range(60)]
    assert again.count(429) > 20, "a new token is no new account"


def test_p40_writing_has_a_bucket_of_its_own(world: World) -> None:
    anna = world.a_member()
    while anna.get("/me/inbox").status_code == 200:
        pass
    assert anna.post("/me/inbox/read", {}).status_code == 200


def test_p40_imports_are_limited_in_all_processes_together(world: World) -> None:
    anna = world.a_member()
    statuses = []
    for _number in range(limits.IMPORT.burst + 2):
        limits.buckets.clear()  # as if each request met another process
        statuses.append(anna.request("POST", "/files", **text_file("x")).status_code)
    assert statuses[: limits.IMPORT.burst] == [201] * limits.IMPORT.burst
    assert statuses[-1] == 429


def test_p40_a_victim_is_never_locked_out(world: World) -> None:
    """Somebody guesses from elsewhere until refused; the owner still gets in."""
    anna = a_user(world)
    known = login(world, anna.number, PASSWORD, address="10.0.0.7").get_json()
    guesses = [login(world, anna.number, f"guess {n}", address="10.6.6.6") for n in range(15)]
    assert guesses[-1].status_code == 429
    assert guesses[-1].headers["Retry-After"]
    assert login(world, anna.number, PASSWORD, address="10.6.6.6").status_code == 429
    assert login(world, anna.number, PASSWORD, address="10.0.0.7").status_code == 200
    # Behind the same address as the guesser: a device that signed in before isn't slowed down.
    same_place = login(
        world, anna.number, PASSWORD, address="10.6.6.6", device=known["device"]
    )  # fmt: skip
    assert same_place.status_code == 200


# --- addresses ---------------------------------------------------------------------------


def address_seen(world: World, headers: dict[str, str]) -> str:
    """The address that the audit trail wrote down for a request."""
    anna = world.a_member()
    me = anna.patch("/me", {"on_boards": True}, headers={"If-Match": '"v1"', **headers})
    assert me.status_code == 200, me.get_json()
    with world.looking() as session:
        statement = sa.select(AuditLine.address).order_by(AuditLine.id.desc()).limit(1)
        return str(session.scalar(statement))


FORWARDED = {"X-Forwarded-For": "6.6.6.6, 10.1.1.1", "X-Real-IP": "6.6.6.6", "Forwarded": "for=6"}


def test_p40_forwarded_addresses_are_ignored(world: World) -> None:
    assert address_seen(world, FORWARDED) == "127.0.0.1"


@pytest.fixture
def behind_a_proxy(settings: Settings) -> Iterator[Flask]:
    environment = _settings(
        settings.home, settings.database_url, settings.redis_url, TRUSTED_PROXIES="1"
    )
    app = create_app(environment)
    yield app
    with app.app_context():
        db.db.engine.dispose()


def test_p40_a_trusted_proxys_word_counts_and_no_more(behind_a_proxy: Flask) -> None:
    world = World(behind_a_proxy)
    assert address_seen(world, FORWARDED) == "10.1.1.1"
    assert address_seen(world, {"X-Forwarded-For": "10.1.1.2"}) == "10.1.1.2"
    assert address_seen(world, {}) == "127.0.0.1"


def test_p40_a_forged_host_or_scheme_changes_no_link(world: World) -> None:
    quiz = a_quiz(world, QUESTIONS)
    anna: Person = world.a_member()
    attempt = quiz.start(anna)
    forged = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    reply = anna.post(f"/attempts/{attempt['id']}/submit", {}, headers=forged)
    assert "evil" not in reply.get_data(as_text=True) + str(reply.headers)
