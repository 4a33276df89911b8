"""Pictures of comparisons, for those who are logged in: the guard stands before this."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response

from greenroom.compare.kept import is_name, place_of
from greenroom.comparing import pictures_root

PATH = "/pictures/{name}"


async def give_picture(request: Request) -> Response:
    """Give a picture by its name, which is its content's fingerprint: it never changes."""
    name = str(request.path_params["name"])
    if not is_name(name):
        return PlainTextResponse("no picture", 404)
    file = place_of(pictures_root(), name)
    if not file.is_file():
        return PlainTextResponse("this picture is gone: only those of the newest are kept", 404)
    kept = {"cache-control": "private, max-age=31536000, immutable"}
    return FileResponse(file, headers=kept)
