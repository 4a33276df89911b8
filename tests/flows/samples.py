"""Small sites that tests deploy."""

from __future__ import annotations

import shutil
import sys

PYTHON = shutil.which("python3", path="/usr/bin:/usr/local/bin") or sys.executable
"""What apps run by: a Python that other accounts may start, where there is one."""

APP = """\
import http.server, json, os, pathlib

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        state = {"version": VERSION, "commit": os.environ["GREENROOM_COMMIT"], "pid": os.getpid()}
        body = json.dumps({**state, "env": dict(os.environ)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

address = os.environ["HOST"], int(os.environ["PORT"])
server = http.server.ThreadingHTTPServer(address, Handler)
server.daemon_threads = True
server.serve_forever()
"""
MANIFEST = """\
version: 1
runtime: process
run:
  command: exec "$APP_PYTHON" -I -S app.py
health:
  timeout_seconds: {health_seconds}
  interval_seconds: 0.1
resources: {{memory: 64m}}
{more}
"""


def app(version: str = "1", more: str = "", *, health_seconds: float = 20) -> dict[str, str]:
    """Give the files of a small web app; ``more`` is added to its manifest."""
    return {
        "app.py": f"VERSION = {version!r}\n{APP}",
        "greenroom.yaml": MANIFEST.format(more=more, health_seconds=health_seconds),
    }


def site(text: str) -> dict[str, str]:
    """Give the files of a static site."""
    return {"index.html": f"<h1>{text}</h1>"}
