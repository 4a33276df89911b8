"""Two sites that serve the same seeded pages, each with what moves by itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from benchmarks.seeded_pages import page
from greenroom.compare_rules import Rules

LIVELY = """<p id=when></p><p id=chance></p><input autofocus><div id=spin></div><style>
@keyframes turn { to { transform: rotate(1turn) } }
#spin { width: 40px; height: 20px; background: teal; animation: turn 1s linear infinite }</style>
<script>chance.textContent = Math.random();
setInterval(() => { when.textContent = new Date().toISOString() }, 30);
fetch('/late').then(r => r.text()).then(t => { chance.after(t) });</script>"""


@contextmanager
def served(change: Callable[[str, str], str] = lambda _, html: html) -> Iterator[str]:
    """Serve pages ``/1``, ``/2`` …; ``change(path, html)`` may make them other."""

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.strip("/")
            is_page = name.isdigit()
            text = change(self.path, page(int(name)) + LIVELY) if is_page else "late"
            self.send_response(200 if is_page or name == "late" else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def questions(before: str, after: str, pages: int, folder: str) -> list[dict[str, Any]]:
    """Give what is asked of every page at every width."""
    rules = Rules()
    said = rules.model_dump(mode="json")
    return [
        {
            "ask": "view", "before": {"site": before, "rules": said},
            "after": {"site": after, "rules": said}, "folder": folder, "ignored": [],
            "view": {
                "path": f"/{number}", "viewport": window.model_dump(mode="json"),
                "scheme": "light", "state": None,
            },
        }
        for number in range(1, pages + 1) for window in rules.windows
    ]  # fmt: skip
