"""Whether a queue worker lives, by the heartbeat that it leaves in the queue's server. Knows RQ's keys, no messages."""

from datetime import UTC, datetime

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq.utils import utcparse

# An idle worker's heart beats every 15 s; one that waits for a server that was away tries again within 60 s.
LONGEST_SILENCE_S = 90.0
_PATIENCE_S = 2.0


def impatient(redis_url: str) -> Redis:
    """A connection for probes: they want an answer soon, and ask again."""
    return Redis.from_url(
        redis_url, socket_timeout=_PATIENCE_S, socket_connect_timeout=_PATIENCE_S, retry=Retry(NoBackoff(), 0)
    )


def fault(connection: Redis, worker: str) -> str:
    """What is wrong with the worker of this name, or "" when it is alive."""
    try:
        beat = connection.hget(f"rq:worker:{worker}", "last_heartbeat")
    except RedisError as error:
        return f"the queue does not answer: {error}"
    if not isinstance(beat, bytes):
        return f"the queue knows no worker {worker!r}"
    silent_s = (datetime.now(UTC) - utcparse(beat.decode()).replace(tzinfo=UTC)).total_seconds()
    return f"the worker {worker!r} was last heard of {silent_s:.0f} s ago" if silent_s > LONGEST_SILENCE_S else ""
