"""`python -m bench.driver FILE PORT PART PARTS CONNECTIONS PACE`: sends requests, one process.

Sends every PARTS-th request of the file over keep-alive connections, each as soon as the one
before it on its connection is answered; with a PACE (requests a second, 0: none) at its own time.
Says "ready" when connected, waits for a line, then prints what it saw as JSON.
"""

import re
import selectors
import socket
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from bench import calls

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
SILENCE_S = 20.0
RECEIVE_BYTES = 1 << 16


@dataclass
class Seen:
    """What one driver saw; times in microseconds, from the moment a request was due."""

    statuses: dict[str, int] = field(default_factory=dict)
    times: list[int] = field(default_factory=list)
    unwanted: str = ""

    def note(self, status: str, due: float, answer: bytes) -> None:
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.times.append(int((time.perf_counter() - due) * 1e6))
        if not self.unwanted and status not in ("200", "201", "204", "304"):
            self.unwanted = answer[-400:].decode(errors="replace")


@dataclass
class Line:
    """One connection and the request that waits for its answer on it."""

    socket: socket.socket
    due: float = 0.0
    answer: bytes = b""


class Driver:
    """Sends the requests given over its connections."""

    def __init__(self, requests: list[bytes], port: int, connections: int, pace: float) -> None:
        self._port = port
        self._pace = pace
        self._requests = iter(requests)
        self._seen = Seen()
        self._selector = selectors.DefaultSelector()
        self._idle = [self._connected() for _ in range(connections)]
        self._next = next(self._requests, None)
        self._sent = 0
        self._began = 0.0

    def run(self) -> Seen:
        """Send everything; raises TimeoutError if nothing comes for long."""
        self._began = time.perf_counter()
        busy = 0
        while self._next is not None or busy:
            busy += self._send_due()
            ready = self._selector.select(self._wait())
            if not ready and busy and self._next is None:
                raise TimeoutError("no answer")
            busy -= sum(self._receive(key.data) for key, _events in ready)
        return self._seen

    def _connected(self) -> Line:
        line = Line(socket.create_connection(("127.0.0.1", self._port), timeout=SILENCE_S))
        line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector.register(line.socket, selectors.EVENT_READ, line)
        return line

    def _due(self) -> float:
        if not self._pace:
            return time.perf_counter()
        return self._began + self._sent / self._pace

    def _wait(self) -> float:
        if self._pace and self._next is not None and self._idle:
            return max(0.0, self._due() - time.perf_counter())
        return SILENCE_S

    def _send_due(self) -> int:
        """Send what is due over idle connections; returns how many."""
        count = 0
        while self._next is not None and self._idle:
            due = self._due()
            if due > time.perf_counter():
                break
            line = self._idle.pop()
            line.due, line.answer = due, b""
            line.socket.sendall(self._next)
            self._next = next(self._requests, None)
            self._sent += 1
            count += 1
        return count

    def _receive(self, line: Line) -> bool:
        """Read what is there; True if that ends a request."""
        part = line.socket.recv(RECEIVE_BYTES)
        if not part:
            return self._lost(line)
        line.answer += part
        if not _complete(line.answer):
            return False
        self._seen.note(line.answer[9:12].decode(), line.due, line.answer)
        self._idle.append(line)
        return True

    def _lost(self, line: Line) -> bool:
        """The server closed a connection: a failure only if a request was under way."""
        self._selector.unregister(line.socket)
        line.socket.close()
        waiting = line not in self._idle
        if waiting:
            self._seen.note("closed", line.due, b"closed by the server")
        else:
            self._idle.remove(line)
        self._idle.append(self._connected())
        return waiting


def _complete(answer: bytes) -> bool:
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return False
    if answer[9:12] in (b"304", b"204"):
        return True
    length = _LENGTH.search(answer, 0, end + 2)
    if length is None:
        raise ValueError("an answer without Content-Length")
    return len(answer) >= end + 4 + int(length[1])


def main(arguments: list[str]) -> None:
    """Drive as the arguments say."""
    path, port, part, parts, connections, pace = arguments
    requests = calls.read(Path(path))[int(part) :: int(parts)]
    driver = Driver(requests, int(port), int(connections), float(pace))
    print("ready", flush=True)
    sys.stdin.readline()
    sys.stdout.buffer.write(orjson.dumps(driver.run()))


if __name__ == "__main__":
    main(sys.argv[1:])
