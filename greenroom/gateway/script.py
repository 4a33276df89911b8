"""The overlay's script: two readable files, joined and made small once a process."""

from __future__ import annotations

import gzip
import hashlib
import re
from functools import cache
from pathlib import Path

import brotli
from aiohttp import web

_FOLDER = Path(__file__).with_name("overlay")
_QUOTED = re.compile(r'("[^"\n]*"|`[^`]*`)')
_LINES, _SPACES = re.compile(r"\s+"), re.compile(r" ?([=<>(){}\[\],;:?&|*!]) ?")
_COMMENT = re.compile(r"^\s*//.*$", re.MULTILINE)


@cache
def overlay() -> bytes:
    """Give the script: both files in one scope of its own, without comments and needless spaces."""
    parts = [(_FOLDER / name).read_text() for name in ("anchor.js", "overlay.js")]
    text = _COMMENT.sub("", "\n".join(parts)).replace("export const", "const")
    pieces = _QUOTED.split(text)  # what is quoted stands at every second place
    pieces[::2] = [_SPACES.sub(r"\1", _LINES.sub(" ", piece)) for piece in pieces[::2]]
    return ("(()=>{" + "".join(pieces).strip() + "})()").encode()


@cache
def _coded() -> dict[str, bytes]:
    script = overlay()
    return {"br": brotli.compress(script), "gzip": gzip.compress(script, 9, mtime=0), "": script}


@cache
def _mark() -> str:
    return f'"{hashlib.sha256(overlay()).hexdigest()[:24]}"'


def serve(request: web.BaseRequest) -> web.Response:
    """Answer for the script."""
    headers = {
        "ETag": _mark(), "Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin", "Vary": "Accept-Encoding",
        "Content-Type": "text/javascript; charset=utf-8",
    }  # fmt: skip
    if request.headers.get("If-None-Match") == _mark():
        return web.Response(status=304, headers=headers)
    accepted = {part.strip() for part in request.headers.get("Accept-Encoding", "").split(",")}
    coding = next(name for name in _coded() if not name or name in accepted)
    if coding:
        headers["Content-Encoding"] = coding
    return web.Response(body=_coded()[coding], headers=headers)
