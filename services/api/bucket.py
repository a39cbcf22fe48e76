"""Makes the object store's bucket on an S3 server of one's own. Knows nothing of what is kept there."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, cast
from urllib.parse import urlsplit

import httpx
import obstore
from obstore.store import S3Store
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from shared.errors import StoreUnavailable

_START_PATIENCE_S = 30
_CONFLICT = 409
# Amazon's answers to a bucket that is there already and ours.
_OURS = ("BucketAlreadyOwnedByYou", "BucketAlreadyExists")


@retry(
    retry=retry_if_exception_type(StoreUnavailable),
    stop=stop_after_delay(_START_PATIENCE_S),
    wait=wait_fixed(0.5),
    reraise=True,
)
def make_bucket(url: str, options: Mapping[str, str]) -> None:
    """Make the bucket of `s3://bucket/prefix` unless it is there; nothing happens for a store that has none.

    Raises StoreUnavailable when the server refuses, or does not answer for half a minute.
    """
    address = urlsplit(url)
    if address.scheme != "s3":
        return
    # The S3 client makes no buckets, but it signs what we ask.
    store = S3Store(address.netloc, config=cast(Any, dict(options)), client_options={"allow_http": True})
    try:
        answer = httpx.put(obstore.sign(store, "PUT", "", timedelta(minutes=1)))
    except httpx.TransportError as error:
        raise _refused(address.netloc, str(error)) from error
    there = answer.status_code == _CONFLICT and any(code in answer.text for code in _OURS)
    if not (answer.is_success or there):
        raise _refused(address.netloc, f"{answer.status_code} {answer.text[:300]}")


def _refused(bucket: str, why: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"the bucket {bucket!r} cannot be made: {why}",
        remedy="Check SELFSYNTH_STORE_OPTIONS, or make the bucket yourself and leave out --make-bucket.",
    )
