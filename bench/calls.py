"""HTTP requests as the benchmark sends them: as bytes for a socket, as an environ for WSGI."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

PREFIX = "/api/v1"


@dataclass(frozen=True, slots=True)
class Call:
    """One request; `body` is JSON."""

    method: str
    path: str
    token: str | None = None
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def all_headers(self) -> dict[str, str]:
        """The headers of a phone's client."""
        headers = {"Host": "127.0.0.1", "Accept-Language": "zh-CN", **self.headers}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if self.body is not None:
            headers["Content-Type"] = "application/json"
            headers["Content-Length"] = str(len(self.body))
        return headers

    def raw(self) -> bytes:
        """The request as it goes over the wire (HTTP/1.1, keep-alive)."""
        lines = [f"{self.method} {self.path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in self.all_headers().items()]
        return "\r\n".join([*lines, "", ""]).encode() + (self.body or b"")

    def environ(self) -> dict[str, Any]:
        """The request as a WSGI server hands it to the application."""
        path, _sep, query = self.path.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.method, "SCRIPT_NAME": "", "PATH_INFO": path,
            "QUERY_STRING": query, "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1",
            "wsgi.version": (1, 0), "wsgi.url_scheme": "http", "wsgi.errors": io.StringIO(),
            "wsgi.input": io.BytesIO(self.body or b""), "wsgi.multithread": True,
            "wsgi.multiprocess": True, "wsgi.run_once": False,
        }  # fmt: skip
        for name, value in self.all_headers().items():
            key = name.upper().replace("-", "_")
            environ[key if key.startswith("CONTENT_") else f"HTTP_{key}"] = value
        return environ


def call(method: str, path: str, token: str, json: Any = None, **headers: str) -> Call:
    """A call of the API; `path` without the prefix, header names with underscores."""
    body = None if json is None else orjson.dumps(json)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Call(method, PREFIX + path, token, body, named)


def write(calls: Sequence[Call], path: Path) -> None:
    """A file of requests for the drivers: each behind a line with its length."""
    with path.open("wb") as file:
        for one in calls:
            raw = one.raw()
            file.write(b"%d\n%b" % (len(raw), raw))


def read(path: Path) -> list[bytes]:
    """The requests of a file that `write` wrote."""
    found = []
    with path.open("rb") as file:
        while length := file.readline():
            found.append(file.read(int(length)))
    return found
