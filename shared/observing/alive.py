"""`python -m shared.observing.alive URL`: an image's health check. Ends with 1, and says what it heard, unless the
answer is a good one. Only the standard library, since it runs every few seconds."""

import sys
import urllib.error
import urllib.request

_TIMEOUT_S = 4
_HEARD_CHARACTERS = 500


def complaint(url: str) -> str:
    """What is wrong with the server there, or nothing."""
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S):
            return ""
    except urllib.error.HTTPError as error:
        return f"{error.code}: {error.read().decode(errors='replace')[:_HEARD_CHARACTERS]}"
    except OSError as error:
        return str(error)


if __name__ == "__main__":
    sys.exit(complaint(sys.argv[1]) or 0)
