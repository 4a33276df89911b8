"""Static environments: what of a folder is served, and what never is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.contract


@pytest.fixture
def folder(tmp_path: Path, bed: Any) -> Path:
    made = tmp_path / "releases" / "a b"
    for name, text in {
        "index.html": "home", "a/index.html": "a", "page.html": "page", "b.css": "x" * 5000,
        ".env": "SECRET", ".git/config": "SECRET", "a/.hidden": "SECRET",
        ".well-known/security.txt": "contact", "ü.txt": "umlaut", "404.html": "not here",
    }.items():  # fmt: skip
        file = made / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (made.parent / "outside.txt").write_text("SECRET")
    (made / "link.txt").symlink_to("../outside.txt")
    (made / "up").symlink_to("..")
    (made / "inside.html").symlink_to("page.html")
    bed.route("file://" + str(made).replace(" ", "%20"))
    return made


@pytest.mark.parametrize(
    ("target", "body"),
    [
        ("/", "home"), ("/?x=1", "home"), ("/index.html", "home"), ("/a/", "a"), ("/page", "page"),
        ("/page.html", "page"), ("/%C3%BC.txt", "umlaut"), ("/inside.html", "page"),
        ("/.well-known/security.txt", "contact"), ("/a/./", "a"), ("//page", "page"),
    ],
)  # fmt: skip
async def test_what_is_served(bed: Any, folder: Path, target: str, body: str) -> None:
    answer = await bed.ask(f"GET {target} HTTP/1.1")
    assert (answer.status, answer.body.decode()) == (200, body)
    assert "noindex" in answer.headers["x-robots-tag"]


@pytest.mark.parametrize(
    "target",
    [
        "/.env", "/.git/config", "/a/.hidden", "/link.txt", "/up/outside.txt", "/../outside.txt",
        "/%2e%2e/outside.txt", "/..%2foutside.txt", "/a/../../outside.txt", "/a%00.txt", "/%5c..",
        "/none", "/index.html/", "/" + "x" * 300,
    ],
)  # fmt: skip
async def test_what_is_not(bed: Any, folder: Path, target: str) -> None:
    answer = await bed.ask(f"GET {target} HTTP/1.1")
    assert answer.status == 404
    assert answer.body == b"not here"


async def test_a_folder_without_its_slash_is_redirected_on_this_site(
    bed: Any, folder: Path
) -> None:
    answer = await bed.ask("GET /a?x=1 HTTP/1.1")
    assert (answer.status, answer.headers["location"]) == (308, "/a/?x=1")
    (folder / "evil.example").mkdir()
    (folder / "evil.example" / "index.html").write_text("x")
    answer = await bed.ask("GET //evil.example HTTP/1.1")
    assert answer.headers["location"] == "/evil.example/"


async def test_a_browser_keeps_what_has_not_changed(bed: Any, folder: Path) -> None:
    first = await bed.ask("GET /b.css HTTP/1.1")
    assert first.headers["content-type"].startswith("text/css")
    assert first.headers["cache-control"] == "no-cache"
    again = await bed.ask("GET /b.css HTTP/1.1", f"If-None-Match: {first.headers['etag']}")
    assert (again.status, again.body) == (304, b"")


async def test_a_part_of_a_file(bed: Any, folder: Path) -> None:
    answer = await bed.ask("GET /page.html HTTP/1.1", "Range: bytes=1-2")
    assert (answer.status, answer.body) == (206, b"ag")
    assert answer.headers["content-range"] == "bytes 1-2/4"
    assert (await bed.ask("GET /page.html HTTP/1.1", "Range: bytes=9-")).status == 416
    head = await bed.ask("HEAD /page.html HTTP/1.1")
    assert (head.headers["content-length"], head.body) == ("4", b"")


async def test_nothing_can_be_changed(bed: Any, folder: Path) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert (await bed.ask(f"{method} /page.html HTTP/1.1")).status == 405
    assert (folder / "page.html").read_text() == "page"


async def test_without_a_page_of_its_own_ours_is_shown(bed: Any, folder: Path) -> None:
    (folder / "404.html").unlink()
    answer = await bed.ask("GET /none HTTP/1.1")
    assert answer.status == 404
    assert b"No such page" in answer.body
