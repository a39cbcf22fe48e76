"""An S3 server of one object, which breaks the connection in the middle of every long answer. Knows no signatures."""

import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.http_server import Serving


class CuttingS3(Serving):
    """Any key is `body`. No answer has more than `after_bytes` of what it promises."""

    def __init__(self, body: bytes, after_bytes: int) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
                start, end = (int(asked[1]), min(int(asked[2]) + 1, len(body))) if asked else (0, len(body))
                self.send_response(206 if asked else 200)
                self.send_header("ETag", '"one"')
                self.send_header("Last-Modified", "Tue, 24 Nov 2026 00:00:00 GMT")
                self.send_header("Content-Length", str(end - start))
                self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(body)}")
                self.end_headers()
                self.wfile.write(body[start : min(end, start + after_bytes)])

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"
