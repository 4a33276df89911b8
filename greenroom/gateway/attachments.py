"""Pictures of comments: those that visitors send, and those that our browser took."""

from __future__ import annotations

import asyncio
import hashlib
import io
import secrets
import warnings
from typing import Any

from aiohttp import web

from greenroom.errors import InvalidInput, LimitReached, NotFound
from greenroom.gateway.visitors import Visitor
from greenroom.store import comments
from greenroom.store.work import unit_of_work
from greenroom.tracking import picture_file

MAX_OCTETS = 8 * 1024 * 1024
MOST_PIXELS = 40_000_000
LONGEST_SIDE_PX = 2400
LONGEST_NAME = 80
MOST_FILES = 4
KINDS = ("image/png", "image/jpeg", "image/webp")


async def receive(request: web.BaseRequest) -> dict[str, str]:
    """Take a picture, and keep a plain one of it: no metadata, no second meaning.

    Errors: InvalidInput, LimitReached.
    """
    read = bytearray()
    async for part in request.content.iter_any():
        read += part
        if len(read) > MAX_OCTETS:
            raise LimitReached("this picture is larger than 8 MB")
    return {"digest": await asyncio.to_thread(_keep, bytes(read))}


def _keep(content: bytes) -> str:
    """Write a picture as PNG under its own SHA-256. Idempotent."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    made = io.BytesIO()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a picture that would fill the memory
            with Image.open(io.BytesIO(content), formats=("PNG", "JPEG", "WEBP")) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    raise LimitReached("this picture has more than 40 million pixels")
                upright = ImageOps.exif_transpose(picture)
                upright.thumbnail((LONGEST_SIDE_PX, LONGEST_SIDE_PX))
                upright.convert("RGB").save(made, "PNG")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Warning) as error:
        raise InvalidInput("this is no picture", hint="PNG, JPEG or WebP.") from error
    digest = hashlib.sha256(made.getvalue()).hexdigest()
    file = picture_file(digest)
    file.parent.mkdir(parents=True, exist_ok=True)
    half = file.with_name(f".{digest}.{secrets.token_hex(8)}")
    half.write_bytes(made.getvalue())
    half.replace(file)
    return digest


def serve(visitor: Visitor, digest: str) -> web.Response:
    """Answer with a picture that a thread of the visitor's environment shows.

    Errors: NotFound.
    """
    with unit_of_work() as work:
        if not comments.shows_picture(work, visitor.environment_id, digest):
            raise NotFound("there is no such picture here")
    try:
        content = picture_file(digest).read_bytes()
    except OSError as error:
        raise NotFound("this picture is not kept any more") from error
    headers = {
        "Cache-Control": "private, max-age=86400", "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "same-origin",
    }  # fmt: skip
    return web.Response(body=content, content_type="image/png", headers=headers)


def files_of(body: dict[str, Any]) -> tuple[dict[str, str], ...]:
    """Read which pictures come with a comment.

    Errors: InvalidInput.
    """
    given = body.get("files", [])
    if not isinstance(given, list) or len(given) > MOST_FILES:
        raise InvalidInput(f"a comment has up to {MOST_FILES} pictures")
    found = []
    for one in given:
        digest = one.get("digest") if isinstance(one, dict) else None
        name = one.get("name") if isinstance(one, dict) else None
        if not isinstance(digest, str) or not comments.is_digest(digest):
            raise InvalidInput("a comment names its pictures")
        if not picture_file(digest).is_file():
            raise InvalidInput("this picture was not sent")
        plain = "".join(filter(str.isprintable, name if isinstance(name, str) else ""))
        found.append({"digest": digest, "name": plain[:LONGEST_NAME] or "picture"})
    return tuple(found)
