"""How gunicorn serves the API."""

import importlib
import os
from typing import Any

from api.core.settings import Settings
from workers.parentage import die_with_parent

_settings = Settings.from_env()
_host = f"[{_settings.host}]" if ":" in _settings.host else _settings.host

bind = f"{_host}:{_settings.port}"
worker_class = "gthread"
workers = _settings.api_workers
threads = _settings.api_threads
keepalive = 75
timeout = 60
# Below the supervisor's own three seconds, so that gunicorn ends its workers by itself.
graceful_timeout = 2
# A token of 8 kB must meet our own answer, not gunicorn's bare 400.
limit_request_field_size = 16380
# No socket for a control program in the user's home: the supervisor is the only control.
control_socket_disable = True
proc_name = "leitai-api"


def on_starting(_server: Any) -> None:
    """Import the modules once, before the workers are forked.

    The application itself is made in each worker (no `preload_app`): connections, threads and
    random generators of a parent are nothing a fork should inherit.
    """
    importlib.import_module("api.app")


def post_fork(server: Any, _worker: Any) -> None:
    """Tie each worker to the master, which is tied to the supervisor."""
    die_with_parent(server.pid)
    _forget_randomness()


def _forget_randomness() -> None:
    if hasattr(os, "fork"):
        importlib.import_module("uuid_utils").reseed_rng()
