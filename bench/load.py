"""Sending load: by our own driver, or by wrk where it is installed."""

import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from bench import calls
from bench.calls import Call
from workers.processes import module

PROCESSES = 2
CONNECTIONS = 16
FINISHED_WITHIN_S = 300.0
WRK_SCRIPT = Path(__file__).parent / "wrk.lua"


class RequestsFailed(Exception):
    """Some requests were not answered as they should be."""


@dataclass(frozen=True, slots=True)
class Load:
    """How some load went; times in microseconds, sorted."""

    requests: int
    seconds: float
    times: Sequence[int] = ()

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds

    def percentile_ms(self, percent: float) -> float:
        """The latency that `percent` of the requests kept."""
        if not self.times:
            return 0.0
        return self.times[min(len(self.times) - 1, int(len(self.times) * percent / 100))] / 1000


class Running:
    """Own drivers at work; `result()` waits for their end."""

    def __init__(self, drivers: "list[subprocess.Popen[bytes]]", wanted: str) -> None:
        self._drivers = drivers
        self._wanted = wanted
        for driver in drivers:
            assert driver.stdout is not None
            if driver.stdout.readline() != b"ready\n":
                _kill(drivers)
                raise RequestsFailed("A driver could not connect.")
        self._began = time.perf_counter()
        for driver in drivers:
            assert driver.stdin is not None
            driver.stdin.write(b"\n")
            driver.stdin.flush()

    def result(self) -> Load:
        """How it went; raises RequestsFailed."""
        try:
            outputs = [d.communicate(timeout=FINISHED_WITHIN_S)[0] for d in self._drivers]
        except subprocess.TimeoutExpired as error:
            raise RequestsFailed("The load did not come to its end in time.") from error
        finally:
            _kill(self._drivers)
        seconds = time.perf_counter() - self._began
        if any(driver.returncode != 0 for driver in self._drivers):
            raise RequestsFailed("A driver failed; see above.")
        seen = [orjson.loads(output) for output in outputs]
        for part in seen:
            self._check(part["statuses"], part["unwanted"])
        times = sorted(micros for part in seen for micros in part["times"])
        return Load(len(times), seconds, times)

    def _check(self, statuses: dict[str, int], unwanted: str) -> None:
        if set(statuses) - {self._wanted}:
            raise RequestsFailed(f"wanted {self._wanted}, got {statuses}: {unwanted}")


def _kill(drivers: "Sequence[subprocess.Popen[bytes]]") -> None:
    """End what may still run of our drivers."""
    for driver in drivers:
        driver.kill()


def start(
    requests: Sequence[Call], port: int, scratch: Path, *, wanted: int = 200, pace: float = 0,
    processes: int = PROCESSES,
) -> Running:  # fmt: skip
    """Begin to send `requests`, each once; `pace` is requests a second, 0 as fast as they go."""
    file = scratch / f"requests-{time.monotonic_ns()}"
    calls.write(requests, file)
    drivers = [
        subprocess.Popen(
            module("bench.driver", str(file), str(port), str(part), str(processes),
                   str(CONNECTIONS // processes), str(pace / processes)),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        for part in range(processes)
    ]  # fmt: skip
    try:
        return Running(drivers, str(wanted))
    finally:
        file.unlink()


def send(requests: Sequence[Call], port: int, scratch: Path, *, wanted: int = 200) -> Load:
    """Send `requests`, each once, as fast as they go; raises RequestsFailed."""
    return start(requests, port, scratch, wanted=wanted).result()


def has_wrk() -> bool:
    """Whether wrk is installed."""
    return shutil.which("wrk") is not None


def send_by_wrk(
    requests: Sequence[Call], port: int, scratch: Path, *, seconds: int, wanted: int = 200
) -> Load:
    """Send `requests` again and again for some seconds; raises RequestsFailed."""
    file = scratch / f"requests-{time.monotonic_ns()}"
    calls.write(requests, file)
    command = [
        "wrk", f"-t{PROCESSES}", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(WRK_SCRIPT),
        f"http://127.0.0.1:{port}/", str(file), str(PROCESSES), str(wanted),
    ]  # fmt: skip
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=FINISHED_WITHIN_S
    )
    file.unlink()
    line = done.stdout.rpartition("RESULT ")[2]
    if done.returncode != 0 or not line.startswith("{"):
        raise RequestsFailed(f"wrk failed: {done.stdout[-300:]} {done.stderr[-300:]}")
    result = orjson.loads(line)
    if result["failed"]:
        raise RequestsFailed(f"{result['failed']} of {result['requests']} requests by wrk failed")
    return Load(result["requests"], result["micros"] / 1e6)
