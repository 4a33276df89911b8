"""The overlay's tag in pages as they stream: where it goes, and what else stays as it was."""

from __future__ import annotations

import gzip
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from greenroom.gateway import csp
from greenroom.gateway.codings import Broken, coding_of
from greenroom.gateway.htmlhead import HtmlHead
from greenroom.gateway.injection import with_overlay
from greenroom.gateway.script import MORE, overlay

pytestmark = pytest.mark.unit
TAG = b"<script></script>"


def put_in(page: bytes, step: int = 0, admit=lambda policy: policy) -> bytes:  # type: ignore[no-untyped-def]
    head = HtmlHead(TAG, admit)
    parts = [page[at : at + step] for at in range(0, len(page), step)] if step else [page]
    held, out = b"", b""
    for part in parts:
        made = head.feed(part)
        if head.is_document is None:
            held += part
        elif head.is_document is False:
            return page
        out += made
    return out + head.end() if head.is_document else page


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (b"<!doctype html><html><head><title>", b"<!doctype html><html><head>@<title>"),
        (b"<html lang='>'><HEAD data-x=\">\">y", b"<html lang='>'><HEAD data-x=\">\">@y"),
        (b"<!doctype html><p>no head", b"<!doctype html>@<p>no head"),
        (b"<!-- <head> --> <html><body>", b"<!-- <head> --> <html>@<body>"),
        (b"\xef\xbb\xbf<!DOCTYPE html><head>", b"\xef\xbb\xbf<!DOCTYPE html><head>@"),
        (b"<html><header>", b"<html>@<header>"),
        (b"<p>a fragment</p>", b"<p>a fragment</p>"),
        (b"plain text", b"plain text"),
        (b"", b""),
        (b"<head>\xe9\xff<body>", b"<head>@\xe9\xff<body>"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("step", [0, 1, 3, 7])
def test_the_tag_goes_right_behind_the_head_however_it_comes(
    page: bytes, expected: bytes, step: int
) -> None:
    assert put_in(page, step) == expected.replace(b"@", TAG)


@given(st.binary(max_size=400), st.integers(1, 50))
def test_whatever_follows_the_head_passes_unchanged(rest: bytes, step: int) -> None:
    page = b"<!doctype html><html><head>" + rest
    if b"content-security-policy" not in rest.lower():
        assert put_in(page, step).replace(TAG, b"", 1) == page


@pytest.mark.parametrize("quote", ['"', "'", ""])
def test_a_policy_in_the_page_passes_through_ours(quote: str) -> None:
    policy = "default-src&#32;'self'" if quote != "'" else "default-src x.test"
    policy = policy if quote else "default-src"
    page = f"<head><meta http-equiv=Content-Security-Policy content={quote}{policy}{quote}><body>"
    seen = []
    put_in(page.encode(), 5, lambda told: (seen.append(told), told)[1])
    assert seen == [policy.replace("&#32;", " ")]


def test_a_policy_in_a_script_is_a_text() -> None:
    page = b"<head><script>'<meta http-equiv=content-security-policy content=x>'</script><body>"
    assert put_in(page, 4, lambda told: "changed") == page.replace(b"<head>", b"<head>" + TAG)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("default-src 'self'", "script-src 'self' 'nonce-N'"),
        ("script-src 'none'", "script-src 'nonce-N'"),
        ("script-src 'unsafe-inline' a.test", "script-src 'unsafe-inline' a.test https://x/o.js"),
        ("script-src 'unsafe-inline' 'nonce-Q'", "script-src 'unsafe-inline' 'nonce-Q' 'nonce-N'"),
        ("script-src-elem 'self'; script-src x", "script-src-elem 'self' 'nonce-N'"),
        ("default-src 'none'; connect-src b.test", "connect-src b.test 'self'"),
        ("img-src 'none'", "img-src 'none'"),
    ],
)  # fmt: skip
def test_a_policy_is_extended_by_our_script_alone(policy: str, expected: str) -> None:
    told = csp.admit(policy, "N", "https://x/o.js")
    assert expected in told.split("; ")
    before = {part.split()[0] for part in policy.split("; ")}
    assert before <= {part.split()[0] for part in told.split("; ")}


@given(st.lists(st.sampled_from(["'self'", "'none'", "'unsafe-inline'", "x.test", "'sha256-a='"])))
def test_no_policy_is_weakened(sources: list[str]) -> None:
    policy = " ".join(["script-src", *sources])
    told = set(csp.admit(policy, "N", "https://x/o.js").split()[1:])
    assert told - set(sources) <= {"'nonce-N'", "https://x/o.js"}
    assert not ("'unsafe-inline'" in told and "'nonce-N'" in told)


@pytest.mark.parametrize("name", ["", "identity", "gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_a_coding_is_undone_and_done_again_in_pieces(name: str, step: int) -> None:
    plain = b"<!doctype html>" + bytes(range(256)) * 40
    coded = {
        "gzip": gzip.compress(plain), "deflate": zlib.compress(plain),
        "br": brotli.compress(plain), "zstd": zstandard.ZstdCompressor().compress(plain),
    }.get(name, plain)  # fmt: skip
    reader, again = coding_of(name), coding_of(name)
    assert reader is not None
    assert again is not None
    pieces = [coded[at : at + step] for at in range(0, len(coded), step)]
    assert b"".join(part for piece in pieces for part in reader.undo(piece)) == plain
    made = b"".join(again.do(plain[at : at + 999]) for at in range(0, len(plain), 999))
    made += again.flush() + again.end()
    last = coding_of(name)
    assert last is not None
    assert b"".join(last.undo(made)) == plain


@pytest.mark.parametrize("name", ["gzip", "br", "zstd"])
def test_a_broken_coding_is_told(name: str) -> None:
    reader = coding_of(name)
    assert reader is not None
    with pytest.raises(Broken):
        list(reader.undo(b"<!doctype html> this is not coded at all" * 20))


def test_an_unknown_coding_is_left_alone() -> None:
    assert coding_of("compress") is None


def test_a_static_page_gets_the_tag_and_a_fragment_does_not() -> None:
    assert b"/_greenroom/overlay.js" in with_overlay(b"<!doctype html><head><body>")
    for page in (b"<p>x</p>", b"\xff\xfe<\0h\0", b""):
        assert with_overlay(page) == page


def test_the_script_keeps_what_is_quoted() -> None:
    rest = overlay(MORE).decode()
    assert "max-height:min(70vh,560px)" in rest
    assert '"Click what you mean, or draw a box. Escape ends it."' in rest
    text = overlay().decode()
    assert text.startswith("(()=>{")
    assert "export" not in text
