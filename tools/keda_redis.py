"""What KEDA's triggers must know of the Redis that the services use. They speak TLS, and look into database 0 only.

Knows no Secret. Needs Python only.
"""

from urllib.parse import parse_qs, unquote, urlsplit

_WITHOUT_KEDA = "; where nothing is scaled by KEDA, add --no-keda"


def keda_redis(redis_url: str, certificate: str, namespace: str) -> dict[str, str]:
    """Its address, user, password and authority. Raises ValueError for a Redis that the triggers cannot ask."""
    parts = urlsplit(redis_url)
    if parts.scheme != "rediss":
        raise ValueError(
            f"--redis-url begins with {parts.scheme}://, but KEDA's triggers reach Redis by TLS only: give "
            f"rediss://...{_WITHOUT_KEDA}"
        )
    database = _database(redis_url)
    if database != 0:
        raise ValueError(
            f"--redis-url names database {database}, but KEDA's triggers look into database 0 and would find no queue: "
            f"end it with /0{_WITHOUT_KEDA}"
        )
    host = parts.hostname or ""
    if host == "redis":  # KEDA runs in another namespace
        host = f"redis.{namespace}.svc.cluster.local"
    return {
        "address": f"{host}:{parts.port or 6379}",
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "ca.crt": certificate,
    }


def _database(redis_url: str) -> int:
    """As redis-py understands it: a query's `db` counts more than the path, and what is no number is 0."""
    parts = urlsplit(redis_url)
    named = parse_qs(parts.query).get("db", [unquote(parts.path).replace("/", "")])[0]
    return int(named) if named.isdecimal() else 0
