"""Figures for Prometheus: requests by operation and status, and their time.

The supervisor sets PROMETHEUS_MULTIPROC_DIR, so that all API processes add to shared files.
"""

import os

from flask import Request
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

REQUESTS = Counter("leitai_requests", "Requests answered.", ["operation", "method", "status"])
SECONDS = Histogram(
    "leitai_request_seconds",
    "Seconds from the start of a request to its reply.",
    ["operation"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)


def observe(request: Request, status: int, seconds: float) -> None:
    """Count one reply; `seconds` is its duration."""
    operation = request.endpoint or "unknown"
    REQUESTS.labels(operation, request.method, str(status)).inc()
    SECONDS.labels(operation).observe(seconds)


def exposition() -> bytes:
    """All figures of all processes in Prometheus' text format."""
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
