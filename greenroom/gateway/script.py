"""The overlay's scripts: readable files, joined and made small once a process.

What every page loads holds the button and the pins; the rest is a module that it loads when
somebody presses.
"""

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
MORE = "more"
"""The query that asks for the module."""


def _small(*names: str) -> str:
    """Join files without comments and needless spaces."""
    text = _COMMENT.sub("", "\n".join((_FOLDER / name).read_text() for name in names))
    pieces = _QUOTED.split(text)  # what is quoted stands at every second place
    pieces[::2] = [_SPACES.sub(r"\1", _LINES.sub(" ", piece)) for piece in pieces[::2]]
    return "".join(pieces).strip()


@cache
def overlay(part: str = "") -> bytes:
    """Give what every page loads, in one scope of its own; or the module with the rest."""
    if part == MORE:
        return _small("more.js").encode()
    text = _small("anchor.js", "overlay.js").replace("export const", "const")
    return f"(()=>{{{text}}})()".encode()


@cache
def _coded(part: str) -> dict[str, bytes]:
    script = overlay(part)
    return {"br": brotli.compress(script), "gzip": gzip.compress(script, 9, mtime=0), "": script}


@cache
def _mark(part: str) -> str:
    return f'"{hashlib.sha256(overlay(part)).hexdigest()[:24]}"'


def serve(request: web.BaseRequest) -> web.Response:
    """Answer for the script, or for the module."""
    part = MORE if request.query_string == MORE else ""
    headers = {
        "ETag": _mark(part), "Cache-Control": "private, no-cache",
        "X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin",
        "Vary": "Accept-Encoding", "Content-Type": "text/javascript; charset=utf-8",
    }  # fmt: skip
    if request.headers.get("If-None-Match") == _mark(part):
        return web.Response(status=304, headers=headers)
    accepted = {word.strip() for word in request.headers.get("Accept-Encoding", "").split(",")}
    codings = _coded(part)
    coding = next(name for name in codings if not name or name in accepted)
    if coding:
        headers["Content-Encoding"] = coding
    return web.Response(body=codings[coding], headers=headers)
