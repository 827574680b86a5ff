"""The only clock.

Tests move it for all processes at once through a file that holds an offset in seconds
(`LEITAI_HOME/test-clock`), read only in test mode; a production process never looks at it.
"""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Offset:
    """The test offset, re-read when its file changes."""

    path: Path | None = None
    stamp: tuple[int, int] | None = None
    seconds: float = 0.0


def follow(path: Path) -> None:
    """From now on add the offset that `path` holds (test mode only)."""
    _Offset.path = path
    _Offset.stamp = None


def timestamp() -> float:
    """Seconds since the epoch."""
    if _Offset.path is None:
        return time.time()
    return time.time() + _offset(_Offset.path)


def now() -> datetime:
    """The present instant, aware, in UTC, to the microsecond."""
    if _Offset.path is None:
        return datetime.now(UTC)
    return datetime.now(UTC) + timedelta(seconds=_offset(_Offset.path))


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return (now() - _EPOCH) // timedelta(milliseconds=1)


def _offset(path: Path) -> float:
    try:
        status = path.stat()
    except FileNotFoundError:
        return 0.0
    stamp = (status.st_mtime_ns, status.st_size)
    if stamp != _Offset.stamp:
        _Offset.seconds = float(path.read_text() or 0)
        _Offset.stamp = stamp
    return _Offset.seconds
