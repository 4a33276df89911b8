"""The overlay's script: two readable files, joined and made small once a process."""

from __future__ import annotations

import gzip
import hashlib
import re
from functools import cache
from pathlib import Path

from aiohttp import web

_FOLDER = Path(__file__).with_name("overlay")
_COMMENT = re.compile(r"^\s*//.*$", re.MULTILINE)


@cache
def overlay() -> bytes:
    """Give the script: both files in one scope of its own, without comments and indentation."""
    parts = [(_FOLDER / name).read_text() for name in ("anchor.js", "overlay.js")]
    text = _COMMENT.sub("", "\n".join(parts)).replace("export const", "const")
    lines = [line.strip() for line in text.splitlines()]
    return ("(()=>{" + "\n".join(line for line in lines if line) + "})()").encode()


@cache
def _packed() -> tuple[bytes, str]:
    script = overlay()
    return gzip.compress(script, 9, mtime=0), f'"{hashlib.sha256(script).hexdigest()[:24]}"'


def serve(request: web.BaseRequest) -> web.Response:
    """Answer for the script."""
    packed, mark = _packed()
    headers = {
        "ETag": mark, "Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Content-Type": "text/javascript; charset=utf-8",
    }  # fmt: skip
    if request.headers.get("If-None-Match") == mark:
        return web.Response(status=304, headers=headers)
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        return web.Response(body=packed, headers={**headers, "Content-Encoding": "gzip"})
    return web.Response(body=overlay(), headers=headers)
