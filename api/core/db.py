"""Database: one engine, one place where a transaction ends.

Writes go through `transaction()`, reads through `reading()`; a statement outside both is an
error.  Inside, `connection()` is the Core connection of the transaction and `db.session` an ORM
session joined to it, so that both see the same work.  On SQLite a file lock taken before
BEGIN IMMEDIATE lets writers of all processes queue fairly; without it a busy drain starves them.
"""

import fcntl
import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias, cast

import orjson
import sqlalchemy as sa
import uuid_utils
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as FlaskSession
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Session, registry

from api.core.errors import Problem
from api.core.settings import Settings

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class OutsideTransaction(Exception):
    """A statement was sent outside `transaction()` and `reading()`: a programming error."""


class Id(sa.types.TypeDecorator[str]):
    """A UUID: 36 characters in Python, 16 bytes in SQLite, native in PostgreSQL."""

    impl = sa.LargeBinary(16)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.UUID(as_uuid=False))
        return dialect.type_descriptor(sa.LargeBinary(16))

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return bytes.fromhex(value.replace("-", ""))

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> str | None:
        if value is None or isinstance(value, str):
            return value
        return id_text(value)


class Instant(sa.types.TypeDecorator[datetime]):
    """An aware UTC instant: TIMESTAMPTZ in PostgreSQL, whole microseconds in SQLite."""

    impl = sa.BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(sa.DateTime(timezone=True))
        return dialect.type_descriptor(sa.BigInteger())

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if isinstance(value, datetime):
            return value.astimezone(UTC)
        return _EPOCH + timedelta(microseconds=value)


# A SELECT whatever its columns; SQLAlchemy types each one.
Rows: TypeAlias = "sa.Select[*tuple[Any, ...]]"
Json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
BigKey = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


class Base(DeclarativeBase):
    """The base of all tables."""

    registry = registry(
        metadata=sa.MetaData(naming_convention=NAMING),
        type_annotation_map={datetime: Instant(), dict[str, Any]: Json, list[Any]: Json},
    )


class JoinedSession(FlaskSession):
    """An ORM session that lives inside the transaction in force, and only there."""

    def get_bind(self, *_args: Any, **_kwargs: Any) -> sa.Connection:
        return connection()


db = SQLAlchemy(
    model_class=Base,
    session_options={"class_": JoinedSession, "expire_on_commit": False},
)

_connection: ContextVar[sa.Connection | None] = ContextVar("connection", default=None)
_locks = threading.local()


def new_id() -> str:
    """A fresh UUIDv7 (RFC 9562)."""
    return str(uuid_utils.uuid7())


def id_text(raw: bytes) -> str:
    """The 36-character form of 16 bytes."""
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def as_id(text: str) -> str | None:
    """The canonical form of a UUID as a client wrote it, or None if it isn't one."""
    if len(text) != 36:
        return None
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return None


def connection() -> sa.Connection:
    """The connection of the transaction in force; raises OutsideTransaction."""
    current = _connection.get()
    if current is None:
        raise OutsideTransaction("Use transaction() or reading() around database work.")
    return current


def is_open() -> bool:
    """Whether a transaction, or a view for reading, is in force."""
    return _connection.get() is not None


def session() -> Session:
    """The ORM session joined to the transaction in force."""
    return cast(Session, db.session())


def on_sqlite() -> bool:
    return connection().dialect.name == "sqlite"


def table(model: type[Base]) -> sa.Table:
    """A model's table: statements on it go to the database without the ORM's detours."""
    return cast(sa.Table, model.__table__)


def insert(table: Any) -> Any:
    """INSERT that knows ON CONFLICT in the dialect in force."""
    if on_sqlite():
        return sqlite.insert(table)
    return postgresql.insert(table)


@contextmanager
def transaction(*, durable: bool = False) -> Iterator[sa.Connection]:
    """One write transaction: commits at the end, rolls back on any exception.

    A `Problem` that `keeps_effects` commits and is raised all the same.  `durable` makes the
    commit wait for the disk (SQLite; PostgreSQL always does).
    """
    with _fair_lock(), _begun(_write_mode(durable)) as conn:
        try:
            yield conn
        except Problem as problem:
            if problem.keeps_effects:
                _commit(conn)
            raise
        _commit(conn)


@contextmanager
def reading() -> Iterator[sa.Connection]:
    """One consistent view for reading, always rolled back."""
    with _begun({"read": True}) as conn:
        yield conn


def _commit(conn: sa.Connection) -> None:
    if db.session.registry.has():
        db.session.flush()
    conn.commit()


@contextmanager
def _begun(options: dict[str, Any]) -> Iterator[sa.Connection]:
    if is_open():
        raise OutsideTransaction("Transactions don't nest: this one is already begun.")
    with db.engine.connect() as conn:
        conn.info.update(write=None, read=None)
        conn.info.update(options)
        if "read" in options and conn.dialect.name == "postgresql":
            # Else each statement would see what others have committed meanwhile.
            conn.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        token = _connection.set(conn)
        try:
            conn.begin()
            yield conn
        finally:
            _connection.reset(token)
            _close_session()
            conn.rollback()


def _close_session() -> None:
    if db.session.registry.has():
        db.session.remove()


def _write_mode(durable: bool) -> dict[str, Any]:
    return {"write": "FULL" if durable else "NORMAL"}


@contextmanager
def _fair_lock() -> Iterator[None]:
    path = db.engine.url.database if db.engine.dialect.name == "sqlite" else None
    if not path:
        yield
        return
    descriptor = _lock_file(f"{path}.lock")
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def _lock_file(path: str) -> int:
    """This thread's own open file of the lock: flock queues open files, not threads."""
    held: tuple[str, int, int] | None = getattr(_locks, "held", None)
    if held and held[0] == path and held[1] == os.getpid():
        return held[2]
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    _locks.held = (path, os.getpid(), descriptor)
    return descriptor


def configure(app: Flask, settings: Settings) -> None:
    """Bind `app` to the database of `settings`."""
    app.config["SQLALCHEMY_DATABASE_URI"] = settings.database_url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = _engine_options(settings)
    db.init_app(app)
    if settings.is_sqlite:
        with app.app_context():
            sa.event.listen(db.engine, "connect", _sqlite_connect)
            sa.event.listen(db.engine, "begin", _sqlite_begin)


def _engine_options(settings: Settings) -> dict[str, Any]:
    options: dict[str, Any] = {
        "json_serializer": lambda value: orjson.dumps(value).decode(),
        "json_deserializer": orjson.loads,
        "pool_size": settings.api_threads + 2,
        "max_overflow": 8,
        # A failed statement is logged; the names, answers and hashes it carried must not be.
        "hide_parameters": True,
    }
    if settings.is_sqlite:
        Path(settings.database_url.removeprefix("sqlite:///")).parent.mkdir(
            parents=True, exist_ok=True
        )
        return {**options, "connect_args": {"timeout": 30, "check_same_thread": False}}
    return {**options, "pool_pre_ping": True, "connect_args": {"connect_timeout": 5}}


def _sqlite_connect(raw: Any, record: Any) -> None:
    raw.isolation_level = None  # BEGIN is ours: see _sqlite_begin
    record.info["synchronous"] = "NORMAL"
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "recursive_triggers=ON",
        "busy_timeout=30000",
        "temp_store=MEMORY",
        "cache_size=-16000",
    ):
        raw.execute(f"PRAGMA {pragma}")


def _sqlite_begin(conn: sa.Connection) -> None:
    """Begin; `synchronous` can only change outside a transaction, and only when it must."""
    wanted = conn.info.get("write")
    if wanted is None:
        conn.exec_driver_sql("BEGIN")
        return
    if conn.info.get("synchronous") != wanted:
        conn.exec_driver_sql(f"PRAGMA synchronous={wanted}")
        conn.info["synchronous"] = wanted
    conn.exec_driver_sql("BEGIN IMMEDIATE")
