"""The connection to Valkey, behind a circuit breaker.

Everything in Valkey can be rebuilt.  A caller asks with `attempt(...)` and must be able to go on
without an answer: one slow or refused call opens the breaker for a second, so that a dead
Valkey costs one time-out a second for each process and not one for each request.
"""

import time
from collections.abc import Callable
from typing import TypeVar

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


def after_fork() -> None:
    """Forget connections inherited from the parent process."""
    _State.client = None
