"""The list of bad input: each gets a clear problem and changes nothing."""

import copy
import json
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from api.contests.models import Question
from api.core import limits
from api.core.auth import Grant
from api.core.http import Operation
from tests.factories import Person, World
from tests.promises.digests import digest
from tests.promises.place import Place, a_place, text_file
from tests.promises.requests import REQUESTS, Request, key_of, send
from tests.promises.scene import Quiz, a_bank, a_quiz
from tests.promises.tables import by_tag

WITH_BODY = by_tag(lambda operation: operation.body)
WRONG_TYPES: list[Any] = [True, 1, -1, 1.5, "x", "", [], [1], {}, {"a": 1}]
# NUL, another control character, far too long, a lone surrogate, a page of direction marks.
BAD_TEXTS = ["a\0b", "\x07", "x" * 40_000, "\ud800", "\u202e" * 20_000]
Path = tuple[Any, ...]


@pytest.fixture
def place(world: World) -> Place:
    return a_place(world, "P1")


@pytest.fixture
def quiz(world: World) -> Quiz:
    return a_quiz(world)


def ready(place: Place, operation: Operation) -> tuple[Person, Request]:
    """Somebody who may do everything, and a request that would succeed."""
    limits.buckets.clear()
    grants = tuple(Grant(role) for role in operation.who if role != "employee")
    person = place.somebody(grants=grants)
    return person, REQUESTS[key_of(operation)](place, person)


def values_in(body: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value of a body, with the way to it."""
    if path:
        yield path, body
    if isinstance(body, (dict, list)):
        for name, part in body.items() if isinstance(body, dict) else enumerate(body):
            yield from values_in(part, (*path, name))


def with_value(body: Any, path: Path, value: Any) -> Any:
    changed = copy.deepcopy(body)
    inner = changed
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    return changed


def answered(
    place: Place, operation: Operation, person: Person, request: Request, body: Any
) -> TestResponse:
    limits.buckets.clear()
    return send(person, operation, Request(request.ids, request.query, body), place)


def clear(reply: TestResponse) -> bool:
    """A refusal that says which field is wrong and what was expected."""
    problem = reply.get_json()
    if reply.status_code == 422 and "errors" in problem:
        return all(error["field"] and error["message"] for error in problem["errors"])
    return reply.status_code in (400, 409, 413, 422) and bool(problem["detail"])


@pytest.mark.parametrize("group", WITH_BODY)
def test_a_wrong_type_anywhere_is_refused(place: Place, group: list[Operation]) -> None:
    """`true` for 1, a text for a number, an object for a list..."""
    for operation in group:
        person, request = ready(place, operation)
        before = digest(place.world)
        for path, value in values_in(request.body or {}):
            for wrong in WRONG_TYPES:
                if same_type(wrong, value):
                    continue
                body = with_value(request.body, path, wrong)
                reply = answered(place, operation, person, request, body)
                told = (key_of(operation), path, wrong, reply.status_code, reply.get_json())
                assert clear(reply), told
        assert digest(place.world) == before, key_of(operation)


def same_type(wrong: Any, value: Any) -> bool:
    """Whether JSON Schema would call both the same; an empty list may fit any list."""
    if isinstance(value, bool) or isinstance(wrong, bool):
        return isinstance(value, bool) and isinstance(wrong, bool)
    if isinstance(value, (int, float)):
        return isinstance(wrong, (int, float))
    return isinstance(wrong, type(value))


@pytest.mark.parametrize("group", WITH_BODY)
def test_a_bad_text_anywhere_is_refused(place: Place, group: list[Operation]) -> None:
    for operation in group:
        person, request = ready(place, operation)
        before = digest(place.world)
        texts = [path for path, value in values_in(request.body or {}) if isinstance(value, str)]
        for path, text in product(texts, BAD_TEXTS):
            # Only JSON escapes can carry a lone surrogate; the test client would refuse it.
            content = json.dumps(with_value(request.body, path, text))
            limits.buckets.clear()
            reply = person.request(
                operation.method, request.path(operation), data=content,
                content_type="application/json", query_string=request.query,
                headers={"If-Match": '"v1"'},
            )  # fmt: skip
            hollow = operation.name in ("login", "refresh") and reply.status_code == 401
            told = (key_of(operation), path, text[:9], reply.status_code, reply.get_json())
            assert clear(reply) or hollow, told
        assert digest(place.world) == before, key_of(operation)


def test_a_million_characters_are_too_many(place: Place) -> None:
    person = place.holder("organizer")
    body = {"name": "x" * 10**6, "unit_id": place.unit_id, "body_id": place.body_id}
    assert person.post("/question-banks", body).status_code == 413


@pytest.mark.parametrize("name", ["=cmd()", "+1", "-1", "@x", "\t=cmd()"])
def test_a_name_that_a_spreadsheet_would_run_is_refused(place: Place, name: str) -> None:
    admin = place.world.an_admin()
    bodies = {
        "/units": {"parent_id": place.unit_id, "kind": "department", "name": name},
        "/branches": {"kind": "league", "name": name, "unit_id": place.unit_id},
        "/organizing-bodies": {"kind": "union", "name": name, "unit_id": place.unit_id},
        "/teams": {"kind": "team", "name": name, "unit_id": place.unit_id},
        "/members": {
            "company_id": place.unit_id, "number": "N1", "name": name, "unit_id": place.unit_id,
        },
    }  # fmt: skip
    before = digest(place.world)
    for path, body in bodies.items():
        reply = admin.post(path, body)
        assert reply.status_code == 422, (path, reply.get_json())
        assert [error["field"] for error in reply.get_json()["errors"]] == ["name"]
    nick = admin.patch("/me", {"nickname": name}, headers={"If-Match": '"v1"'})
    assert nick.status_code == 422
    assert digest(place.world) == before


@pytest.mark.parametrize(
    "content", [b"", b"{", b"null", b"[]", b'"x"', b"1", b"NaN", b"\xff\xfe", b"{}{}"]
)
def test_a_body_that_is_no_object_is_refused(place: Place, content: bytes) -> None:
    person = place.holder("organizer")
    for path in ("/question-banks", "/contests"):
        reply = person.request("POST", path, data=content, content_type="application/json")
        assert reply.status_code in (400, 422), (path, reply.status_code)
        assert reply.get_json()["detail"]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_another_media_type_is_refused(place: Place, kind: str) -> None:
    person = place.holder("organizer")
    reply = person.request("POST", "/question-banks", data=b"{}", content_type=kind)
    assert (reply.status_code, reply.get_json()["code"]) == (415, "unsupported-media-type")
    upload = person.request(
        "POST", f"/question-banks/{place.bank_id}/imports", data=b"{}", content_type=kind
    )
    assert upload.status_code == 415


def test_bad_ids_are_not_found(place: Place) -> None:
    person = place.world.an_admin()
    for bad in ("1", "x" * 36, "0" * 37, "%00", "..", "é", "' OR 1=1", "0" * 5000):
        reply = person.get(f"/contests/{bad}")
        assert reply.status_code == 404, bad


# --- questions ---------------------------------------------------------------------------


def options(count: int) -> dict[str, Any]:
    return {
        "kind": "single", "stem": "Which?", "options": [f"option {n}" for n in range(count)],
        "answer": ["A"],
    }  # fmt: skip


def test_a_27th_option_is_refused(world: World) -> None:
    quiz = a_bank(world)
    place = f"/question-banks/{quiz.bank_id}/questions"
    made = quiz.organizer.post(place, options(26))
    assert made.status_code == 201
    before = digest(world)
    reply = quiz.organizer.post(place, options(27))
    assert (reply.status_code, reply.get_json()["errors"][0]["field"]) == (422, "options")
    edit = quiz.organizer.patch(
        f"/questions/{made.get_json()['id']}", options(27), headers={"If-Match": '"v1"'}
    )
    assert edit.status_code == 422
    assert digest(world) == before


def test_an_answer_that_does_not_fit_is_refused(quiz: Quiz) -> None:
    anna = quiz.world.a_member()
    attempt = quiz.start(anna)
    positions = {slot["kind"]: slot["position"] for slot in attempt["paper"]}
    before = digest(quiz.world)
    wrong: list[tuple[str, Any]] = [
        ("single", ["A", "B"]), ("single", ["Z"]), ("single", ["a"]), ("single", ["AB"]),
        ("multiple", ["A", "A"]), ("multiple", ["A"] * 27), ("true_false", ["maybe"]),
        ("true_false", [True]), ("fill_in", ["24", "x"]), ("fill_in", ["x" * 501]),
        ("fill_in", ["a\0b"]), ("fill_in", [24]), ("single", "A"), ("single", None),
    ]  # fmt: skip
    for kind, answer in wrong:
        body = {"answers": [{"position": positions[kind], "seq": 1, "answer": answer}]}
        for reply in (
            anna.put(f"/attempts/{attempt['id']}/answers", body),
            anna.post(f"/attempts/{attempt['id']}/submit", body),
        ):
            assert reply.status_code == 422, (kind, answer)
            assert reply.get_json()["errors"][0]["field"].startswith("answers.0.answer")
    for changes in ({"position": 0}, {"position": 99}, {"position": True}, {"seq": -1},
                    {"seq": 2**31}, {"seq": "1"}, {"seq": 1.5}):  # fmt: skip
        one = {"position": positions["fill_in"], "seq": 1, "answer": ["x"], **changes}
        reply = anna.put(f"/attempts/{attempt['id']}/answers", {"answers": [one]})
        assert reply.status_code == 422, changes
        assert reply.get_json()["errors"][0]["field"].startswith("answers.0.")
    twice = [{"position": 1, "seq": 1, "answer": []}] * 2
    assert anna.put(f"/attempts/{attempt['id']}/answers", {"answers": twice}).status_code == 422
    assert digest(quiz.world) == before


def imported(quiz: Quiz, text: str, **query: str) -> dict[str, Any]:
    """The finished job of an import."""
    reply = quiz.organizer.request(
        "POST", f"/question-banks/{quiz.bank_id}/imports", query_string=query, **text_file(text)
    )
    assert reply.status_code == 202, reply.get_json()
    quiz.world.work_off()
    job: dict[str, Any] = quiz.organizer.get(f"/jobs/{reply.get_json()['id']}").get_json()
    return job


def test_an_import_with_errors_says_where_and_imports_nothing(world: World) -> None:
    quiz = a_bank(world, [])
    good = "".join(f"Question {n}?\nA. x\nB. y\n答案：A\n\n" for n in range(600))
    bad = "The last?\nA. x\nB. y\n答案：C\n"
    job = imported(quiz, good + bad)
    assert job["state"] == "failed"
    [error] = job["errors"]
    assert error["row"] == 600 * 5 + 4
    assert (error["column"], error["value"]) == ("answer", "C")
    assert "C" in error["message"]
    assert questions(quiz) == 0
    dry = imported(quiz, good + bad, dry_run="true")
    assert (dry["state"], dry["result"]["added"], len(dry["errors"])) == ("done", 600, 1)
    assert questions(quiz) == 0
    asked = imported(quiz, good + bad, skip_errors="true")
    assert (asked["state"], asked["result"]["added"], len(asked["errors"])) == ("done", 600, 1)
    assert questions(quiz) == 600


def questions(quiz: Quiz) -> int:
    with quiz.world.looking() as session:
        statement = sa.select(sa.func.count()).where(Question.bank_id == quiz.bank_id)
        return session.scalar(statement) or 0
