"""The one command: start, stop and every way it can go wrong, with real processes."""

import contextlib
import os
import signal
import socket

import pytest
import redis
from rq import Queue
from rq.serializers import JSONSerializer

from api.core.settings import socket_path
from tests.workers.system import Installation, alive, descendants, until

FIVE_SECONDS = 5.0


def test_it_serves_and_starts_again_within_five_seconds(installation):
    installation.start()
    assert installation.status("/api/v1/healthz") == 200
    installation.stop()
    assert installation.start() <= FIVE_SECONDS


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_within_five_seconds_and_leaves_nothing(installation, how):
    installation.start()
    until(lambda: len(descendants(installation.pid)) >= 7)  # Valkey, gunicorn and 2, relay, 2
    family = descendants(installation.pid)
    installation.process.send_signal(how)
    until(lambda: installation.process.poll() is not None, FIVE_SECONDS)
    assert installation.process.returncode == 0
    assert not alive(family)


def test_it_stops_within_five_seconds_while_a_job_and_a_request_run(installation):
    installation.start()
    horse = a_horse(installation)
    with socket.create_connection(("127.0.0.1", installation.port)) as half_a_request:
        half_a_request.sendall(b"POST /api/v1/me HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
        family = descendants(installation.pid) | {horse}
        installation.process.send_signal(signal.SIGTERM)
        until(lambda: installation.process.poll() is not None, FIVE_SECONDS)
    assert not alive(family)


def test_stopping_while_it_starts_leaves_nothing(installation):
    process = installation.launch()
    until(lambda: len(descendants(process.pid)) >= 2)
    family = descendants(process.pid)
    process.send_signal(signal.SIGTERM)
    until(lambda: process.poll() is not None, FIVE_SECONDS)
    assert not alive(family)


def test_killing_it_leaves_no_process_behind(installation):
    installation.start()
    horse = a_horse(installation)
    until(lambda: len(descendants(installation.pid)) >= 8)
    family = descendants(installation.pid)
    assert horse in family
    installation.stop(signal.SIGKILL)
    until(lambda: not alive(family), 2.0)
    assert installation.start() <= FIVE_SECONDS


def test_a_killed_worker_takes_its_work_horse_along_and_is_restarted(installation):
    installation.start()
    horse, worker = a_horse(installation), installation.child("workers.worker", "heavy")
    os.kill(worker, signal.SIGKILL)
    until(lambda: not alive({horse}), 1.0)
    until(lambda: child_or_none(installation, "workers.worker", "heavy"))
    assert installation.child("workers.worker", "heavy") != worker


@pytest.mark.parametrize("words", [("gunicorn",), ("valkey-server",), ("workers.relay",)])
def test_a_killed_child_is_restarted(installation, words):
    installation.start()
    killed = installation.child(*words)
    family = descendants(killed)
    os.kill(killed, signal.SIGKILL)
    until(lambda: child_or_none(installation, *words) not in (None, killed))
    until(lambda: not alive(family), 2.0)
    until(lambda: installation.status("/api/v1/readyz") == 200)


def test_the_workers_come_back_to_a_valkey_that_was_away(installation):
    installation.start()
    os.kill(installation.child("valkey-server"), signal.SIGKILL)
    until(lambda: child_or_none(installation, "valkey-server"))
    a_horse(installation)


def test_a_busy_port_is_one_clear_sentence(installation):
    with socket.create_server(("127.0.0.1", installation.port)):
        refusal = installation.refusal()
    assert refusal.count("\n") == 1
    assert f"Port {installation.port} on 127.0.0.1 can't be used" in refusal


def test_an_unwritable_home_is_one_clear_sentence(installation):
    installation.home.write_text("a file, where a directory should be")
    refusal = installation.refusal()
    assert refusal.count("\n") == 1
    assert str(installation.home) in refusal


def test_a_home_that_is_in_use_is_one_clear_sentence(installation):
    installation.start()
    second = Installation(installation.home)
    refusal = second.refusal()
    assert refusal.count("\n") == 1
    assert "already running" in refusal
    assert installation.status("/api/v1/healthz") == 200


def test_sample_data_refuses_an_open_host(installation):
    installation.extra = {"SEED": "1", "HOST": "0.0.0.0"}
    refusal = installation.refusal()
    assert refusal.count("\n") == 1
    assert "SEED=0" in refusal


def test_a_short_secret_is_one_clear_sentence(installation):
    installation.extra = {"SECRET_KEY": "short"}
    assert installation.refusal().count("\n") == 1


def child_or_none(installation, *words):
    with contextlib.suppress(AssertionError):
        return installation.child(*words)
    return None


def a_horse(installation) -> int:
    """A work-horse that sleeps; returns its process id when it runs."""
    with redis.Redis(unix_socket_path=str(socket_path(installation.home))) as connection:
        queue = Queue("heavy", connection=connection, serializer=JSONSerializer)
        until(lambda: enqueued(queue))
    until(lambda: child_or_none(installation, "workers.worker", "heavy"))
    worker = installation.child("workers.worker", "heavy")
    until(lambda: descendants(worker))
    return descendants(worker).pop()


def enqueued(queue) -> bool:
    with contextlib.suppress(redis.RedisError):
        queue.enqueue_call("time.sleep", args=(60,))
        return True
    return False
