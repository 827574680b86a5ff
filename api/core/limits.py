"""Rate limits: token buckets for each account, or for each address before sign-in.

A class of requests has `per_minute` tokens and a burst.  "Shared" classes count in Valkey, so
that all processes see the same bucket, and fall back to this process's own bucket while Valkey
is away: the limit degrades, it is never off.
"""

import math
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from api.core import valkey
from api.core.errors import TooMany

MAX_BUCKETS = 50_000

# KEYS[1] bucket; ARGV: tokens a second, burst, now, cost (negative: given back).
# Returns seconds to wait, 0 if granted.
_SCRIPT = valkey.Script("""
local rate, burst, now = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local cost = tonumber(ARGV[4])
local held = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = tonumber(held[1]) or burst
local at = tonumber(held[2]) or now
tokens = math.min(burst, tokens + math.max(0, now - at) * rate)
local wait = 0
if cost < 0 then tokens = math.min(burst, tokens - cost)
elseif tokens >= 1 then tokens = tokens - cost
else wait = (1 - tokens) / rate end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', tostring(now))
redis.call('PEXPIRE', KEYS[1], math.ceil(burst / rate * 1000) + 1000)
return tostring(wait)
""")


@dataclass(frozen=True, slots=True)
class Rate:
    """`per_minute` requests on average, `burst` at once."""

    name: str
    per_minute: int
    burst: int
    shared: bool = False


READ = Rate("read", per_minute=1200, burst=300)
WRITE = Rate("write", per_minute=600, burst=200)
IMPORT = Rate("import", per_minute=30, burst=10, shared=True)
SIGN_IN_ADDRESS = Rate("sign-in-address", per_minute=1200, burst=1200, shared=True)
REFRESH_ADDRESS = Rate("refresh-address", per_minute=6000, burst=3000)
SIGN_IN_FAILURES = Rate("sign-in-failures", per_minute=20, burst=10, shared=True)


class Buckets:
    """Token buckets of this process, the least recently used forgotten first."""

    def __init__(self) -> None:
        self._held: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, rate: Rate, subject: str, cost: float = 1.0) -> float:
        """Seconds to wait before a token is there; 0 if `cost` was taken (negative: given back)."""
        now = time.monotonic()
        per_second = rate.per_minute / 60
        with self._lock:
            tokens, at = self._held.pop((rate.name, subject), (float(rate.burst), now))
            tokens = min(rate.burst, tokens + (now - at) * per_second)
            granted = tokens >= 1 or cost < 0
            left = min(float(rate.burst), tokens - cost) if granted else tokens
            self._held[(rate.name, subject)] = (left, now)
            if len(self._held) > MAX_BUCKETS:
                self._held.popitem(last=False)
        return 0.0 if granted else (1 - tokens) / per_second

    def clear(self) -> None:
        with self._lock:
            self._held.clear()


buckets = Buckets()


def check(rate: Rate, subject: str) -> None:
    """Take one token of `subject`'s bucket; raises TooMany with the time to wait."""
    wait = _wait(rate, subject, 1.0)
    if wait > 0:
        raise TooMany(math.ceil(wait))


def give_back(rate: Rate, subject: str) -> None:
    """Return the token that `check` took: what it was taken for turned out to be innocent.

    Taking first and giving back keeps parallel tries within the limit.
    """
    _wait(rate, subject, -1.0)


def _wait(rate: Rate, subject: str, cost: float) -> float:
    if rate.shared:
        return _shared_wait(rate, subject, cost)
    return buckets.take(rate, subject, cost)


def _shared_wait(rate: Rate, subject: str, cost: float) -> float:
    arguments = [rate.per_minute / 60, rate.burst, time.time(), cost]
    try:
        return float(_SCRIPT.run([f"limit:{rate.name}:{subject}"], arguments))
    except valkey.ValkeyDown:
        return buckets.take(rate, subject, cost)
