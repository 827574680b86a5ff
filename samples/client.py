"""A small client of the public API, as an app would be one: one connection, one language."""

import http.client
import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

JOB_POLL_S = 0.3


class Refused(Exception):
    """The API refused a request; the message holds its problem document."""


@dataclass
class Client:
    """Requests of one person over one kept connection."""

    base_url: str
    token: str = ""
    refresh_token: str = ""
    _connection: http.client.HTTPConnection | None = field(default=None, repr=False)

    def get(self, path: str) -> Any:
        return self.call("GET", path)

    def post(self, path: str, body: Any = None) -> Any:
        return self.call("POST", path, body if body is not None else {})

    def put(self, path: str, body: Any) -> Any:
        return self.call("PUT", path, body)

    def patch(self, path: str, changes: Any, read: dict[str, Any]) -> Any:
        """Change what was read before, if nobody changed it since."""
        content = json.dumps(changes).encode()
        match = {"If-Match": f'"v{read["version"]}"'}
        return self._send("PATCH", path, content, "application/json", match)

    def upload(self, path: str, name: str, content: bytes) -> Any:
        """Send a file as the multipart part `file`."""
        mark = uuid.uuid4().hex
        head = (
            f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        body = head.encode() + content + f"\r\n--{mark}--\r\n".encode()
        return self._send("POST", path, body, f"multipart/form-data; boundary={mark}")

    def finished(self, job: Any, within_s: float = 120) -> Any:
        """Wait for a job and return it; raises Refused if it fails or takes too long."""
        deadline = time.monotonic() + within_s
        while job["state"] in ("queued", "running"):
            if time.monotonic() > deadline:
                raise Refused(f"job {job['kind']} took too long")
            time.sleep(JOB_POLL_S)
            job = self.get(f"/jobs/{job['id']}")
        if job["state"] != "done":
            raise Refused(json.dumps(job, ensure_ascii=False))
        return job

    def sign_in(self, body: dict[str, Any]) -> None:
        """Sign in and keep the tokens."""
        self._keep(self.post("/auth/login", body))

    def refresh(self) -> None:
        """Get fresh tokens for the refresh token."""
        body, self.refresh_token = {"refresh_token": self.refresh_token}, ""
        self._keep(self.post("/auth/refresh", body))

    def _keep(self, tokens: dict[str, Any]) -> None:
        self.token, self.refresh_token = tokens["access_token"], tokens["refresh_token"]

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """A JSON request; raises Refused for an answer of 400 and above."""
        content = None if body is None else json.dumps(body).encode()
        return self._send(method, path, content, "application/json")

    def _send(
        self,
        method: str,
        path: str,
        content: bytes | None,
        kind: str,
        more: dict[str, str] | None = None,
    ) -> Any:
        headers = {"Accept-Language": "zh-CN", **(more or {})}
        if content is not None:
            headers["Content-Type"] = kind
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        status, reply = self._exchange(method, f"/api/v1{path}", content, headers)
        if status == 401 and self.refresh_token:
            # Tokens end after minutes, and at once when roles change.
            self.refresh()
            headers["Authorization"] = f"Bearer {self.token}"
            status, reply = self._exchange(method, f"/api/v1{path}", content, headers)
        if status >= 400:
            raise Refused(f"{method} {path}: {reply.decode()}")
        return json.loads(reply) if reply else None

    def _exchange(
        self, method: str, path: str, content: bytes | None, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        if self._connection is None:
            place = urlsplit(self.base_url)
            assert place.hostname is not None
            self._connection = http.client.HTTPConnection(place.hostname, place.port, timeout=30)
        self._connection.request(method, path, content, headers)
        response = self._connection.getresponse()
        return response.status, response.read()

    def close(self) -> None:
        if self._connection:
            self._connection.close()
