"""Which addresses may be asked, and where keys come from."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from shared.endpoints.addresses import ConceptEndpoint, EndpointNotAllowed, host_of, resolve
from shared.errors import SystemFault

BOUND = {"paid": ConceptEndpoint(base_url="https://api.example.com/v1", key_env="THE_KEY")}


@pytest.mark.parametrize("base_url", [None, "https://api.example.com/v1", "https://API.example.com:443/v1/"])
def test_a_secret_brings_its_address(base_url: str | None) -> None:
    assert resolve(base_url, "paid", BOUND, ()) == "https://api.example.com/v1"


@pytest.mark.parametrize(
    "base_url",
    [
        "https://evil.example.com/v1",
        "http://api.example.com/v1",
        "https://api.example.com:8443/v1",
        "https://api.example.com/other",
        "https://api.example.com/v1/../x",
        "https://api.example.com.evil.org/v1",
        "https://api.example.com@evil.org/v1",
        "https://api.example.com/v1?to=evil",
        "https://evil.org\\@api.example.com/v1",
    ],
)
def test_a_key_is_sent_nowhere_else(base_url: str) -> None:
    with pytest.raises(EndpointNotAllowed):
        resolve(base_url, "paid", BOUND, ("loopback",))


@pytest.mark.parametrize(
    "base_url",
    [
        "http://169.254.169.254/latest",
        "http://127.0.0.1.nip.io/v1",
        "http://localhost.evil.org/v1",
        "file:///etc/passwd",
        "ftp://127.0.0.1/v1",
        "http://2130706433/v1",
        "http://u:p@127.0.0.1/v1",
        "http://127.0.0.1:x/v1",
        "http://[::1",
        "http://127.0.0.1/v1\n",
        "",
    ],
)
def test_what_is_not_allowed_is_not_asked_even_where_loopback_is(base_url: str) -> None:
    with pytest.raises(EndpointNotAllowed) as raised:
        resolve(base_url, None, BOUND, ("loopback", "http://10.0.0.1/v1"))
    assert raised.value.remedy


def test_without_settings_nothing_may_be_asked() -> None:
    for base_url in ("http://127.0.0.1:8000/v1", "https://api.example.com/v1", None):
        with pytest.raises(EndpointNotAllowed):
            resolve(base_url, None, BOUND, ())
    with pytest.raises(EndpointNotAllowed, match="no secret 'other'") as raised:
        resolve(None, "other", BOUND, ("loopback",))
    assert "paid" in raised.value.remedy


@pytest.mark.parametrize(
    "base_url", ["http://127.0.0.1:9/v1", "http://[::1]:9/v1", "http://localhost/v1/", "http://a/b"]
)
def test_an_allowed_address_needs_no_key(base_url: str) -> None:
    assert resolve(base_url, None, {}, ("loopback", "http://a/b")) == base_url.rstrip("/")
    assert ":" in host_of(base_url)


def test_a_key_comes_from_its_file_or_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text("sk-1\n")
    monkeypatch.setenv("THE_KEY", "sk-2")
    filed = ConceptEndpoint(base_url="http://a/v1", key_file=tmp_path / "key")
    assert (filed.key("x").get_secret_value(), BOUND["paid"].key("x").get_secret_value()) == ("sk-1", "sk-2")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"sk-top\nsecret"])
def test_a_key_that_is_none_is_told_by_its_place_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key").write_bytes(content)
    for path in (tmp_path / "key", tmp_path / "none"):
        with pytest.raises(SystemFault, match=str(path)) as raised:
            ConceptEndpoint(base_url="http://a/v1", key_file=path).key("paid")
        assert "secret" not in raised.value.message.replace("'paid'", "")


@pytest.mark.parametrize("fields", [{}, {"key_file": "a", "key_env": "b"}])
def test_an_endpoint_has_one_place_for_its_key(fields: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="either key_file or key_env"):
        ConceptEndpoint.model_validate({"base_url": "http://a/v1", **fields})
