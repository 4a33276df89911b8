"""Nothing is written for a request that another site's page sent: every place that takes one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from greenroom import gateway
from greenroom.gateway import attachments, remarks, verdicts
from tests.contract.gateway.conftest import HOST
from tests.contract.gateway.test_doors import Preview, preview

pytestmark = pytest.mark.contract
__all__ = ["preview"]  # a fixture
FOREIGN = (
    ("Origin: http://evil.test",), ("Origin: http://other.localhost",), ("Origin: null",),
    ("Sec-Fetch-Site: cross-site",), ("Sec-Fetch-Site: same-site",),
)  # fmt: skip
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
READERS = {
    "app._own": "hands webhooks on, which are signed",
    "proxy._upload": "hands on to the application, which is not ours",
    "sockets._pump": "hands on to the application, which is not ours",
    "attachments.receive": "called by remarks._write alone, behind its question",
    "doors.read_form": "called by the two below alone",
    "doors._check_password": "asks is_cross_site",
    "remarks._body": "called by remarks._write alone, behind its question",
    "remarks._write": "asks is_cross_site",
    "uploads.chunks_of": "of webhooks, which are signed, and of what goes on to an application",
    "verdicts._decide": "asks is_cross_site",
}
"""Every function of the gateway that takes what a request brings, and why it may."""
CALLS = {"read_form", "_body", "receive"}


def _functions() -> Iterator[tuple[str, ast.AST, str]]:
    for file in sorted(Path(gateway.__file__).parent.glob("*.py")):
        source = file.read_text()
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{file.stem}.{node.name}", node, ast.get_source_segment(source, node) or ""


def test_whoever_reads_a_body_asks_where_it_comes_from() -> None:
    """A new place that takes a form or JSON is told here, and asks."""
    readers = {}
    for name, node, text in _functions():
        calls = {
            getattr(call.func, "attr", getattr(call.func, "id", ""))
            for call in ast.walk(node) if isinstance(call, ast.Call)
        }  # fmt: skip
        if "request.content.iter" in text or (calls & CALLS):
            readers[name] = text
    assert set(readers) == set(READERS)
    for name, why in READERS.items():
        if why == "asks is_cross_site":
            text = readers[name]
            asked = text.index("is_cross_site(request)")
            assert all(asked < text.index(f"{call}(") for call in CALLS if f" {call}(" in text)


async def test_no_write_of_the_gateway_is_taken_from_elsewhere(
    preview: Preview, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []

    def note(name: str) -> Any:
        return lambda *_, **__: written.append(name)

    for module, names in (
        (remarks, ("_begin", "_change", "_check_open")), (attachments, ("_keep",)),
        (verdicts, ("_record",)),
    ):  # fmt: skip
        for name in names:
            monkeypatch.setattr(module, name, note(name))
    monkeypatch.setattr(verdicts, "_read", lambda visitor: None)
    monkeypatch.setattr("greenroom.gateway.doors._check", lambda *_: written.append("_check"))
    token, door = preview.link(has_password=True, may_approve=True)
    cookie = preview.cookie("link", str(door.id))
    led = await preview.bed.ask("GET /_greenroom/review HTTP/1.1", cookie)
    review = led.headers["location"].removeprefix("http://gateway.localhost")
    review = review[review.index("/") :]
    thread = "/_greenroom/comments/00000000-0000-0000-0000-000000000000"
    writes = [
        (f"/_greenroom/link/{token}", FORM, b"password=secret", HOST),
        ("/_greenroom/comments", JSON, b"{}", HOST),
        ("/_greenroom/comments/files", "image/png", b"x", HOST),
        (f"{thread}/replies", JSON, b'{"text": "x"}', HOST),
        (f"{thread}/resolve", JSON, b'{"resolved": true}', HOST),
        (f"{thread}/place", JSON, b'{"found": true}', HOST),
        (review, FORM, b"verdict=approved&release=x", "gateway.localhost"),
    ]  # fmt: skip
    for path, kind, body, host in writes:
        for headers in FOREIGN:
            got = await preview.bed.ask(
                f"POST {path} HTTP/1.1", cookie, f"Content-Type: {kind}",
                f"Content-Length: {len(body)}", *headers, body=body, host=host,
            )  # fmt: skip
            assert "set-cookie" not in got.headers, (path, headers)
            assert got.status in (403, 503), (path, headers, got.status)
        for simple in ("text/plain", "multipart/form-data; boundary=x", FORM):
            if kind == JSON:  # what a form of another site can send without asking first
                got = await preview.bed.ask(
                    f"POST {path} HTTP/1.1", cookie, f"Content-Type: {simple}",
                    f"Content-Length: {len(body)}", body=body, host=host,
                )  # fmt: skip
                assert got.status == 403, (path, simple)
    assert written == []
    for method in ("PUT", "PATCH", "DELETE"):
        for path, _, _, host in writes:
            got = await preview.bed.ask(f"{method} {path} HTTP/1.1", cookie, host=host)
            assert "set-cookie" not in got.headers, (method, path)
            assert got.status in (200, 404, 405), (method, path)
    assert written == []
