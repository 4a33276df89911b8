"""Static environments: files of a release's folder, and never of another."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

from aiohttp import web

from greenroom.gateway import injection, pages


def find_file(folder: Path, path: str) -> Path | None:
    """Find the file that a request's path means; None when there is none that may be served.

    ``/`` means ``index.html``; ``/a`` also ``/a.html``. No file or folder whose name starts with
    a dot, except ``.well-known`` (RFC 8615), and nothing outside ``folder``.
    """
    plain = unquote(path)
    if "\0" in plain or "\\" in plain:
        return None
    parts = [part for part in plain.split("/") if part not in ("", ".")]
    if any(part.startswith(".") and part != ".well-known" for part in parts):
        return None
    root = folder.resolve()
    wanted = root.joinpath(*parts)
    if _is_folder(wanted):
        choices = [wanted / "index.html"]
    elif plain.endswith("/"):
        return None
    else:
        choices = [wanted, wanted.with_name(wanted.name + ".html")]
    for choice in choices:
        try:
            found = choice.resolve(strict=True)
        except OSError:
            continue
        if found.is_file() and found.is_relative_to(root):
            return found
    return None


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # its name is too long
        return False


async def serve(
    request: web.BaseRequest, folder: Path, *, noindex: bool, with_overlay: bool = False
) -> web.StreamResponse:
    """Answer a request from a folder; put the overlay into a page that is shown."""
    headers = {"X-Robots-Tag": pages.NOINDEX} if noindex else {}
    if request.method not in ("GET", "HEAD"):
        return pages.not_allowed(request, "GET, HEAD", "A static site is only read.")
    path, _, query = request.raw_path.partition("?")
    if not path.endswith("/") and find_file(folder, path + "/") is not None:
        place = "/" + path.lstrip("/") + "/" + (f"?{query}" if query else "")
        return web.Response(status=308, headers={**headers, "Location": place})
    found = find_file(folder, path)
    is_shown = with_overlay and injection.wants_document(request)
    if found is not None and is_shown and injection.is_page(found):
        page = injection.with_overlay(found.read_bytes())
        told = {**headers, "Cache-Control": "private, no-cache"}
        return web.Response(body=page, content_type="text/html", headers=told)
    if found is not None:
        cached = {"Cache-Control": "no-cache", **headers}  # checked by ETag each time
        return web.FileResponse(found, headers=cached)
    missing = find_file(folder, "/404.html")
    if missing is not None:
        page = missing.read_bytes()
        page = injection.with_overlay(page) if is_shown else page
        return web.Response(status=404, body=page, content_type="text/html", headers=headers)
    return pages.answer(request, 404, "No such page", "This site has no page with this address.")
