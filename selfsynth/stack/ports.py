"""Free ports on the loopback address. Knows nothing of who listens."""

import random
import socket
from collections.abc import Collection

from shared.errors import Conflict, SystemFault

LOOPBACK = "127.0.0.1"
# Below the ports that the system hands out for outgoing connections, so that none of those can come in between.
_FIRST, _LAST = 20_000, 32_000
_TRIES = 200


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: a port whose last connections are still winding down counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except (OSError, OverflowError):
            return False
    return True


def named_port(port: int) -> int:
    """A port that the user asked for. Raises Conflict when it is taken."""
    if not is_free(port):
        raise Conflict(
            f"port {port} on {LOOPBACK} is taken or not permitted",
            remedy="Name another port, or none: then a free one is chosen.",
            code="port_taken",
        )
    return port


def free_port(preferred: int | None, taken: Collection[int] = ()) -> int:
    """`preferred` when it is free (so that addresses survive a restart), else a random free one."""
    if preferred is not None and preferred not in taken and is_free(preferred):
        return preferred
    for _ in range(_TRIES):
        port = random.SystemRandom().randrange(_FIRST, _LAST)
        if port not in taken and is_free(port):
            return port
    raise SystemFault(f"no port between {_FIRST} and {_LAST} is free", remedy="Stop some of the servers there.")
