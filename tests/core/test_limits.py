"""Token buckets: bursts, refills, shared ones, and what happens without Valkey."""

import threading
import time

import pytest
from flask import Flask

from api.core import limits, valkey
from api.core.errors import TooMany
from api.core.limits import Buckets, Rate

QUICK = Rate("quick", per_minute=1200, burst=3)  # twenty tokens a second
SLOW = Rate("slow", per_minute=1, burst=2)
SHARED = Rate("shared", per_minute=1, burst=4, shared=True)


def granted(rate: Rate, subject: str = "anna") -> bool:
    try:
        limits.check(rate, subject)
    except TooMany:
        return False
    return True


def test_a_burst_and_then_the_average() -> None:
    buckets = Buckets()
    assert [buckets.take(SLOW, "anna") == 0 for _ in range(4)] == [True, True, False, False]
    wait = buckets.take(SLOW, "anna")
    assert 55 < wait <= 60
    assert buckets.take(SLOW, "ben") == 0, "everybody has a bucket"
    quick = [buckets.take(QUICK, "anna") for _ in range(4)]
    assert quick[3] > 0
    time.sleep(quick[3] + 0.005)
    assert buckets.take(QUICK, "anna") == 0


def test_refused_tries_cost_nothing_and_a_bucket_never_overflows() -> None:
    buckets = Buckets()
    for _try in range(50):
        buckets.take(QUICK, "anna")
    time.sleep(0.3)
    assert sum(buckets.take(QUICK, "anna") == 0 for _ in range(10)) == QUICK.burst


def test_the_refusal_says_when_to_come_again(app: Flask) -> None:
    assert granted(SLOW)
    assert granted(SLOW)
    with pytest.raises(TooMany) as refused:
        limits.check(SLOW, "anna")
    assert 55 <= int(refused.value.headers["Retry-After"]) <= 60


def test_given_back_tokens_can_be_taken_again(app: Flask) -> None:
    for rate in (SLOW, SHARED):
        for _turn in range(rate.burst * 3):
            assert granted(rate)
            limits.give_back(rate, "anna")
        assert sum(granted(rate) for _ in range(rate.burst + 2)) == rate.burst


def test_a_shared_bucket_is_one_for_all_processes(app: Flask) -> None:
    results: list[bool] = []

    def take() -> None:
        limits.buckets.clear()  # a process of its own remembers nothing
        results.append(granted(SHARED))

    threads = [threading.Thread(target=take) for _thread in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sum(results) == SHARED.burst


def test_without_valkey_the_limit_degrades_and_is_never_off(app: Flask) -> None:
    valkey.configure("redis://127.0.0.1:1")
    assert [granted(SHARED) for _ in range(6)] == [True] * SHARED.burst + [False] * 2
    assert granted(SHARED, "ben")


def test_the_least_recently_used_bucket_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_BUCKETS", 3)
    buckets = Buckets()
    for name in "abc":
        assert [buckets.take(SLOW, name) == 0 for _ in range(2)] == [True, True]
    assert buckets.take(SLOW, "a") > 0
    assert buckets.take(SLOW, "d") == 0
    assert buckets.take(SLOW, "a") > 0, "used a moment ago"
    assert buckets.take(SLOW, "b") == 0, "forgotten"
