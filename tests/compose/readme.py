"""The README's own lines of curl, by what they do."""

import re
from pathlib import Path

_README = Path(__file__).parents[2] / "README.md"
# They wait for nothing: between them the test asks again and again, as the comments beside them say.
_PARTS = ("helpers", "upload", "post", "fetch")


def lines() -> dict[str, str]:
    """`helpers` and settings, then `upload`, `post` and `fetch`. Raises AssertionError when the README has changed."""
    block = re.search(r"```sh\n(ask\(\).*?)```", _README.read_text(), re.DOTALL)
    assert block, "the README has no block of shell lines that begins with ask()"
    wanted = {
        "helpers": r"ask\(\)|id\(\)|api=|settings=",
        "upload": "dataset=",
        "post": "job=",
        "fetch": r"ask .*adapter",
    }
    return {
        part: "".join(line for line in block[1].splitlines(keepends=True) if re.match(wanted[part], line))
        for part in _PARTS
    }
