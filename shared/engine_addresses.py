"""The addresses in `SELFSYNTH_ENGINE_URL`: one engine, or several replicas that serve the same model. Pure but for
`looked_up`."""

import json
import socket
from urllib.parse import urlsplit

from shared.errors import InvalidInput

DNS = "dns+"


def addresses(setting: str) -> tuple[str, ...]:
    """The distinct addresses, in their order and without `/` at the end: separated by commas, or a JSON list.

    `dns+http://name:port` stands for every address that the name resolves to. Raises InvalidInput for what is none.
    """
    text = setting.strip()
    try:
        parts = json.loads(text) if text.startswith("[") else text.split(",")
    except ValueError:
        parts = []
    found = tuple(dict.fromkeys(str(part).strip().rstrip("/") for part in parts if str(part).strip()))
    if not found or not all(each.removeprefix(DNS).startswith(("http://", "https://")) for each in found):
        raise InvalidInput(
            f"SELFSYNTH_ENGINE_URL is {setting!r}: no address of an engine",
            remedy="Give http://host:port, several of them with commas between, or dns+http://name:port.",
        )
    return found


def reachable(setting: str) -> tuple[str, ...]:
    """The same for one who asks any replica once: `dns+` is left out, a name's first address will do."""
    return tuple(each.removeprefix(DNS) for each in addresses(setting))


def looked_up(url: str) -> list[str]:
    """The URL once for every IPv4 address of its host, none when the name is unknown now."""
    parts = urlsplit(url)
    port = parts.port or 80
    try:
        found = socket.getaddrinfo(parts.hostname, port, family=socket.AF_INET, type=socket.SOCK_STREAM)
    except socket.gaierror:
        return []
    return [parts._replace(netloc=f"{host}:{port}").geturl() for host in sorted({str(each[4][0]) for each in found})]
