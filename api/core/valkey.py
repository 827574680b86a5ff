"""The connection to Valkey, behind a circuit breaker.

Everything in Valkey can be rebuilt.  A caller asks with `attempt(...)` and must be able to go on
without an answer: one slow or refused call opens the breaker for a second, so that a dead
Valkey costs one time-out a second for each process and not one for each request.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

CALL_TIMEOUT_S = 0.25
OPEN_S = 1.0

T = TypeVar("T")


class ValkeyDown(Exception):
    """Valkey did not answer in time, or the breaker is open."""


class _State:
    client: "redis.Redis | None" = None
    url: str = ""
    open_until: float = 0.0


def configure(url: str) -> None:
    """Talk to the Valkey at `url`; connects at the first use."""
    _State.url = url
    _State.client = None
    _State.open_until = 0.0


def client() -> "redis.Redis":
    """The process's client.  Binary-safe: replies are bytes."""
    if _State.client is None:
        _State.client = redis.Redis.from_url(
            _State.url,
            socket_timeout=CALL_TIMEOUT_S,
            socket_connect_timeout=CALL_TIMEOUT_S,
            # A pooled connection that the server closed is opened anew once; a time-out is final.
            retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
        )
    return _State.client


def attempt(call: Callable[["redis.Redis"], T]) -> T:
    """`call(client)`; raises ValkeyDown where it fails or the breaker is open."""
    if time.monotonic() < _State.open_until:
        raise ValkeyDown
    try:
        return call(client())
    except (redis.ConnectionError, redis.TimeoutError, OSError) as error:
        _State.open_until = time.monotonic() + OPEN_S
        raise ValkeyDown from error
    except redis.ResponseError as error:
        if str(error).startswith(("LOADING", "MISCONF", "READONLY", "OOM")):
            raise ValkeyDown from error
        raise


class Script:
    """A Lua script, asked for by its digest: one trip on the calling thread's own connection.

    The client's pool and wrappers would cost a hot request as much again as the trip itself.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    def run(self, keys: Sequence[str], args: Sequence[bytes | str | int | float]) -> Any:
        """The script's reply; raises ValkeyDown."""
        return attempt(lambda client: self._run(client, keys, args))

    def _run(self, client: "redis.Redis", keys: Sequence[str], args: Sequence[Any]) -> Any:
        for again in (True, False):
            connection = _own_connection(client)
            try:
                return self._ask(connection, len(keys), *keys, *args)
            except redis.ResponseError:
                raise
            except redis.ConnectionError:
                # One that the server closed meanwhile is opened anew, once.
                connection.disconnect()
                if not again:
                    raise
            except BaseException:
                # A reply still under way must never be read as the next one's.
                connection.disconnect()
                raise
        raise AssertionError

    def _ask(self, connection: Any, *rest: Any) -> Any:
        try:
            return _reply(connection, "EVALSHA", self._digest, *rest)
        except redis.exceptions.NoScriptError:
            return _reply(connection, "EVAL", self._text, *rest)


def _reply(connection: Any, *command: Any) -> Any:
    connection.send_command(*command)
    return connection.read_response()


_thread = threading.local()


def _own_connection(client: "redis.Redis") -> Any:
    held = getattr(_thread, "held", None)
    if held is None or held[0] is not client:
        pool = client.connection_pool
        held = _thread.held = (client, pool.connection_class(**pool.connection_kwargs))
    return held[1]


def after_fork() -> None:
    """Forget connections inherited from the parent process."""
    _State.client = None
