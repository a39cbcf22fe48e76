"""`python3 -m tools.cluster_secrets > secrets.json`: every Secret that the manifests in k8s/ name, with new passwords.

For `kubectl apply -f secrets.json`. Each service gets what it needs and no other's, and an identity of its own at the
object store. Stores outside of the cluster: see `--help`. Needs
Python and, for Redis' certificate, openssl. Knows names and passwords, nothing of what the services do with them.
"""

import argparse
import base64
import json
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tools.keda_redis import keda_redis

NAMESPACE = "selfsynth"
_CA = "/etc/selfsynth/redis/ca.crt"
_REDIS_NAMES = ("redis", f"redis.{NAMESPACE}.svc.cluster.local", "localhost")
# What each process reads, as a file of that name in lower case.
_NEEDS: dict[str, tuple[str, ...]] = {
    "api": ("database_url", "redis_url", "api_key", "worker_token", "engine_key", "store_options"),
    "data-worker": ("redis_url", "worker_token", "store_options"),
    "engine": ("engine_key", "store_options"),
    "generator": ("redis_url", "worker_token", "engine_key", "store_options"),
    "migrate": ("database_url", "store_options"),
    "selector": ("redis_url", "worker_token", "store_options"),
    "trainer": ("redis_url", "worker_token", "store_options"),
    "weights": ("store_options",),
}
_MAKES_THE_BUCKET = "migrate"
_ONLY_READ = ("engine", "weights")


def secret_objects(
    database_url: str = "",
    redis_url: str = "",
    store_options: Mapping[str, str] | None = None,
    redis_ca: str = "",
    keda: bool = True,
) -> Any:
    """A Kubernetes List. What is not given is that of the stores in the cluster, with passwords of its own.

    Raises ValueError where only some services were given what they need at the object store, or KEDA cannot ask Redis.
    """
    lacking = sorted(_NEEDS.keys() - store_options.keys()) if store_options else []
    if lacking:
        raise ValueError(
            f"--store-options says nothing of {', '.join(lacking)}; {{}} leaves it to the cloud's identities"
        )
    postgres, redis = secrets.token_hex(24), secrets.token_hex(24)
    keys = {name: (secrets.token_hex(10), secrets.token_hex(24)) for name in _NEEDS}
    shared = {
        "database_url": database_url or f"postgresql+psycopg://selfsynth:{postgres}@postgres:5432/selfsynth",
        "redis_url": redis_url or f"rediss://:{redis}@redis:6379/0?ssl_ca_certs={_CA}",
        **{name: secrets.token_urlsafe(32) for name in ("api_key", "worker_token", "engine_key")},
    }
    found: dict[str, dict[str, str]] = {}
    for name, needs in _NEEDS.items():
        own = {"store_options": store_options[name] if store_options else _options(*keys[name])}
        found[name] = {f"selfsynth_{need}": (shared | own)[need] for need in needs}
    if not database_url:
        found["postgres"] = {"postgres_password": postgres}
    if not redis_url:
        redis_ca, key = _certificate()
        found["redis"] = {
            "redis.conf": f"requirepass {redis}\n",
            "ca.crt": redis_ca,
            "tls.crt": redis_ca,
            "tls.key": key,
        }
    if not store_options:
        found["s3"] = {"identities.json": json.dumps({"identities": [_identity(name, *keys[name]) for name in keys]})}
    if redis_ca:
        found["redis-ca"] = {"ca.crt": redis_ca}
    if keda:
        found["keda-redis"] = keda_redis(shared["redis_url"], redis_ca, NAMESPACE)
    return {"apiVersion": "v1", "kind": "List", "items": [_secret(name, data) for name, data in found.items()]}


def _options(access_key_id: str, secret_access_key: str) -> str:
    return json.dumps({"access_key_id": access_key_id, "secret_access_key": secret_access_key})


def _identity(name: str, access_key_id: str, secret_access_key: str) -> dict[str, Any]:
    """Of the S3 server in the cluster. Some only read; nobody but the migration may make buckets."""
    actions = ["Read:selfsynth", "List:selfsynth"]
    if name == _MAKES_THE_BUCKET:
        actions = ["Admin"]
    elif name not in _ONLY_READ:
        actions.append("Write:selfsynth")
    credentials = [{"accessKey": access_key_id, "secretKey": secret_access_key}]
    return {"name": name, "credentials": credentials, "actions": actions}


def _certificate() -> tuple[str, str]:
    """(certificate, key) of the Redis in the cluster, in PEM. It is its own authority."""
    names = ",".join(f"DNS:{name}" for name in _REDIS_NAMES)
    with tempfile.TemporaryDirectory() as folder:
        key, certificate = Path(folder, "key"), Path(folder, "certificate")
        command = ["openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        command += ["-subj", "/CN=redis", "-addext", f"subjectAltName={names}", "-days", "3650"]
        subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
        return certificate.read_text(), key.read_text()


def _secret(name: str, data: Mapping[str, str]) -> dict[str, Any]:
    encoded = {key: base64.b64encode(text.encode()).decode() for key, text in data.items()}
    metadata = {"name": name, "namespace": NAMESPACE, "labels": {"app.kubernetes.io/name": "selfsynth"}}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": encoded}


def _service_and_json(text: str) -> tuple[str, str]:
    name, _, options = text.partition("=")
    if name not in _NEEDS:
        raise argparse.ArgumentTypeError(f"there is no service {name!r}; there are {', '.join(_NEEDS)}")
    try:
        is_object = isinstance(json.loads(options), dict)
    except ValueError:
        is_object = False
    if not is_object:
        raise argparse.ArgumentTypeError(f'what follows {name}= is no JSON object, as in {name}={{"region": "..."}}')
    return name, options


def _redis_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("redis", "rediss") or not parts.hostname:
        raise argparse.ArgumentTypeError("it is not of the form rediss://:PASSWORD@HOST:PORT/0")
    return text


def _content(file: str) -> str:
    try:
        return Path(file).read_text()
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{file} cannot be read: {error.strerror}") from error


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--database-url", default="", help="postgresql+psycopg://USER:PASSWORD@HOST/NAME?sslmode=require")
    add(
        "--redis-url",
        type=_redis_url,
        help=f"rediss://:PASSWORD@HOST:PORT/0, with ?ssl_ca_certs={_CA} for --redis-ca",
    )
    add(
        "--redis-ca",
        type=_content,
        metavar="FILE",
        help="the file of the authority that signed Redis' certificate, where it is your own",
    )
    add(
        "--store-options",
        action="append",
        default=[],
        type=_service_and_json,
        metavar="SERVICE=JSON",
        help=f"one of these for each of {', '.join(_NEEDS)}",
    )
    add("--no-keda", action="store_true", help="make no Secret for KEDA, which asks only Redis' database 0, and by TLS")
    given = parser.parse_args()
    try:
        objects = secret_objects(
            given.database_url,
            given.redis_url or "",
            dict(given.store_options),
            given.redis_ca or "",
            keda=not given.no_keda,
        )
    except ValueError as error:
        parser.error(str(error))
    json.dump(objects, sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
