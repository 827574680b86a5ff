"""Hints to the workers: at most one RQ job for each thing that is owed.

The database says what is owed; an RQ job only says "look there".  So a hint may be lost or given
twice without harm, and one that shows no sign of life for a while is thrown away and given
again: RQ by itself takes minutes to notice that a job's worker has died.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

import redis
from rq import Queue, Retry
from rq.exceptions import DuplicateJobError
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.utils import as_text, utcparse

SIGNS_OF_LIFE = ["status", "enqueued_at", "started_at"]
Signs = tuple[bytes | str | None, ...]

# Taken off the queue but not yet begun: a worker died in between if this lasts.
TAKEN_PATIENCE_S = 2.0


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of work is hinted at."""

    queue: str
    function: str
    timeout_s: int
    started_patience_s: float
    failed_pause_s: float
    retry: Callable[[], Retry | None]


# A drain is bounded and may run twice at once, so that one silent for long is simply given again.
DRAIN = Kind(
    queue="drain",
    function="workers.tasks.drain",
    timeout_s=60,
    started_patience_s=5.0,
    failed_pause_s=2.0,
    retry=lambda: None,
)
# A job that runs holds a lease and isn't owed; the patience covers the moment before it takes it.
JOB = Kind(
    queue="heavy",
    function="workers.tasks.run_job",
    timeout_s=1800,
    started_patience_s=3.0,
    failed_pause_s=60.0,
    retry=lambda: Retry(max=3, interval=[5, 30, 120]),
)


class Hints:
    """Gives hints through one connection and looks after those that stand."""

    def __init__(self, connection: "redis.Redis") -> None:
        self._connection = connection
        self._queues: dict[str, Queue] = {}
        self._standing: dict[str, tuple[Signs, float]] = {}

    def give(self, kind: Kind, name: str) -> bool:
        """Hint that `name` is owed; False if a hint with signs of life stands already."""
        queue = self._queue(kind)
        hint_id = _hint_id(kind, name)
        if self._enqueue(kind, queue, hint_id, name):
            return True
        if not self._stale(kind, queue, hint_id):
            return False
        self._throw_away(queue, hint_id)
        return self._enqueue(kind, queue, hint_id, name)

    def _queue(self, kind: Kind) -> Queue:
        if kind.queue not in self._queues:
            self._queues[kind.queue] = Queue(
                kind.queue, connection=self._connection, serializer=JSONSerializer
            )
        return self._queues[kind.queue]

    def _enqueue(self, kind: Kind, queue: Queue, hint_id: str, name: str) -> bool:
        try:
            queue.enqueue_call(
                kind.function,
                args=(name,),
                job_id=hint_id,
                unique=True,
                timeout=kind.timeout_s,
                result_ttl=0,
                failure_ttl=int(kind.failed_pause_s),
                description=hint_id,
                retry=kind.retry(),
            )
        except DuplicateJobError:
            return False
        self._standing.pop(hint_id, None)
        return True

    def _stale(self, kind: Kind, queue: Queue, hint_id: str) -> bool:
        """Whether a standing hint has shown no sign of life for longer than it may."""
        signs = tuple(self._connection.hmget(Job.key_for(hint_id), SIGNS_OF_LIFE))
        status = as_text(signs[0] or b"")
        if status == "queued" and self._connection.lpos(queue.key, hint_id) is not None:
            return False
        if status == "scheduled":
            return self._retry_is_due(queue, hint_id)
        quiet_s = max(self._unchanged_s(hint_id, signs), _running_s(status, signs))
        return quiet_s >= _patience(kind, status)

    def _unchanged_s(self, hint_id: str, signs: Signs) -> float:
        now = time.monotonic()
        seen, since = self._standing.get(hint_id, (None, now))
        if seen != signs:
            since = now
        self._standing[hint_id] = (signs, since)
        return now - since

    def _retry_is_due(self, queue: Queue, hint_id: str) -> bool:
        """RQ's scheduler doesn't run; its intervals between retries are honoured here.

        The time is RQ's, so it is compared with the system's time and not with our clock.
        """
        score = self._connection.zscore(queue.scheduled_job_registry.key, hint_id)
        return score is None or float(score) <= time.time()

    def _throw_away(self, queue: Queue, hint_id: str) -> None:
        self._standing.pop(hint_id, None)
        self._connection.lrem(queue.intermediate_queue_key, 0, hint_id)
        try:
            Job.fetch(hint_id, connection=self._connection, serializer=JSONSerializer).delete()
        except redis.RedisError:
            raise
        except Exception:  # a record of which only a part is left can't be read as a job
            self._connection.delete(Job.key_for(hint_id))


def _running_s(status: str, signs: Signs) -> float:
    """How long ago a started hint was started, so that a new relay needn't wait from its own birth.

    The time is RQ's: the system's, not our clock's.
    """
    if status != "started" or not signs[2]:
        return 0.0
    return time.time() - utcparse(as_text(signs[2])).timestamp()


def _patience(kind: Kind, status: str) -> float:
    return {
        "queued": TAKEN_PATIENCE_S,
        "started": kind.started_patience_s,
        "failed": kind.failed_pause_s,
    }.get(status, 0.0)


def _hint_id(kind: Kind, name: str) -> str:
    """RQ allows letters, digits, underscores and dashes."""
    return f"{kind.queue}-{re.sub(r'[^A-Za-z0-9_-]', '-', name)}"
