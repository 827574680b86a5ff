"""The only clock.

Tests move it for all processes at once through a file (`LEITAI_HOME/test-clock`) that holds an
offset in seconds, or "@" and the instant at which the clock stands still.  It is read only in
test mode; a production process never looks at it.
"""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Offset:
    """The test offset, re-read when its file changes."""

    path: Path | None = None
    stamp: tuple[int, int, int] | None = None
    seconds: float = 0.0
    standing: datetime | None = None


def follow(path: Path) -> None:
    """From now on add the offset that `path` holds (test mode only)."""
    _Offset.path = path
    _Offset.stamp = None


def timestamp() -> float:
    """Seconds since the epoch."""
    return time.time() if _Offset.path is None else _moved(_Offset.path).timestamp()


def now() -> datetime:
    """The present instant, aware, in UTC, to the microsecond."""
    return datetime.now(UTC) if _Offset.path is None else _moved(_Offset.path)


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return (now() - _EPOCH) // timedelta(milliseconds=1)


def _moved(path: Path) -> datetime:
    """The instant that the file at `path` makes of the real one."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return datetime.now(UTC)
    stamp = (status.st_ino, status.st_mtime_ns, status.st_size)
    if stamp != _Offset.stamp:
        _read(path.read_text().strip())
        _Offset.stamp = stamp
    return _Offset.standing or datetime.now(UTC) + timedelta(seconds=_Offset.seconds)


def _read(instruction: str) -> None:
    standing = instruction.startswith("@")
    _Offset.standing = datetime.fromisoformat(instruction[1:]) if standing else None
    _Offset.seconds = 0.0 if standing else float(instruction or 0)
