"""Safe retries: the stored reply of a creating POST, by account and Idempotency-Key.

The row is written in the transaction of the effect.  A duplicate in flight waits for that
transaction - on SQLite at the write lock, on PostgreSQL at the unique key - and replays.
"""

import hashlib
import re
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from api.core import clock, db
from api.core.db import Base, Id
from api.core.errors import Problem, invalid
from api.core.i18n import _

KEPT = timedelta(hours=24)
_KEY = re.compile(r"[\x21-\x7e]{1,128}")


class KeyReused(Problem):
    code, status = "idempotency-key-reused", 422
    title = _("This Idempotency-Key was used for another request. Use a fresh key.")


class IdempotentReply(Base):
    __tablename__ = "idempotent_replies"
    account_id: Mapped[str] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(sa.String(128), primary_key=True)
    operation: Mapped[str] = mapped_column(sa.String(80))
    digest: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    status: Mapped[int]
    body: Mapped[bytes] = mapped_column(sa.LargeBinary)
    created_at: Mapped[datetime] = mapped_column(index=True)


def checked_key(header: str | None) -> str | None:
    """The key of a request; raises Invalid for one that is too long or not printable ASCII."""
    if header is None:
        return None
    if not _KEY.fullmatch(header):
        wrong = _("Use 1 to 128 printable ASCII characters without spaces.")
        raise invalid("Idempotency-Key", wrong)
    return header


def claim(account_id: str, key: str, operation: str, request: bytes) -> tuple[int, bytes] | None:
    """None if the key is new (and now claimed), else the stored (status, body).

    Raises KeyReused where the key belongs to another request.
    """
    digest = hashlib.sha256(operation.encode() + b"\0" + request).digest()
    row = IdempotentReply.__table__.c
    values = {
        "account_id": account_id, "key": key, "operation": operation, "digest": digest,
        "status": 0, "body": b"", "created_at": clock.now(),
    }  # fmt: skip
    statement = db.insert(IdempotentReply).values(values).on_conflict_do_nothing()
    if db.connection().execute(statement.returning(row.key)).first():
        return None
    stored = (
        db.connection()
        .execute(
            sa.select(row.digest, row.status, row.body).where(
                row.account_id == account_id, row.key == key
            )
        )
        .one()
    )
    if stored.digest != digest:
        raise KeyReused
    return stored.status, stored.body


def store(account_id: str, key: str, status: int, body: bytes) -> None:
    """Keep the reply of the claimed key."""
    row = IdempotentReply.__table__.c
    db.connection().execute(
        sa.update(IdempotentReply)
        .where(row.account_id == account_id, row.key == key)
        .values(status=status, body=body)
    )


def forget_old_replies() -> int:
    """Delete replies older than a day, in a transaction of its own; returns how many."""
    old = sa.delete(IdempotentReply).where(IdempotentReply.created_at < clock.now() - KEPT)
    with db.transaction() as conn:
        return int(conn.execute(old).rowcount)
