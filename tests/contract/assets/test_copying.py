"""Files from place to place: buckets at an S3 API in a process of its own, and folders."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from benchmarks.asset_rival import memory_server
from greenroom.assets import s3
from greenroom.assets.base import Facts, Range
from greenroom.assets.folder import FolderTarget
from greenroom.assets.places import Bucket, Folder
from greenroom.assets.plan import Rules
from greenroom.assets.uploads import BucketUpload, Ledger
from greenroom.assets.work import sync_places
from greenroom.errors import AssetsRefused, NotAllowed, Overtaken
from tests.contract.assets.world import ACCESS, KEYS, MEBIBYTE, World, elsewhere


@pytest.mark.parametrize("is_within", [True, False], ids=["within", "through"])
def test_every_key_arrives_with_all_that_belongs_to_it(world: World, is_within: bool) -> None:
    for key in KEYS:
        world.put(key, b"" if key == "zero" else key.encode(), ContentType="text/x-a",
                  CacheControl="max-age=7", Metadata={"who": "ada"})  # fmt: skip
    parts = [b"a" * 8 * MEBIBYTE, b"b" * 8 * MEBIBYTE, b"c"]
    world.put_parts("big", *parts)
    target = world.target if is_within else elsewhere(world.target)
    totals, progress = world.sync(world.source, target)
    assert (totals.copies, progress.done_files, progress.refused) == (len(KEYS) + 1,) * 2 + ([],)
    assert world.has(world.target) == world.has(world.source)
    head = world.client.head_object(Bucket=world.target.name, Key="copy/a//c")
    assert (head["ContentType"], head["CacheControl"]) == ("text/x-a", "max-age=7")
    assert head["Metadata"] == {"who": "ada"}
    totals, _ = world.sync(world.source, target)
    assert (totals.copies, totals.same) == (0, len(KEYS) + 1)


def test_keys_become_files_that_leave_no_folder_and_come_back(world: World) -> None:
    for key in KEYS:
        world.put(key, key.encode())
    out = world.folder / "in" / "here"
    world.sync(world.source, Folder(out))
    totals, _ = world.sync(world.source, Folder(out))
    assert (totals.same, totals.copies) == (len(KEYS), 0)
    assert {p.name for p in world.folder.iterdir()} == {"in", "state"}
    found = {e.key: e.size_bytes for e in FolderTarget(Folder(out)).list_entries(Range())}
    assert found == {key: len(key.encode()) for key in KEYS}
    world.client.delete_object(Bucket=world.source.name, Key="a")
    world.sync(world.source, Folder(out), deletes=True)
    assert (out / "a" / "b").read_bytes() == b"a/b"
    assert not (out / "a%.").exists()


def test_keys_hold_every_byte_and_names_that_are_no_text_are_told(tmp_path: Path) -> None:
    """In the small server of the benchmarks: moto's routes end at a line's end."""
    letters = "".join(map(chr, range(1, 256))) + "\u20ac\U0001f600"
    keys = {f"k{n}{letters[n : n + 40]}" for n in range(0, len(letters), 40)}
    out = Folder(tmp_path / "out")
    with memory_server("shop:0:1") as url, closing(Ledger(tmp_path / "l.sqlite")) as ledger:
        shop, staging, back = (Bucket(name, "", url, credentials=ACCESS)
                               for name in ("shop", "staging", "back"))  # fmt: skip
        with closing(s3.BucketTarget(shop, ledger)) as production:
            for key in keys:
                octets = key.encode()
                production.write(key, Facts(len(octets), "", 0.0, {}), octets)
        sync_places(shop, staging, Rules(), tmp_path / "a")
        sync_places(staging, out, Rules(), tmp_path / "b")
        (out.path / "k").mkdir()
        for name in (b"caf\xe9.jpg", b"k/\xff\xfe"):
            Path(os.fsdecode(os.fsencode(out.path) + b"/" + name)).write_bytes(b"x")
        totals, progress = sync_places(out, back, Rules(), tmp_path / "c")
        with closing(s3.BucketSource(staging)) as reading:
            assert {entry.key for entry in reading.list_entries(Range())} == keys
            assert {reading.fetch(key)[1].decode() for key in keys} == keys
    assert (totals.strange, totals.strange_names) == (2, ["caf\\xe9.jpg", "k/\\xff\\xfe"])
    assert progress.refused == []
    with closing(FolderTarget(out)) as folder:
        assert {entry.key for entry in folder.list_entries(Range())} == keys


def test_a_thousand_keys_that_differ_by_case_stay_a_thousand(world: World) -> None:
    keys = ["".join(c.upper() if n >> i & 1 else c for i, c in enumerate("photograph"))
            for n in range(1000)]  # fmt: skip
    folder = world.folder / "source"
    folder.mkdir()
    for key in keys:
        (folder / key).write_text(key)
    weak = FolderTarget(Folder(world.folder / "weak"))
    weak.is_exact = False
    for key in keys:
        weak.write(key, replace(weak_facts(key)), key.encode())
    names = {p.name.casefold() for p in (world.folder / "weak").iterdir()}
    assert len(names) == 1000
    world.sync(Folder(folder), world.target)
    assert len(world.has(world.target)) == 1000
    out = Folder(world.folder / "out")
    world.sync(replace(world.target), out, "back")
    assert {p.read_text() for p in out.path.iterdir()} == set(keys)


def weak_facts(key: str) -> Any:
    return Facts(len(key), "", 10.0)


def test_folders_keep_headers_and_compare_by_octets_where_asked(world: World) -> None:
    world.put("a.css", b"a {}", ContentType="text/x-own", CacheControl="no-store")
    out = Folder(world.folder / "out")
    world.sync(world.source, out)
    world.sync(out, world.target, "on")
    head = world.client.head_object(Bucket=world.target.name, Key="copy/a.css")
    assert head["CacheControl"] == "no-store"
    file = out.path / "a.css"
    known = file.stat()
    file.write_bytes(b"b {}")
    os.utime(file, ns=(known.st_atime_ns, known.st_mtime_ns))
    assert world.sync(world.source, out)[0].copies == 0
    totals, progress = world.sync(world.source, out, is_exact=True)
    assert (totals.copies, progress.changed_count, file.read_bytes()) == (1, 1, b"a {}")


def test_extras_go_only_when_asked_and_never_when_production_lists_nothing(world: World) -> None:
    world.put("a")
    world.client.put_object(Bucket=world.target.name, Key="copy/extra", Body=b"")
    world.client.put_object(Bucket=world.target.name, Key="other/extra", Body=b"")
    totals, _ = world.sync(world.source, world.target)
    assert (totals.extras, set(world.has(world.target)) >= {"extra"}) == (1, True)
    _, progress = world.sync(world.source, world.target, deletes=True)
    assert progress.deleted == 1
    keys = {o["Key"] for o in world.client.list_objects_v2(Bucket=world.target.name)["Contents"]}
    assert keys == {"copy/a", "other/extra"}
    world.client.delete_object(Bucket=world.source.name, Key="a")
    with pytest.raises(AssetsRefused, match="lists no file"):
        world.sync(world.source, world.target, deletes=True)
    assert "a" in world.has(world.target)


def test_production_is_never_written(world: World) -> None:
    world.put("a")
    reading = s3.BucketSource(world.source)  # asks nothing, so opens nothing
    for method in ("PUT", "POST", "DELETE"):
        with pytest.raises(NotAllowed):
            reading.wire.ask(method, "a")
    with pytest.raises(NotAllowed):
        world.sync(world.source, replace(world.source, prefix="staging/"))
    with pytest.raises(NotAllowed):
        world.sync(world.source, replace(world.source, prefix=""))
    assert set(world.has(world.source)) == {"a"}


def test_access_lists_are_kept_where_asked(world: World) -> None:
    world.put("open", ACL="public-read")
    world.put("closed")
    world.sync(world.source, world.target, acl="keep")
    everybody = "http://acs.amazonaws.com/groups/global/AllUsers"
    for key, is_open in (("open", True), ("closed", False)):
        grants = world.client.get_object_acl(Bucket=world.target.name, Key=f"copy/{key}")["Grants"]
        assert (everybody in [g["Grantee"].get("URI") for g in grants]) == is_open


def test_many_files_are_listed_in_stretches_that_lose_none(world: World) -> None:
    folder = world.folder / "many"
    for number in range(1200):
        file = folder / f"{number % 7}" / f"{number:05}-é"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    world.sync(Folder(folder), world.target)
    source = s3.BucketSource(world.target)
    bounds = source.find_bounds(4)
    assert bounds
    whole = [entry.key for entry in source.list_entries(Range())]
    cuts = ["", *bounds, ""]
    parts = [Range(a, b) for a, b in pairwise(cuts)]
    assert [entry.key for part in parts for entry in source.list_entries(part)] == whole
    assert len(whole) == 1200
    source.close()
    out = Folder(world.folder / "out")
    totals, _ = world.sync(replace(world.target), out, "out")
    assert totals.copies == 1200


@pytest.mark.parametrize("way", ["copy", "put"])
def test_a_killed_upload_goes_on_with_what_is_missing(
    world: World, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """As a file of 5 GB travels: in the original's parts, copied by the server or through us."""
    world.put_parts("big", *[bytes([n]) * 5 * MEBIBYTE for n in range(3)], b"the end")
    target = world.target if way == "copy" else elsewhere(world.target)
    do, sent = getattr(BucketUpload, way), list[int]()

    def failing(upload: BucketUpload, number: int, *more: Any) -> None:
        assert upload.part_bytes == 5 * MEBIBYTE
        if number == 3 and 3 not in sent:
            sent.append(3)
            raise Overtaken("killed")
        do(upload, number, *more)
        sent.append(number)

    monkeypatch.setattr(BucketUpload, way, failing)
    with pytest.raises(Overtaken):
        world.sync(world.source, target)
    before = set(sent)
    assert world.has(world.target) == {}
    sent[:] = [3]
    world.sync(world.source, target)
    assert world.has(world.target) == world.has(world.source)
    assert not set(sent[1:]) & (before - {3})
    uploads = world.client.list_multipart_uploads(Bucket=world.target.name)
    assert not uploads.get("Uploads")


def test_a_five_gigabyte_hole_is_copied_without_its_octets_in_memory(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    with (source / "film.mp4").open("wb") as file:
        file.truncate(5 * 1024 * MEBIBYTE)
        file.seek(12345)
        file.write(b"the end")
    out = tmp_path / "out"
    _, progress = sync_places(Folder(source), Folder(out), Rules(), tmp_path / "state")
    assert progress.done_bytes == (source / "film.mp4").stat().st_size
    assert (out / "film.mp4").stat().st_blocks * 512 < 32 * MEBIBYTE
    with (out / "film.mp4").open("rb") as file:
        file.seek(12345)
        assert file.read(7) == b"the end"
