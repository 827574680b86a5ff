"""Configuration, read once from the environment.

`Settings.from_env()` is the only reader of environment variables in the product.  The names and
defaults are the README's configuration table; `flask doctor` prints them with secrets hidden.
"""

import hashlib
import os
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

MIN_SECRET_BYTES = 32
LOOPBACK_HOSTS = ("127.0.0.1", "::1", "localhost")


class BadSettings(Exception):
    """The environment asks for something that can't be done; the message is for the operator."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of one process.  Durations are in seconds, sizes in bytes."""

    home: Path
    database_url: str
    redis_url: str
    host: str
    port: int
    secret_key: str
    timezone: str
    seed: bool
    api_workers: int
    api_threads: int
    trusted_proxies: int
    max_body_bytes: int
    max_upload_bytes: int
    access_token_s: int
    refresh_token_s: int
    test_mode: bool
    log_level: str

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> "Settings":
        """Settings of the environment; raises BadSettings with one clear sentence."""
        env = os.environ if environ is None else environ
        home = Path(env.get("LEITAI_HOME") or "var").resolve()
        return cls(
            home=home,
            database_url=_database_url(env.get("DATABASE_URL"), home),
            redis_url=env.get("REDIS_URL") or f"unix://{socket_path(home)}",
            host=env.get("HOST") or "127.0.0.1",
            port=_whole_number(env, "PORT", 8000),
            secret_key=env.get("SECRET_KEY") or stored_secret(home),
            timezone=env.get("LEITAI_TIMEZONE") or "Asia/Shanghai",
            seed=env.get("SEED", "1") != "0",
            api_workers=_whole_number(env, "API_WORKERS", 2),
            api_threads=_whole_number(env, "API_THREADS", 8),
            trusted_proxies=_whole_number(env, "TRUSTED_PROXIES", 0),
            max_body_bytes=_whole_number(env, "MAX_BODY_BYTES", 256 * 1024),
            max_upload_bytes=_whole_number(env, "MAX_UPLOAD_BYTES", 20 * 1024 * 1024),
            access_token_s=_whole_number(env, "ACCESS_TOKEN_S", 900),
            refresh_token_s=_whole_number(env, "REFRESH_TOKEN_S", 30 * 86400),
            test_mode=env.get("LEITAI_TEST_MODE") == "1",
            log_level=env.get("LOG_LEVEL") or "INFO",
        ).checked()

    def checked(self) -> "Settings":
        """Self, or BadSettings if a setting is unsafe."""
        if len(self.secret_key.encode()) < MIN_SECRET_BYTES:
            raise BadSettings(f"SECRET_KEY must have at least {MIN_SECRET_BYTES} bytes.")
        return self

    @property
    def embedded_valkey(self) -> bool:
        """Whether the supervisor is to run its own Valkey."""
        return self.redis_url == f"unix://{socket_path(self.home)}"

    @property
    def is_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")

    @property
    def loopback(self) -> bool:
        return self.host in LOOPBACK_HOSTS

    def printable(self) -> dict[str, Any]:
        """All settings for `flask doctor`; secrets and passwords are hidden."""
        shown = {field.name: getattr(self, field.name) for field in fields(self)}
        shown |= {"secret_key": "(hidden)"}
        for name in ("database_url", "redis_url"):
            shown[name] = _without_password(shown[name])
        return {name: str(value) for name, value in shown.items()}


def socket_path(home: Path) -> Path:
    """Where the embedded Valkey listens.

    A Unix socket's path may have about 100 bytes, so that a deep home gets a short stand-in
    under the system's directory for run-time files, named by a digest of the home.
    """
    direct = home / "valkey.sock"
    if len(os.fsencode(direct)) <= 90:
        return direct
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"leitai-{os.getuid()}-{digest}" / "valkey.sock"


def stored_secret(home: Path) -> str:
    """The secret of this installation, made at its first use and readable by its owner alone."""
    path = home / "keys" / "secret"
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        pass
    except OSError as error:
        raise BadSettings(f"The secret at {path} can't be read: {error.strerror}.") from error
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    except OSError as error:
        raise BadSettings(f"LEITAI_HOME {home} is not writable: {error.strerror}.") from error
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(32))
    return path.read_text().strip()


def _database_url(given: str | None, home: Path) -> str:
    if not given:
        return f"sqlite:///{home / 'leitai.db'}"
    for plain in ("postgresql://", "postgres://"):
        if given.startswith(plain):
            return "postgresql+psycopg://" + given.removeprefix(plain)
    return given


def _whole_number(env: Mapping[str, str], name: str, default: int) -> int:
    given = env.get(name)
    if not given:
        return default
    if not given.isascii() or not given.isdigit():
        raise BadSettings(f"{name} must be a whole number, not {given!r}.")
    return int(given)


def _without_password(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    credentials, at, place = rest.rpartition("@")
    if not at:
        return url
    return f"{scheme}{separator}{credentials.partition(':')[0]}:(hidden)@{place}"
