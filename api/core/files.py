"""Stored files: content addressed by its digest under LEITAI_HOME/files, a row for each use."""

import hashlib
import os
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import Mapped, mapped_column

from api.core import clock, db
from api.core.db import Base, Id, new_id


class StoredFile(Base):
    """A file somebody may download.  `digest` is the SHA-256 of its content in hex."""

    __tablename__ = "stored_files"
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    digest: Mapped[str] = mapped_column(sa.String(64))
    name: Mapped[str] = mapped_column(sa.String(200))
    media_type: Mapped[str] = mapped_column(sa.String(100))
    size: Mapped[int]
    owner_id: Mapped[str | None] = mapped_column(Id, index=True)
    created_at: Mapped[datetime]


def write(content: bytes) -> str:
    """Put `content` into the store and return its digest; safe to repeat.  Do it before the
    transaction that names it: a file without a row is harmless, a row without a file is not."""
    digest = hashlib.sha256(content).hexdigest()
    path = _path(digest)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{path.name}.{os.getpid()}.{new_id()}")
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    return digest


def add(content: bytes, name: str, media_type: str, owner_id: str | None) -> StoredFile:
    """Store `content` and add its row to the transaction in force."""
    row = StoredFile(
        digest=write(content), name=name[:200], media_type=media_type, size=len(content),
        owner_id=owner_id, created_at=clock.now(),
    )  # fmt: skip
    db.session().add(row)
    db.session().flush()
    return row


def read(digest: str) -> bytes:
    """The content of a digest."""
    return _path(digest).read_bytes()


def _path(digest: str) -> Path:
    home: Path = current_app.extensions["leitai.settings"].home
    return home / "files" / digest[:2] / digest
