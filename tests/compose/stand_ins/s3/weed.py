"""Serves S3 on port 8333 to the access keys in the file that `-s3.config` names, as SeaweedFS does; `/healthz` to all.

It looks at the access key only, not at signatures.
"""

import argparse
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple

Environ = dict[str, Any]


class KnownOnly:
    """WSGI: lets through what names one of the access keys."""

    def __init__(self, inner: Callable[..., Iterable[bytes]], access_keys: list[str]) -> None:
        self._inner = inner
        self._access_keys = access_keys

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/healthz":
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [b"ok"]
        said = environ.get("HTTP_AUTHORIZATION", "") + environ.get("QUERY_STRING", "")
        if not any(key in said for key in self._access_keys):
            start_response("403 Forbidden", [("Content-Type", "text/plain")])
            return [b"InvalidAccessKeyId"]
        return self._inner(environ, start_response)


def main() -> None:
    parser = argparse.ArgumentParser(prog="weed")
    parser.add_argument("mode", choices=["server"])
    for name in ("-ip", "-ip.bind", "-dir"):
        parser.add_argument(name)
    parser.add_argument("-s3", action="store_true", required=True)
    parser.add_argument("-s3.config", dest="config", type=Path, required=True)
    identities = json.loads(parser.parse_args().config.read_text())["identities"]
    keys = [each["accessKey"] for identity in identities for each in identity["credentials"]]
    application = KnownOnly(DomainDispatcherApplication(create_backend_app), keys)
    run_simple("0.0.0.0", 8333, application, threaded=True)


if __name__ == "__main__":
    main()
