"""Hints through a real Valkey: one for each thing owed, and none that blocks for ever."""

import dataclasses
import time

import pytest
import redis
from rq.job import Job
from rq.serializers import JSONSerializer

from workers import hints
from workers.hints import DRAIN, JOB, Hints

QUEUE = "rq:queue:drain"
RECORD = "rq:job:drain-points-credit"


@pytest.fixture
def given(real_valkey) -> Hints:
    """Hints with one given already for the drain "points.credit"."""
    given = Hints(real_valkey)
    assert given.give(DRAIN, "points.credit")
    return given


def take(connection: "redis.Redis", **fields: str) -> None:
    """Take the hint off the queue as a worker would, and write to its record."""
    assert connection.lpop(QUEUE) == b"drain-points-credit"
    if fields:
        connection.hset(RECORD, mapping=fields)


def started(seconds_ago: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - seconds_ago))


def test_a_hint_is_given_once_while_it_waits(given, real_valkey):
    for _ in range(5):
        assert not given.give(DRAIN, "points.credit")
    assert real_valkey.lrange(QUEUE, 0, -1) == [b"drain-points-credit"]


def test_a_second_relay_gives_no_second_hint(given, real_valkey):
    assert not Hints(real_valkey).give(DRAIN, "points.credit")
    assert real_valkey.llen(QUEUE) == 1


def test_a_hint_names_the_task_and_is_json(given, real_valkey):
    job = Job.fetch("drain-points-credit", real_valkey, serializer=JSONSerializer)
    assert (job.func_name, list(job.args)) == ("workers.tasks.drain", ["points.credit"])


def test_a_finished_hint_leaves_room_for_the_next(given, real_valkey):
    take(real_valkey)
    real_valkey.delete(RECORD)
    assert given.give(DRAIN, "points.credit")


def test_a_started_hint_is_left_alone_while_it_may_run(given, real_valkey):
    take(real_valkey, status="started", started_at=started(0))
    assert not given.give(DRAIN, "points.credit")


def test_a_hint_started_long_ago_is_given_again(given, real_valkey):
    take(real_valkey, status="started", started_at=started(DRAIN.started_patience_s + 1))
    assert given.give(DRAIN, "points.credit")
    assert real_valkey.llen(QUEUE) == 1


def test_a_hint_lost_between_queue_and_worker_is_given_again(given, real_valkey, monkeypatch):
    monkeypatch.setattr(hints, "TAKEN_PATIENCE_S", 0.2)
    take(real_valkey)
    assert not given.give(DRAIN, "points.credit")
    time.sleep(0.3)
    assert given.give(DRAIN, "points.credit")


def test_a_failed_hint_is_given_again_after_a_pause(given, real_valkey):
    patient = dataclasses.replace(DRAIN, failed_pause_s=0.2)
    take(real_valkey, status="failed")
    assert not given.give(patient, "points.credit")
    time.sleep(0.3)
    assert given.give(patient, "points.credit")


def test_a_retry_waits_for_its_time(given, real_valkey):
    take(real_valkey, status="scheduled")
    real_valkey.zadd("rq:scheduled:drain", {"drain-points-credit": time.time() + 0.5})
    assert not given.give(DRAIN, "points.credit")
    time.sleep(0.6)
    assert given.give(DRAIN, "points.credit")


def test_a_record_of_which_a_part_is_left_does_not_block(given, real_valkey):
    real_valkey.flushall()
    real_valkey.hset(RECORD, "status", "finished")
    assert given.give(DRAIN, "points.credit")


def test_heavy_work_is_retried_by_the_queue_too(real_valkey):
    Hints(real_valkey).give(JOB, "0197")
    job = Job.fetch("heavy-0197", real_valkey, serializer=JSONSerializer)
    assert (job.retries_left, job.retry_intervals) == (3, [5, 30, 120])
