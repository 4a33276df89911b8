"""Files outside the code: names, patterns, plans, signatures. No socket is opened."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given
from hypothesis import strategies as st

from greenroom.asset_setting import merged
from greenroom.assets.base import Credentials, Entry
from greenroom.assets.keys import path_of_key, segment_of_name
from greenroom.assets.listing import read_page
from greenroom.assets.parts import part_bytes_for, ranges
from greenroom.assets.places import Bucket, Folder, check_apart, read_place
from greenroom.assets.plan import Act, Rules, Totals, plan_copies
from greenroom.assets.signing import quoted_path, quoted_query, signed_headers
from greenroom.assets.wire import Wire
from greenroom.assets.work import Limiter
from greenroom.errors import InvalidInput, NoFileName, NotAllowed

KEYS = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20
)
STRANGE = (
    "../../etc/passwd", "a/../b", "./a", "a//b", "a/", "/", "//", "%41", "%", "100%", "a%.", "%-",
    "a\\b", "a\tb\x7f", "é", "e\u0301", "\x01/\x1f", ".greenroom-part.x", "…", "%2E%2E/x",
)  # fmt: skip


@pytest.mark.parametrize("is_exact", [True, False])
@given(key=KEYS)
def test_every_key_is_a_file_below_the_folder_and_comes_back(key: str, is_exact: bool) -> None:
    names = path_of_key(key, is_exact=is_exact)
    assert all(name not in ("", ".", "..") and "/" not in name for name in names)
    assert "/".join(map(segment_of_name, names)) == key


@pytest.mark.parametrize("key", STRANGE)
def test_strange_keys_stay_in_the_folder_and_come_back(key: str) -> None:
    names = path_of_key(key)
    path = Path("/f", *names)
    assert path.is_relative_to("/f")
    assert ".." not in path.parts
    assert "/".join(map(segment_of_name, names)) == key


def test_names_that_a_weak_file_system_confuses_are_kept_apart() -> None:
    keys = {f"IMG{'a' if n & 1 else 'A'}{'b' if n & 2 else 'B'}é" for n in range(4)}
    names = {path_of_key(key, is_exact=False)[0].casefold() for key in keys}
    assert len(names) == 4
    assert all(name.isascii() for name in names)


@pytest.mark.parametrize("key", ["", "a\0b", "x" * 300, "é" * 600, "\ud800"])
def test_a_key_that_no_file_can_have_is_refused(key: str) -> None:
    with pytest.raises(NoFileName):
        path_of_key(key)


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("*.jpg", "a.jpg", "x/a.jpg"),
        ("**/*.jpg", "a.jpg", "a.jpeg"),
        ("**/*.jpg", "x/y/a.jpg", "a.png"),
        ("uploads/", "uploads/x/y", "up/loads/x"),
        ("a?c", "abc", "a/c"),
        ("a.[b]", "a.[b]", "a.b"),
        ("tmp/**", "tmp/\na", "tmpx/a"),
    ],
)
def test_patterns_mean_what_people_expect(pattern: str, yes: str, no: str) -> None:
    assert Rules(include=(pattern,)).has(yes)
    assert not Rules(include=(pattern,)).has(no)
    assert not Rules(exclude=(pattern,)).has(yes)


def _entry(key: str, size: int = 1, etag: str = "e", changed: float = 10) -> Entry:
    return Entry(key, size, etag, changed)


def _plan(
    source: list[Entry], target: list[Entry], rules: Rules, at: datetime | None = None
) -> tuple[list[tuple[str, str]], Totals]:
    totals = Totals()
    steps = plan_copies(source, target, rules, totals, lambda *_: False, at)
    return [(str(step.act), step.entry.key) for step in steps], totals


def test_only_what_differs_is_copied_and_extras_stay_unless_asked() -> None:
    source = [_entry("a"), _entry("b"), _entry("c", etag="new"), _entry("d", 2), _entry("é")]
    target = [_entry("a"), _entry("c"), _entry("d"), _entry("old"), _entry("\U0001f600")]
    steps, totals = _plan(source, target, Rules())
    assert steps == [("copy", "b"), ("replace", "c"), ("replace", "d"), ("copy", "é")]
    assert (totals.same, totals.extras, totals.deletes, totals.copy_bytes) == (1, 2, 0, 5)
    steps, _ = _plan(source, target, Rules(deletes=True))
    assert steps[-3:] == [("delete", "old"), ("copy", "é"), ("delete", "\U0001f600")]


def test_what_patterns_leave_out_is_neither_copied_nor_deleted() -> None:
    steps, totals = _plan(
        [_entry("a.tmp")], [_entry("b.tmp")], Rules(exclude=("*.tmp",), deletes=True)
    )
    assert steps == []
    assert totals.left_out == 1


def test_what_is_newer_than_the_database_is_left_out() -> None:
    at = datetime.fromtimestamp(100, UTC)
    steps, totals = _plan([_entry("new", changed=101), _entry("old", changed=99)], [], Rules(), at)
    assert steps == [("copy", "old")]
    assert totals.newer == 1


def test_a_folder_compares_by_time_and_looks_closer_when_they_differ() -> None:
    file, known = _entry("a", etag=""), _entry("a", etag="")
    assert _plan([file], [known], Rules())[0] == []
    assert _plan([file], [known._replace(changed=11.0)], Rules())[0] == [(Act.LOOK, "a")]
    assert _plan([file], [known], Rules(is_exact=True))[0] == [(Act.LOOK, "a")]


@pytest.mark.parametrize("key", ["a", "a b+c/é/../x", "~!*'()", "a//b/", "", "\x01"])
@pytest.mark.parametrize("token", ["", "a-session"])
def test_the_signature_is_botocores(key: str, token: str) -> None:
    at = datetime.now(UTC)
    mine = Credentials("AKID", "a-secret", token)
    path, query = quoted_path("bucket", key), quoted_query([("prefix", "a b/é"), ("acl", "")])
    request = AWSRequest("PUT", f"http://s3.example.org:9000{path}?{query}", data=b"octets")
    request.headers["x-amz-acl"] = "private"
    signer = S3SigV4Auth(BotoCredentials("AKID", "a-secret", token or None), "s3", "eu-west-1")
    signer.add_auth(request)
    stamp = str(request.context["timestamp"])
    theirs = request.headers["Authorization"]
    given = {"x-amz-acl": "private", "Host": "s3.example.org:9000"}
    digest = request.headers["X-Amz-Content-SHA256"]
    at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    made = signed_headers(mine, "eu-west-1", at, "PUT", path, query, given, digest)
    ours = made["Authorization"]
    assert re.sub(r"\s", "", ours) == re.sub(r"\s", "", theirs)


def test_a_page_of_any_order_is_read() -> None:
    amazon = (
        b"<Contents><Key>p/a+b%2F%C3%A9</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
        b"<ETag>&quot;e-2&quot;</ETag><Size>7</Size></Contents>"
    )
    other = (
        b"<Contents><ETag>&quot;f&quot;</ETag><Size>0</Size><Key>p/z</Key>"
        b"<LastModified>2026-01-01T00:00:00Z</LastModified></Contents>"
    )
    for body in (amazon, amazon + other):
        page = read_page(body + b"<NextContinuationToken>a&amp;b</NextContinuationToken>", "p/")
        assert page.entries[0] == Entry("a b/é", 7, "e-2", 1767225600.0)
        assert page.token == "a&b"
    assert page.entries[1].key == "z"
    assert read_page(b"<Contents><Key>p/</Key></Contents>", "p/").entries == []


def test_a_key_that_is_no_text_is_told_and_not_taken_for_another() -> None:
    row = b"<Contents><Key>p/%s</Key><LastModified>x</LastModified><ETag>e</ETag><Size>1</Size>"
    row += b"</Contents>"
    for raw in (b"caf%E9", b"caf\xe9"):
        page = read_page(row % raw + row % b"%EF%BF%BD" + row % b"ok", "p/")
        assert [entry.key for entry in page.entries] == ["\ufffd", "ok"]
        assert page.strange == ["caf\\xe9"]


def test_parts_are_as_large_as_the_originals() -> None:
    mib = 1 << 20
    assert part_bytes_for(17 * mib, "e-3") == 8 * mib
    assert part_bytes_for(100 * mib, "e-2") == 50 * mib
    assert part_bytes_for(10, "plain") == 8 * mib
    assert len(ranges(5 << 40, part_bytes_for(5 << 40, ""))) <= 10_000
    assert ranges(10, 4) == [(1, 0, 4), (2, 4, 4), (3, 8, 2)]


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("s3://shop", "s3://shop/staging"),
        ("s3://shop?region=eu-west-1", "s3://shop/x?endpoint=https://s3.eu-west-1.amazonaws.com"),
        ("s3://shop?endpoint=https://S3.example.org", "s3://shop?endpoint=https://s3.example.org"),
        ("/srv/shop", "/srv/shop"),
        ("/srv/shop", "/srv/shop/staging"),
        ("/srv/shop/uploads", "/srv/shop"),
        ("/srv/shop", "/srv/other/../shop/x"),
    ],
)
def test_productions_own_place_is_no_target(source: str, target: str) -> None:
    with pytest.raises(NotAllowed):
        check_apart(read_place(source), read_place(target))


def test_a_link_to_production_is_no_target(tmp_path: Path) -> None:
    (tmp_path / "production").mkdir()
    (tmp_path / "staging").symlink_to(tmp_path / "production")
    with pytest.raises(NotAllowed):
        check_apart(Folder(tmp_path / "production"), Folder(tmp_path / "staging"))


@pytest.mark.parametrize(
    "text", ["", "x", "ftp://a/b", "s3://", "s3://a?x=1", "s3://k:s@b/", "s3://b?endpoint=ftp://x",
             "s3://b?endpoint=http://u@h", "/a\0b"]
)  # fmt: skip
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        read_place(text)


def test_the_sources_wire_refuses_to_write_before_anything_is_sent() -> None:
    wire = Wire(Bucket("shop", endpoint="http://192.0.2.1"), may_write=False)
    for method in ("PUT", "POST", "DELETE"):
        with pytest.raises(NotAllowed):
            wire.ask(method, "key")


def test_amazons_addresses_are_of_the_region() -> None:
    assert Bucket("b", region="eu-west-1").url == "https://b.s3.eu-west-1.amazonaws.com"
    assert Bucket("b.c").url == "https://s3.amazonaws.com"
    assert quoted_path(Bucket("b").path_name, "") == "/"
    assert urlsplit(Bucket("b").url).path + quoted_path("", "k") == "/k"


def test_a_limit_spaces_what_passes() -> None:
    slept: list[float] = []
    limiter = Limiter(1000, slept.append)
    for _ in range(3):
        limiter.take(10_000)
    assert slept[2] - slept[1] == pytest.approx(10, abs=1)


def test_settings_change_only_what_is_given() -> None:
    before = {"rules": {"exclude": ["x"]}, "base_urls": {"staging": "https://a"}}
    assert merged(before, {"deletes": True}) == {"rules": {"exclude": ["x"], "deletes": True}}
    assert merged(before, {"production_url": "https://p/"}) == {
        "base_urls": {"staging": "https://a", "production": "https://p"}
    }
    assert merged(before, {}) == {}
    with pytest.raises(InvalidInput):
        merged(before, {"cdn": "cloudfront"})
    with pytest.raises(InvalidInput):
        merged(before, {"variable": "a-b"})
