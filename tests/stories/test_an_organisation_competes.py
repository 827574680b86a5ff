"""Two hundred employees compete at once over HTTP on real processes, while workers are killed and
Valkey is flushed; in the end the boards equal the ledger and everybody finds what they did."""

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis

from api.app import create_app
from api.core import db, events
from api.core.settings import Settings
from api.points.service import oracle
from samples import competition, first_admin, organisation
from samples.client import Client
from samples.organisation import ADMIN, VISITOR, Sample
from tests.workers.system import Installation, alive, descendants, until

PLAYERS = 200
WINDOW_S = 30


@pytest.fixture
def installation(tmp_path: Path, database_url: str) -> Iterator[Installation]:
    """The whole system, on SQLite in its own home or on the suite's PostgreSQL."""
    place = Installation(tmp_path / "home")
    if database_url.startswith("postgresql"):
        place.extra["DATABASE_URL"] = database_url
    place.start()
    yield place
    place.stop()


@pytest.fixture
def settings_of(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The installation's own settings, also for commands that the test runs."""
    for name, value in installation.environment.items():
        monkeypatch.setenv(name, value)
    return Settings.from_env()


@pytest.fixture
def sample(installation: Installation, settings_of: Settings) -> Iterator[Sample]:
    """The sample organisation, loaded over HTTP."""
    base_url = f"http://127.0.0.1:{installation.port}"
    sample = Sample(base_url, organisation.organization(), Client(base_url))
    sample.slips[ADMIN] = first_admin.make(settings_of, sample.organization, ADMIN)
    sample.admin = sample.signed_in(ADMIN)
    for load in organisation.STEPS:
        load(sample)
    organisation.slips(sample, lambda: None)
    yield sample
    sample.close()


def test_an_organisation_competes_while_things_break(
    installation: Installation, sample: Sample, settings_of: Settings
) -> None:
    organizer = competition.organizer(sample)
    bank = competition.bank(sample, organizer)
    players = organisation.members_of(sample, PLAYERS)
    clients = competition.sign_ins(sample, players, lambda: None)
    span = timedelta(seconds=WINDOW_S)
    contest = competition.contest(sample, organizer, bank, "安全知识预赛", span, 1)

    breaking = threading.Thread(target=_break_things, args=(installation, settings_of))
    breaking.start()
    competition.compete(sample, contest, clients, lambda: None, WINDOW_S - 3)
    breaking.join()

    competition.settled(organizer, contest, WINDOW_S + 60)
    _quiet(settings_of)
    with create_app(settings_of).app_context():
        assert oracle.differences() == []
        db.db.engine.dispose()
    _everybody_finds_what_they_did(sample, contest)
    visitor = sample.signed_in(VISITOR)
    assert visitor.get("/leaderboards/people")["source"] == "valkey"


def _break_things(installation: Installation, settings: Settings) -> None:
    """Kill the drain worker, flush Valkey, kill the heavy worker with its horse."""
    time.sleep(1.0)
    _kill(installation, "drain")
    time.sleep(0.7)
    redis.Redis.from_url(settings.redis_url).flushall()
    time.sleep(0.7)
    _kill(installation, "heavy")


def _kill(installation: Installation, name: str) -> None:
    worker = installation.child("workers.worker", name)
    family = {worker} | descendants(worker)
    for pid in family:
        os.kill(pid, signal.SIGKILL)
    until(lambda: not alive(family), 10)


def _quiet(settings: Settings) -> None:
    """Wait until nothing is owed any more."""
    app = create_app(settings)

    def nothing_is_owed() -> bool:
        with app.app_context(), db.reading():
            return events.backlog() == {"pending": 0, "dead": 0}

    until(nothing_is_owed, 40)
    with app.app_context():
        db.db.engine.dispose()
    # Boards that the flush took are rebuilt within a second or two.
    time.sleep(3)


def _everybody_finds_what_they_did(sample: Sample, contest: str) -> None:
    chosen = random.Random(3).sample(organisation.members_of(sample, PLAYERS), 12)
    results = {row["member_id"]: row for row in _all_results(sample, contest)}
    assert len(results) == PLAYERS
    for who in chosen:
        person = sample.signed_in(who)
        mine = person.get("/me/points")
        board = person.get("/leaderboards/people")
        assert mine["balance"] == board["me"]["points"] > 0
        explained = person.get("/leaderboards/people/explain")
        assert explained["points"] == mine["balance"]
        assert results[sample.members[who]]["rank"] >= 1
        badges = {badge["code"] for badge in person.get("/me/badges")["items"]}
        assert "first_contest" in badges
        person.close()


def _all_results(sample: Sample, contest: str) -> list[dict[str, object]]:
    organizer = competition.organizer(sample)
    return list(organisation.pages(organizer, f"/contests/{contest}/results"))
