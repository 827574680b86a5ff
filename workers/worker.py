"""`python -m workers.worker drain|heavy`: an RQ worker on exactly one queue.

One queue each, because a worker on several pops a job in a way that loses it if the worker dies.
Drains run in this process (five times as fast), heavy work in a forked work-horse that a crash
can't take the worker down with.
"""

import os
import signal
import socket
import sys
import time
from typing import Any
from uuid import uuid4

import redis
import uuid_utils
from rq import Queue, SimpleWorker, Worker
from rq.exceptions import StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.worker.base import BaseWorker

from api.core import logs, valkey
from api.core.db import db
from api.core.settings import Settings
from workers import records
from workers.parentage import die_with_parent
from workers.tasks import application

# With RQ's own figures an abandoned job was still "started" after 200 s.
WORKER_TTL_S = 30
MAINTENANCE_EVERY_S = 30
RECONNECT_AFTER_S = 0.5


class _Stop:
    """Whether this process was asked to stop."""

    wanted = False


class Steady(BaseWorker):
    """What both workers do differently from RQ: survive Valkey's absence, and stop at once."""

    max_connection_wait_time = 1.0

    def request_stop(self, signum: int, frame: Any) -> None:
        _Stop.wanted = True
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]  # RQ

    def set_shutdown_requested_date(self) -> None:
        """Nothing: a signal handler must not wait for Valkey in the middle of a job."""

    def _install_signal_handlers(self) -> None:
        super()._install_signal_handlers()  # type: ignore[no-untyped-call]  # RQ
        if _Stop.wanted:
            raise StopRequested

    def teardown(self) -> None:
        try:
            super().teardown()  # type: ignore[no-untyped-call]  # RQ
        except (redis.RedisError, OSError):
            # Its registration runs out by itself; only the listening thread must not stay.
            if self.pubsub_thread:
                self.pubsub_thread.stop()


class DrainWorker(Steady, SimpleWorker):
    """Runs drains in this process."""


class HeavyWorker(Steady, Worker):
    """Runs each job in a forked work-horse."""

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """In the fork: end with the worker, and share nothing open with it."""
        assert self.pid is not None
        die_with_parent(self.pid)
        uuid_utils.reseed_rng()
        valkey.after_fork()
        with application().app_context():
            db.engine.dispose(close=False)
        super().main_work_horse(job, queue)


WORKERS: dict[str, type[Steady]] = {"drain": DrainWorker, "heavy": HeavyWorker}


def main(arguments: list[str]) -> int:
    """Run the worker of the named queue until asked to stop; returns the exit code."""
    if len(arguments) != 1 or arguments[0] not in WORKERS:
        print(f"usage: python -m workers.worker {'|'.join(WORKERS)}", file=sys.stderr)
        return 2
    _listen_for_stop()
    connection = redis.Redis.from_url(Settings.from_env().redis_url)
    application()  # made once, before any fork
    records.to_structlog()
    trouble = False
    while not _Stop.wanted:
        trouble = _work(arguments[0], connection, trouble=trouble)
        _listen_for_stop()
        if not _Stop.wanted:
            time.sleep(RECONNECT_AFTER_S)
    return 0


def _work(queue: str, connection: "redis.Redis", *, trouble: bool) -> bool:
    """Work until asked to stop or until Valkey is lost; returns whether it was lost."""
    try:
        worker = WORKERS[queue](
            [queue],
            name=f"{queue}-{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:8]}",
            connection=connection,
            serializer=JSONSerializer,
            worker_ttl=WORKER_TTL_S,
            maintenance_interval=MAINTENANCE_EVERY_S,
            log_job_description=False,
        )
        worker.work(logging_level="WARNING", with_scheduler=False)
    except StopRequested:
        return False
    except (redis.RedisError, OSError) as error:
        if not trouble:
            logs.logger(queue).warning("Valkey is away; trying on", error=str(error))
        return True
    return False


def _listen_for_stop() -> None:
    """Note a wish to stop while RQ's own handlers aren't in place."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _note_stop)


def _note_stop(*_arguments: Any) -> None:
    _Stop.wanted = True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
