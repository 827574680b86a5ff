"""Around every request: ids, languages, problems, gzip, ETags, If-Match, cursors, odd things."""

import base64
import gzip
import json
from typing import Any

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient

from api.core import db, limits, logs, openapi, pages
from api.core.errors import Invalid, Problem
from api.org.models import Unit
from tests.factories import Person, World
from tests.promises.place import Place, a_place
from tests.promises.rounds import at_once
from tests.promises.scene import a_bank


@pytest.fixture
def place(world: World) -> Place:
    return a_place(world, "P1")


# --- request ids -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("abcdefgh-1234", True),
        ("short", False),
        ("x" * 65, False),
        ("with space in it", False),
        ("<script>alert(1)</script>", False),
        (None, False),
    ],
)
def test_a_decent_request_id_is_kept(client: FlaskClient, given: str | None, kept: bool) -> None:
    reply = client.get("/api/v1/nowhere", headers={"X-Request-ID": given} if given else {})
    sent_back = reply.headers["X-Request-ID"]
    assert (sent_back == given) is kept
    assert reply.get_json()["request_id"] == sent_back
    assert len(sent_back) >= 8


def test_every_reply_says_how_to_treat_it(client: FlaskClient) -> None:
    for path in ("/api/v1/healthz", "/api/v1/me", "/api/v1/nowhere"):
        headers = client.get(path).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"


# --- problems ----------------------------------------------------------------------------


def test_a_problem_is_a_document_in_the_readers_language(world: World) -> None:
    anna = world.a_member()
    told = {}
    for language in ("zh-CN", "en"):
        headers = {"Accept-Language": language, "If-Match": '"v1"'}
        reply = anna.patch("/me", {"language": "fr"}, headers=headers)
        assert reply.mimetype == "application/problem+json"
        assert reply.headers["Content-Language"] == language
        told[language] = reply.get_json()
    chinese, english = told["zh-CN"], told["en"]
    for problem in (chinese, english):
        assert problem["type"] == "/problems/invalid"
        assert (problem["status"], problem["code"]) == (422, "invalid")
        assert problem["errors"][0]["field"] == "language"
        assert {"title", "detail", "request_id"} <= set(problem)
    assert chinese["title"] != english["title"]


def test_every_problem_has_a_page_for_people(client: FlaskClient) -> None:
    for code, problem in Problem.known.items():
        page = client.get(f"/problems/{code}", headers={"Accept-Language": "en"})
        assert page.status_code == 200, code
        assert str(problem.status) in page.get_data(as_text=True), code
    assert client.get("/problems/nonsense").status_code == 404


def test_every_problem_speaks_both_languages() -> None:
    for code, problem in Problem.known.items():
        chinese, english = problem.title.in_language("zh-CN"), problem.title.in_language("en")
        assert chinese != english, code
        assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese), code


def test_all_that_is_wrong_is_told_at_once(world: World) -> None:
    organizer = world.an_organizer()
    reply = organizer.post("/contests", {"title": 1, "nonsense": 2, "settings": {"tries": "x"}})
    where = {error["field"] for error in reply.get_json()["errors"]}
    assert {"title", "nonsense", "settings.tries", "unit_id", "opens_at"} <= where


def test_the_unknown_and_the_impossible(client: FlaskClient, world: World) -> None:
    assert client.get("/api/v1").status_code == 404
    wrong = client.delete("/api/v1/healthz")
    assert (wrong.status_code, wrong.get_json()["code"]) == (405, "method-not-allowed")
    assert "GET" in wrong.headers["Allow"]
    assert client.get("/api/v1/../etc/passwd").status_code in (308, 404)
    assert client.get("/api/v1/%2e%2e/%00").status_code == 404
    head = client.head("/api/v1/healthz")
    assert (head.status_code, head.data) == (200, b"")


def test_what_goes_wrong_inside_is_told_without_details(world: World) -> None:
    home = world.app.extensions["leitai.settings"].home / "failpoints"
    home.mkdir()
    (home / "submit.marked").write_text("raise")
    quiz = a_bank(world)
    contest = quiz.organizer.post("/contests", quiz.draft()).get_json()
    quiz.contest_id = contest["id"]
    quiz.organizer.post(f"/contests/{quiz.contest_id}/publish")
    anna = world.a_member()
    attempt = quiz.start(anna)
    reply = anna.post(f"/attempts/{attempt['id']}/submit", {})
    assert (reply.status_code, reply.get_json()["code"]) == (500, "internal")
    assert "Failpoint" not in reply.get_data(as_text=True)
    assert "Traceback" not in reply.get_data(as_text=True)


def test_a_log_line_never_quotes_what_the_database_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("INFO")
    try:
        raise ValueError(
            "(psycopg.errors.UniqueViolation) duplicate key\n"
            "DETAIL:  Key (name)=(Anna Canary) already exists.\nand more Canary\n"
            "[SQL: INSERT INTO members]\n[SQL parameters hidden]"
        )
    except ValueError:
        logs.logger("test").exception("refused")
    written = capsys.readouterr().err
    line = json.loads(written)
    assert "Canary" not in written
    assert "duplicate key" in line["exception"]
    assert "INSERT INTO members" in line["exception"]


# --- gzip --------------------------------------------------------------------------------


def test_large_replies_are_compressed_for_who_accepts_it(client: FlaskClient) -> None:
    plain = client.get("/api/v1/openapi.json")
    packed = client.get("/api/v1/openapi.json", headers={"Accept-Encoding": "gzip, br"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) < len(plain.data) / 4
    small = client.get("/api/v1/healthz", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in small.headers


# --- ETag and If-Match -------------------------------------------------------------------


def edited(person: Person, path: str, body: dict[str, Any], tag: str | None) -> Any:
    return person.patch(path, body, headers={"If-Match": tag} if tag is not None else {})


def test_an_edit_needs_the_etag_it_was_made_on(place: Place) -> None:
    organizer = place.holder("organizer")
    path = f"/question-banks/{place.bank_id}"
    first = organizer.get(path)
    assert first.headers["ETag"] == '"v1"'
    assert edited(organizer, path, {"name": "A"}, None).status_code == 428
    done = edited(organizer, path, {"name": "A"}, first.headers["ETag"])
    assert (done.status_code, done.headers["ETag"]) == (200, '"v2"')
    stale = edited(organizer, path, {"name": "B"}, first.headers["ETag"])
    assert (stale.status_code, stale.get_json()["code"]) == (412, "stale")
    assert organizer.get(path).get_json()["name"] == "A"
    assert edited(organizer, path, {"name": "B"}, 'W/"v2"').status_code == 200


@pytest.mark.parametrize("tag", ["", "*", '"v"', '"x1"', '"v-1"', '"v99999999999"', '"v1", "v2"'])
def test_a_strange_etag_never_matches(place: Place, tag: str) -> None:
    organizer = place.holder("organizer")
    path = f"/question-banks/{place.bank_id}"
    assert edited(organizer, path, {"name": "A"}, tag).status_code == 412


def test_an_unchanged_resource_is_304(place: Place) -> None:
    organizer = place.holder("organizer")
    path = f"/question-banks/{place.bank_id}"
    unchanged = organizer.get(path, headers={"If-None-Match": '"v1"'})
    assert (unchanged.status_code, unchanged.data) == (304, b"")
    assert organizer.get(path, headers={"If-None-Match": '"v2"'}).status_code == 200


def test_of_parallel_edits_on_one_etag_one_wins(world: World) -> None:
    """For every resource that is edited under If-Match."""
    place = a_place(world, "P1")
    admin = world.an_admin()
    targets = {
        f"/question-banks/{place.bank_id}": "name",
        f"/contests/{place.contest('draft')}": "title",
        f"/units/{world.a_unit(None, place.unit_id)}": "name",
        f"/branches/{place.branch_id}": "name",
        f"/members/{place.somebody().id}": "post",
    }
    for path, field in targets.items():
        tag = admin.get(path).headers["ETag"]
        acts = [
            lambda number=number: edited(admin, path, {field: f"N{number}"}, tag)  # noqa: B023
            for number in range(5)
        ]
        statuses = sorted(reply.status_code for reply in at_once(acts))
        assert statuses == [200, 412, 412, 412, 412], path


# --- cursors -----------------------------------------------------------------------------


def cursor(*values: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(values)).decode().rstrip("=")


STRANGE = [
    "x", "====", "e30", "W10", "bnVsbA", "é", "%00", "x" * 500, "x" * 501, "AAAA" * 100,
    cursor(), cursor(1), cursor(None), cursor("x"), cursor([1]), cursor({}), cursor(True),
    cursor("a\0b"), cursor(2**63), cursor(-(2**63)), cursor(1.5), cursor("x" * 300),
    cursor("x", "y"), cursor("x", "y", "z"), cursor(1, 2, 3), cursor("2026-01-01T00:00:00Z"),
    cursor("00000000-0000-7000-8000-000000000000", "00000000-0000-7000-8000-000000000000"),
]  # fmt: skip


def test_a_strange_cursor_is_refused_or_ends_somewhere(world: World) -> None:
    place = a_place(world, "P1")
    admin = world.an_admin()
    lists = [o for o in openapi.declared(world.app) if o.query and "cursor" in o.query.fields]
    assert len(lists) > 10
    for operation in lists:
        limits.buckets.clear()
        path = operation.path.format(
            key="people", bank_id=place.bank_id, contest_id=place.contest("released")
        )
        query = {"branch_id": place.branch_id} if "memberships" in path else {}
        for strange in STRANGE:
            reply = admin.get(path, query_string={**query, "cursor": strange})
            assert reply.status_code in (200, 422), (path, strange, reply.get_json())
            if reply.status_code == 422:
                assert reply.get_json()["errors"][0]["field"] == "cursor"


def test_a_cursor_comes_back_as_it_was(app: Flask) -> None:
    table = Unit.__table__.c
    values = ["a name 安全", db.new_id()]
    text = pages.encode_cursor(values)
    assert pages.decode_cursor(text, [table.name, table.id]) == values
    with pytest.raises(Invalid):
        pages.decode_cursor(text, [table.id, table.name])
