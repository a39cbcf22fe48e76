"""Which endpoints may be asked, and where their keys lie (docs/adr/0006). Knows addresses, no HTTP.

A key is bound to its address in the settings: a request names the key and cannot send it anywhere else. An address
without a key must be allowed by the settings too, so that nobody can make the worker call what only it can reach.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, ConfigDict, SecretStr, model_validator

from shared.errors import SystemFault, UserFault

LOOPBACK = "loopback"
_LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})
_PORTS = {"http": 80, "https": 443}


class EndpointNotAllowed(UserFault):
    code = "endpoint_not_allowed"


class ConceptEndpoint(BaseModel):
    """An address with its key, which is read from a file or an environment variable when it is used."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str
    key_file: Path | None = None
    key_env: str | None = None

    @model_validator(mode="after")
    def _one_key(self) -> "ConceptEndpoint":
        if (self.key_file is None) == (self.key_env is None):
            raise ValueError("give either key_file or key_env")
        parsed(self.base_url)
        return self

    def key(self, name: str) -> SecretStr:
        """Raises SystemFault that names the place, never what is in it."""
        try:
            found = self.key_file.read_text().strip() if self.key_file else os.environ.get(self.key_env or "", "")
        except (OSError, UnicodeDecodeError) as error:
            raise _keyless(name, f"{self.key_file} cannot be read: {type(error).__name__}") from None
        if not found.isascii() or not found.isprintable() or not found:
            raise _keyless(name, f"{self.key_file or self.key_env} holds no key")
        return SecretStr(found)


def resolve(
    base_url: str | None, secret: str | None, endpoints: Mapping[str, ConceptEndpoint], open_urls: Sequence[str]
) -> str:
    """The address to ask. Raises EndpointNotAllowed when the settings do not allow it, with or without a key."""
    if secret is not None:
        return _of_secret(base_url, secret, endpoints)
    if base_url is None:
        raise EndpointNotAllowed("neither a base_url nor a secret is named", remedy="Name one of them, or both.")
    address = parsed(base_url)
    for each in open_urls:
        is_allowed = is_loopback(base_url) if each == LOOPBACK else address == parsed(each)
        if is_allowed:
            return base_url.rstrip("/")
    raise EndpointNotAllowed(
        f"{host_of(base_url)} may not be asked: it is not among the allowed addresses",
        remedy="Have the operator add the base_url to SELFSYNTH_CONCEPT_OPEN_URLS, or name a secret of "
        "SELFSYNTH_CONCEPT_ENDPOINTS.",
    )


def parsed(base_url: str) -> tuple[str, str, int, str]:
    """Scheme, host, port and path, by which addresses are compared. Raises EndpointNotAllowed."""
    try:
        url: SplitResult = urlsplit(base_url)
        port = url.port or _PORTS.get(url.scheme, 0)
    except ValueError:
        raise _no_address() from None
    has_more = url.username or url.password or url.query or url.fragment or not base_url.isprintable()
    if url.scheme not in _PORTS or not url.hostname or has_more or "\\" in base_url or ".." in url.path:
        raise _no_address()
    return url.scheme, url.hostname.lower(), port, url.path.rstrip("/")


def host_of(base_url: str) -> str:
    _, host, port, _ = parsed(base_url)
    return f"{host}:{port}"


def is_loopback(base_url: str) -> bool:
    return parsed(base_url)[1] in _LOOPBACK_HOSTS


def _of_secret(base_url: str | None, secret: str, endpoints: Mapping[str, ConceptEndpoint]) -> str:
    known = endpoints.get(secret)
    if known is None:
        raise EndpointNotAllowed(
            f"there is no secret {secret!r}",
            remedy=f"Use one of: {', '.join(sorted(endpoints)) or 'none is set'} (SELFSYNTH_CONCEPT_ENDPOINTS).",
        )
    if base_url is not None and parsed(base_url) != parsed(known.base_url):
        raise EndpointNotAllowed(
            f"the secret {secret!r} belongs to another address than {host_of(base_url)}{parsed(base_url)[3]}",
            remedy=f"Leave base_url out: the secret's own is {known.base_url}.",
        )
    return known.base_url.rstrip("/")


def _no_address() -> EndpointNotAllowed:
    return EndpointNotAllowed(
        "the base_url is no plain http(s) address",
        remedy="Give it as https://host/v1, without user, password, query or fragment.",
    )


def _keyless(name: str, why: str) -> SystemFault:
    return SystemFault(
        f"the key of {name!r} is not there: {why}",
        remedy="Have the operator put it where SELFSYNTH_CONCEPT_ENDPOINTS says, where the asking worker runs.",
        code="endpoint_key_missing",
    )
