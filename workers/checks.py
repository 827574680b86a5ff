"""What must hold before anything is started; each failure is one sentence for the operator."""

import fcntl
import os
import socket
import tempfile
import time
from pathlib import Path

from api.core.settings import Settings

PORT_FREE_WITHIN_S = 1.5


class CannotStart(Exception):
    """The system can't be started; the message is one sentence for the operator."""


def home_is_writable(home: Path) -> None:
    """Make the home and its directory of logs; raises CannotStart."""
    try:
        (home / "log").mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=home), tempfile.TemporaryFile(dir=home / "log"):
            pass
    except OSError as error:
        raise CannotStart(
            f"LEITAI_HOME {home} is not writable ({error.strerror}); name another directory."
        ) from error


def only_supervisor(home: Path) -> int:
    """Hold the home's lock as long as the returned descriptor is open; raises CannotStart."""
    descriptor = os.open(home / "supervisor.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise CannotStart(
            f"Leitai is already running on {home}; stop it first or name another LEITAI_HOME."
        ) from error
    return descriptor


def port_is_free(settings: Settings) -> None:
    """Raises CannotStart if HOST:PORT can't be listened on.

    Waits a moment, because processes of a supervisor killed just before may still be ending.
    """
    deadline = time.monotonic() + PORT_FREE_WITHIN_S
    while (reason := _refusal(settings.host, settings.port)) is not None:
        if time.monotonic() > deadline:
            raise CannotStart(
                f"Port {settings.port} on {settings.host} can't be used ({reason}); "
                "choose another with PORT."
            )
        time.sleep(0.1)


def _refusal(host: str, port: int) -> str | None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except (OSError, OverflowError) as error:
        return getattr(error, "strerror", None) or str(error)
    return None


def sample_is_wanted(settings: Settings) -> bool:
    """Whether this is a first start with sample data; raises CannotStart for an open host."""
    if not settings.seed or (settings.home / "seeded").exists():
        return False
    if not settings.loopback:
        raise CannotStart(
            f"Sample data with its known sign-ins is only for this machine, not for HOST="
            f"{settings.host}; use SEED=0 for an empty system or HOST=127.0.0.1."
        )
    return True
