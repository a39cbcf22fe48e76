"""The API's addresses about what a job came to as Python calls: its report, and a chat with what it trained."""

import base64
import mimetypes
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from selfsynth.calls import Calls, Json


class ReportCalls(Calls):
    """Part of the Client. Every method raises ApiError."""

    def report(self, job_id: str) -> Json:
        """All figures with their intervals, examples, selection, cost, settings and lineage; of what is done so far."""
        return self._json("GET", f"/jobs/{job_id}/report", params={"format": "json"})

    def report_page(self, job_id: str, form: Literal["md", "html", "json"] = "html") -> str:
        """The report as text: one page of HTML with its pictures inside, Markdown, or JSON."""
        return self._patiently("GET", f"/jobs/{job_id}/report", params={"format": form}).text

    def chat(
        self, job_id: str, image: Path, messages: Sequence[Mapping[str, str]], round_: int | None = None, **fields: Any
    ) -> Json:
        """The answer of what the round trained (None: the best, 0: the base) to all `messages` so far about the image:
        {"role": "user" or "assistant", "content"} in turn. `fields` are max_tokens, temperature and seed."""
        body = {"image": _uri(image), "messages": [dict(m) for m in messages], "round": round_, **fields}
        return self._json_once("POST", f"/jobs/{job_id}/chat", json=body, timeout=_CHAT_S)


_CHAT_S = 300.0


def _uri(image: Path) -> str:
    kind = mimetypes.guess_type(image.name)[0] or ""
    kind = kind if kind.startswith("image/") else "image/unknown"
    return f"data:{kind};base64,{base64.b64encode(image.read_bytes()).decode()}"
