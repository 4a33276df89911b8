"""Nothing is written for a request that another site's page sent: every place that takes one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from greenroom import gateway

pytestmark = pytest.mark.contract
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
