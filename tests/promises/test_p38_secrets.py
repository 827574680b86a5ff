"""P38: no secret in logs, errors, URLs, exports: a slip, shown once, is the only place."""

import io
import json
import sys
from collections.abc import Callable
from typing import Any

import marshmallow as ma
import pytest
import redis
import sqlalchemy as sa

from api.core import db, logs
from api.core.auth import Grant
from api.core.errors import Problem
from api.core.settings import Settings
from tests.factories import Person, World
from tests.promises.place import Place, a_place
from tests.promises.scene import a_quiz
from tests.promises.system import System
from tests.promises.tables import declared

OWN, CHANGED, WRONG = "canary kettle 17 blue", "canary teapot 18 red", "canary guess 19 grey"
ANSWER = "CanaryAnswer"
NAMES_OF_SECRETS = ("password", "token", "secret", "slip", "hash")


class Secrets:
    """What was said in confidence, and every reply but those that hand a secret out."""

    def __init__(self, ask: Callable[..., tuple[int, str]]) -> None:
        self.ask = ask
        self.known = [OWN, CHANGED, WRONG]
        self.replies: list[str] = []

    def handed_out(self, text: str) -> dict[str, Any]:
        """Tokens and passwords of a reply are secrets from now on."""
        found: dict[str, Any] = json.loads(text)
        self.known += [
            value for name, value in found.items() if name.endswith("token") or name == "device"
        ]
        return found

    def heard_in(self, text: str) -> list[str]:
        """The secrets that stand in a text; of a token its signature is enough."""
        return [secret for secret in self.known if secret.rpartition(".")[2] in text]


def the_whole_way(secrets: Secrets, place: Place, admin: Person) -> None:
    """Slip, first sign-in, wrong guesses, password change, refresh, reuse, sign-out; and every
    way to put a secret where it doesn't belong."""
    someone = place.somebody()
    status, text = secrets.ask(
        "POST", f"/branches/{place.branch_id}/slips", {"member_ids": [someone.id]}, admin.token
    )
    assert status == 200, text
    slip = json.loads(text)["slips"][0]["password"]
    secrets.known.append(slip)
    name = {"company": place.code, "number": someone.number}

    def say(path: str, body: Any, token: str | None = None, wanted: int | None = None) -> str:
        status, text = secrets.ask("POST", path, body, token)
        assert wanted in (None, status), (path, status, text)
        assert status < 500, text
        if status >= 400:
            secrets.replies.append(text)
        return text

    login, refresh = "/auth/login", "/auth/refresh"
    say(login, {**name, "password": WRONG}, wanted=401)
    say(login, {**name, "password": slip}, wanted=403)
    first = say(login, {**name, "password": slip, "new_password": OWN}, wanted=200)
    tokens = secrets.handed_out(first)
    say(login, {**name, "password": slip, "new_password": CHANGED}, wanted=401)
    access, old = tokens["access_token"], tokens["refresh_token"]
    body = {"password": WRONG, "new_password": CHANGED}
    say("/me/password", body, access, wanted=403)
    say("/me/password", {**body, "password": OWN, "role": "admin"}, access, wanted=422)
    changed = say("/me/password", {"password": OWN, "new_password": CHANGED}, access, wanted=200)
    tokens = secrets.handed_out(changed)
    for _turn in range(2):
        renewed = say(refresh, {"refresh_token": tokens["refresh_token"]}, wanted=200)
        tokens = secrets.handed_out(renewed)
    say(refresh, {"refresh_token": old}, wanted=401)
    # Where it doesn't belong: wrong fields, wrong types, broken JSON, URLs, other people's fields.
    say(login, {**name, "password": {"nested": OWN}}, wanted=422)
    say(login, {**name, "password": [OWN]}, wanted=422)
    say(login, {**name, "passw0rd": OWN, "password": OWN}, wanted=422)
    say(login, {"company": OWN, "number": CHANGED, "password": WRONG})
    say(f"/auth/login?password={OWN.replace(' ', '+')}", {**name, "password": OWN}, wanted=422)
    say(login, f'{{"password": "{OWN}"', wanted=400)
    say(refresh, {"refresh_token": tokens["access_token"]}, wanted=401)
    say("/auth/logout", None, access + "x", wanted=401)
    say("/auth/logout", None, tokens["access_token"])


def test_p38_not_in_logs_database_or_valkey(
    world: World, monkeypatch: pytest.MonkeyPatch, valkey_url: str
) -> None:
    log = io.StringIO()
    monkeypatch.setattr(sys, "stderr", log)
    logs.configure("DEBUG")
    place = a_place(world, "P1")

    def ask(method: str, path: str, body: Any, token: str | None = None) -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        sent = {"data": body, "content_type": "application/json"}
        if not isinstance(body, str):
            sent = {"json": body}
        reply = world.client.open(f"/api/v1{path}", method=method, headers=headers, **sent)
        return reply.status_code, reply.get_data(as_text=True)

    secrets = Secrets(ask)
    the_whole_way(secrets, place, world.an_admin())
    world.work_off()
    assert secrets.heard_in(log.getvalue()) == []
    assert secrets.heard_in("\n".join(secrets.replies)) == []
    assert secrets.heard_in(everything_stored(world)) == []
    connection = redis.Redis.from_url(valkey_url)
    held = b"".join(name + (connection.dump(name) or b"") for name in connection.scan_iter())
    assert secrets.heard_in(held.decode("latin-1")) == []
    connection.close()


def everything_stored(world: World) -> str:
    """All values of all rows of all tables."""
    with world.looking() as session:
        return "\n".join(
            str(tuple(row))
            for table in db.Base.metadata.sorted_tables
            for row in session.execute(sa.select(table))
        )


def test_p38_not_in_the_logs_of_real_processes(system: System) -> None:
    system.start()
    place = a_place(system.world, "P1")

    def ask(method: str, path: str, body: Any, token: str | None = None) -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        reply = system.ask(None, method, path, body, **headers)
        return reply.status, reply.content.decode()

    secrets = Secrets(ask)
    the_whole_way(secrets, place, system.world.an_admin())
    system.stop()
    written = system.logs()
    assert "canary" not in written.lower()
    assert secrets.heard_in(written) == []
    assert system.extra["SECRET_KEY"] not in written


@pytest.mark.parametrize("table", ["members", "sign_in_sessions", "attempts", "question_versions"])
def test_p38_not_in_the_log_of_what_goes_wrong(
    world: World, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database refuses a write: neither the log nor the reply quotes what was written."""
    place = a_place(world, "P1")
    quiz = a_quiz(world)
    anna = world.a_member()
    attempt = quiz.start(anna)
    slip = slip_of(world, place, someone := place.somebody())
    log = io.StringIO()
    monkeypatch.setattr(sys, "stderr", log)
    logs.configure("DEBUG")
    refuse_writes(world, table)
    blank = next(s["position"] for s in attempt["paper"] if s["kind"] == "fill_in")
    answers = {"answers": [{"position": blank, "seq": 1, "answer": [ANSWER]}]}
    login = {
        "company": place.code, "number": someone.number, "password": slip, "new_password": OWN,
    }  # fmt: skip
    question = {"kind": "fill_in", "stem": "Say __.", "answer": [ANSWER], "explanation": ANSWER}
    acts = {
        "members": lambda: world.client.post("/api/v1/auth/login", json=login),
        "sign_in_sessions": lambda: world.client.post("/api/v1/auth/login", json=login),
        "attempts": lambda: anna.put(f"/attempts/{attempt['id']}/answers", answers),
        "question_versions": lambda: quiz.organizer.post(
            f"/question-banks/{quiz.bank_id}/questions", question
        ),
    }
    reply = acts[table]()
    assert reply.status_code >= 500, reply.get_json()
    told = log.getvalue() + reply.get_data(as_text=True)
    assert "not today" in log.getvalue() or "database" in log.getvalue(), "nothing was logged"
    for secret in (slip, OWN, ANSWER, "$argon2", someone.number):
        assert secret not in told
    assert "SELECT" not in reply.get_data(as_text=True)


def slip_of(world: World, place: Place, person: Person) -> str:
    admin = world.a_member(grants=(Grant("admin"),))
    body = {"member_ids": [person.id]}
    slips = admin.post(f"/branches/{place.branch_id}/slips", body).get_json()
    return str(slips["slips"][0]["password"])


def refuse_writes(world: World, table: str) -> None:
    """Let the database refuse every INSERT and UPDATE of a table from now on."""
    with world.changing() as session:
        if session.get_bind().dialect.name == "sqlite":
            for act in ("INSERT", "UPDATE"):
                session.execute(
                    sa.text(
                        f"CREATE TRIGGER no_{act} BEFORE {act} ON {table} "
                        "BEGIN SELECT RAISE(ABORT, 'not today'); END"
                    )
                )
            return
        session.execute(
            sa.text(
                "CREATE FUNCTION not_today() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION 'not today'; END $$"
            )
        )
        session.execute(
            sa.text(
                f"CREATE TRIGGER no_writes BEFORE INSERT OR UPDATE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION not_today()"
            )
        )


def test_p38_no_path_and_no_query_asks_for_a_secret() -> None:
    for operation in declared():
        names = list(operation.query.fields) if operation.query else []
        for word in NAMES_OF_SECRETS:
            assert all(word not in name for name in names), operation.name
            assert f"{{{word}" not in operation.path


def test_p38_no_reply_declares_a_hash_and_only_some_hand_out_secrets() -> None:
    handing_out = {
        "login", "refresh", "change_password", "make_slips", "reset_password",
    }  # fmt: skip
    for operation in declared():
        names = set(all_names(operation.reply))
        assert not any("hash" in name or "secret" in name for name in names), operation.name
        if any("password" in name or "token" in name for name in names):
            assert operation.name in handing_out


def all_names(schema: ma.Schema | None) -> list[str]:
    names = []
    for name, field in (schema.fields if schema else {}).items():
        inner = getattr(field, "inner", field)
        names += [name, *all_names(getattr(inner, "schema", None))]
    return names


def test_p38_settings_are_printed_without_their_secrets() -> None:
    settings = Settings.from_env(
        {
            "LEITAI_HOME": "nowhere",
            "SECRET_KEY": "canary-secret-key-of-32-characters!",
            "DATABASE_URL": "postgresql://leitai:canary-db@db.example/leitai",
            "REDIS_URL": "redis://:canary-redis@valkey.example:6379/0",
        }
    )
    printed = str(settings.printable())
    assert "canary" not in printed
    assert "db.example" in printed


def test_p38_problems_have_no_room_for_what_was_sent() -> None:
    """No problem's own text takes a password or token as a parameter."""
    for problem in Problem.known.values():
        assert not any(word in problem.title.params for word in NAMES_OF_SECRETS)
