"""Reads how full the queues are and who serves them. Knows RQ's keys, no database."""

from redis import Redis

from shared.queues import queue_of
from shared.types.lifecycle import QueueName

Counts = dict[tuple[str, ...], float]


def depths(connection: Redis) -> Counts:
    """Messages that wait, by queue. Raises RedisError."""
    return {(name.value,): queue_of(connection, name).count for name in QueueName}


def workers(connection: Redis) -> Counts:
    """Living ones, by queue and `busy` or `idle`. One that was killed is counted until its key expires. Raises
    RedisError."""
    found: Counts = {(name.value, state): 0 for name in QueueName for state in ("busy", "idle")}
    for name in QueueName:
        keys = list(connection.smembers(f"rq:workers:{name.value}"))
        with connection.pipeline(transaction=False) as asked:
            for key in keys:
                asked.hmget(key, "birth", "state")
            for birth, state in asked.execute():
                found[name.value, "busy" if state == b"busy" else "idle"] += birth is not None
    return found
