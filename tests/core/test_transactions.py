"""Where a transaction begins and ends, what it keeps, and who waits for whom."""

import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa
from flask import Flask

from api.core import db
from api.core.db import OutsideTransaction
from api.core.errors import Conflict
from api.core.failpoints import FailpointHit
from api.core.i18n import _
from api.core.schedule import Lease
from api.core.settings import Settings
from api.org.models import Unit
from tests.factories import World
from tests.workers.system import ROOT

on_sqlite_only = pytest.mark.skipif(
    bool(os.environ.get("TEST_DATABASE_URL")), reason="PostgreSQL has no file and no pragmas"
)


class Kept(Conflict):
    code = "kept-in-tests"
    title = _("Somebody changed this since you read it. Read it again, then repeat your change.")
    keeps_effects: ClassVar[bool] = True


@pytest.fixture(autouse=True)
def context(app: Flask) -> Any:
    with app.app_context():
        yield


def add(name: str) -> None:
    """A row by Core, and one by the ORM, in the transaction in force."""
    db.connection().execute(sa.insert(Unit), a_unit(f"{name} by Core"))
    db.session().add(Unit(**a_unit(f"{name} by ORM")))


def a_unit(name: str) -> dict[str, Any]:
    return {"id": db.new_id(), "name": name, "kind": "group", "path": name, "version": 1}


def names() -> list[str]:
    with db.reading() as conn:
        return sorted(conn.execute(sa.select(Unit.name)).scalars())


BOTH = ["x by Core", "x by ORM"]


def test_leaving_the_block_commits_both_kinds_of_work() -> None:
    with db.transaction():
        add("x")
    assert names() == BOTH


@pytest.mark.parametrize("error", [ValueError, Conflict, FailpointHit, KeyboardInterrupt])
def test_raising_rolls_back(error: type[BaseException]) -> None:
    with pytest.raises(error), db.transaction():
        add("x")
        raise error
    assert names() == []


def test_a_refusal_may_keep_its_effects() -> None:
    with pytest.raises(Kept), db.transaction():
        add("x")
        raise Kept
    assert names() == BOTH


def test_reading_never_writes() -> None:
    """SQLite takes the rows back at the end; PostgreSQL refuses them."""
    with suppress(sa.exc.InternalError), db.reading():
        add("x")
        db.session().flush()
    assert names() == []


def test_both_kinds_of_work_see_each_other() -> None:
    with db.transaction():
        unit = Unit(**a_unit("x"))
        db.session().add(unit)
        db.session().flush()
        statement = sa.select(Unit.name).where(Unit.id == unit.id)
        assert db.connection().scalar(statement) == "x"
        db.connection().execute(sa.update(Unit).where(Unit.id == unit.id).values(name="y"))
        assert db.session().get(Unit, unit.id, populate_existing=True).name == "y"  # type: ignore[union-attr]


def test_a_statement_outside_is_a_mistake() -> None:
    with pytest.raises(OutsideTransaction):
        db.connection()
    with pytest.raises(OutsideTransaction):
        db.session().scalar(sa.select(Unit.name))
    with db.reading():
        db.session().scalar(sa.select(Unit.name))
    with pytest.raises(OutsideTransaction):
        db.session().scalar(sa.select(Unit.name))


def test_transactions_do_not_nest() -> None:
    for outer in (db.transaction, db.reading):
        for inner in (db.transaction, db.reading):
            with outer(), pytest.raises(OutsideTransaction), inner():
                pass
    with db.transaction():
        add("x")
    assert names() == BOTH


def test_a_failed_transaction_leaves_a_clean_connection(app: Flask) -> None:
    for _turn in range(40):
        with pytest.raises(sa.exc.SQLAlchemyError), db.transaction() as conn:
            conn.exec_driver_sql("SELECT nonsense")
    with db.transaction():
        add("x")
    assert db.db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_a_reader_sees_one_moment(app: Flask) -> None:
    """What is committed meanwhile doesn't show before the reading ends."""
    with db.reading() as conn:
        count = sa.select(sa.func.count()).select_from(Unit)
        assert conn.scalar(count) == 0
        elsewhere(app, "x")
        assert conn.scalar(count) == 0
    assert names() == BOTH


def elsewhere(app: Flask, name: str) -> None:
    """Commit rows from another thread."""

    def write() -> None:
        with app.app_context(), db.transaction():
            add(name)

    thread = threading.Thread(target=write)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()


def test_threads_count_up_without_loss(app: Flask) -> None:
    with db.transaction() as conn:
        conn.execute(sa.insert(Unit), a_unit("counter") | {"version": 0})

    def count() -> None:
        for _turn in range(20):
            with app.app_context(), db.transaction() as conn:
                held = conn.scalar(sa.select(Unit.version).with_for_update())
                conn.execute(sa.update(Unit).values(version=held + 1))

    threads = [threading.Thread(target=count) for _thread in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with db.reading() as conn:
        assert conn.scalar(sa.select(Unit.version)) == 120


@on_sqlite_only
def test_only_a_durable_commit_waits_for_the_disk() -> None:
    found = []
    for durable in (False, True, True, False):
        with db.transaction(durable=durable) as conn:
            found.append(conn.exec_driver_sql("PRAGMA synchronous").scalar())
    assert found == [1, 2, 2, 1]  # NORMAL, FULL


@on_sqlite_only
def test_every_connection_is_set_up() -> None:
    wanted = {
        "journal_mode": "wal", "foreign_keys": 1, "recursive_triggers": 1, "busy_timeout": 30000,
    }  # fmt: skip
    with db.reading() as conn:
        found = {name: conn.exec_driver_sql(f"PRAGMA {name}").scalar() for name in wanted}
    assert found == wanted


def test_a_foreign_key_is_kept() -> None:
    with pytest.raises(sa.exc.IntegrityError), db.transaction() as conn:
        conn.execute(sa.insert(Unit), a_unit("x") | {"parent_id": db.new_id()})


@on_sqlite_only
def test_writers_of_all_processes_take_turns(app: Flask, settings: Settings) -> None:
    """A busy writer elsewhere that begins again at once doesn't starve one that waits here."""
    code = (
        "import sys, time, sqlalchemy as sa\n"
        "from workers.tasks import application\n"
        "from api.core import db\n"
        "from api.core.schedule import Lease\n"
        "with application().app_context():\n"
        "    print('begun', flush=True)\n"
        "    end = time.monotonic() + 3\n"
        "    while time.monotonic() < end:\n"
        "        with db.transaction() as conn:\n"
        "            conn.execute(sa.update(Lease).values(runner='busy'))\n"
        "            time.sleep(0.02)\n"
    )
    environment = {
        **os.environ, "LEITAI_HOME": str(settings.home), "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url, "SECRET_KEY": settings.secret_key,
    }  # fmt: skip
    busy = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    assert busy.stdout is not None
    assert busy.stdout.readline() == "begun\n"
    waits = []
    for number in range(20):
        began = time.perf_counter()
        with db.transaction():
            add(f"{number}")
        waits.append(time.perf_counter() - began)
        time.sleep(0.01)
    busy.communicate(timeout=30)
    assert busy.returncode == 0
    assert max(waits) < 0.5, "somebody was starved"
    assert len(names()) == 40


def test_an_id_is_36_characters_whatever_the_database(world: World) -> None:
    unit_id = world.the_group()
    with db.reading() as conn:
        assert conn.scalar(sa.select(Unit.id)) == unit_id
        assert len(unit_id) == 36
    assert db.as_id(unit_id.upper()) == unit_id
    for bad in ("", "x" * 36, unit_id.replace("-", ""), unit_id + "0", "{" + unit_id[1:-1] + "}"):
        assert db.as_id(bad) is None, bad


def test_instants_keep_their_microseconds() -> None:
    at = datetime(2026, 11, 23, 23, 59, 59, 999999, tzinfo=timezone(timedelta(hours=8)))
    values = {"name": "x", "runner": "y", "until": at, "seen_at": at}
    with db.transaction() as conn:
        conn.execute(sa.insert(Lease), values)
    with db.reading() as conn:
        found = conn.scalar(sa.select(Lease.until))
    assert found == at
    assert found is not None
    assert found.tzinfo == UTC
