"""What goes wrong on the way: throttling, expiry, kills, changes under the sync."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from greenroom.assets import s3
from greenroom.assets.base import Credentials
from greenroom.assets.uploads import Ledger
from greenroom.errors import AssetsRefused, AssetsUnavailable
from tests.contract.assets.world import MEBIBYTE, Faulty, World


def test_throttling_and_errors_are_waited_out(
    world: World, faulty: Faulty, quick: list[float]
) -> None:
    for number in range(20):
        world.put(f"{number}")
    faulty.wrong = lambda method, path, n: (
        (503, "SlowDown") if n % 3 == 0 else (500, "InternalError") if n % 5 == 0 else None
    )
    world.sync(world.source, replace(world.target, endpoint=faulty.url))
    assert len(world.has(world.target)) == 20
    assert quick
    assert max(quick) <= 20
    faulty.wrong = lambda method, path, n: (503, "SlowDown")
    with pytest.raises(AssetsUnavailable):
        world.sync(world.source, replace(world.target, endpoint=faulty.url))


def test_expired_credentials_stop_it_and_the_next_run_goes_on(
    world: World, faulty: Faulty, quick: list[float]
) -> None:
    for number in range(20):
        world.put(f"{number:02}")
    faulty.wrong = lambda method, path, n: (
        (400, "ExpiredToken") if method == "PUT" and n > 12 else None
    )
    target = replace(world.target, endpoint=faulty.url)
    with pytest.raises(AssetsRefused, match="have expired"):
        world.sync(world.source, target, workers=2)
    some = len(world.has(world.target))
    assert 0 < some < 20
    faulty.wrong = lambda *_: None
    totals, _ = world.sync(world.source, target)
    assert (totals.same, len(world.has(world.target))) == (some, 20)


def test_credentials_that_renew_themselves_are_taken_anew(
    world: World, faulty: Faulty, quick: list[float]
) -> None:
    world.put("a")
    fresh = Credentials("fresh", "fresh")
    source = s3.BucketSource(replace(world.source, endpoint=faulty.url))
    source.wire.renew = lambda: fresh
    faulty.wrong = lambda method, path, n: (400, "ExpiredToken") if n == 1 else None
    assert source.fetch("a")[1] == b"octets"
    assert source.wire._credentials == fresh
    source.close()


def test_what_changes_under_the_sync_is_left_for_the_next(
    world: World, faulty: Faulty, quick: list[float]
) -> None:
    for number in range(6):
        world.put(f"{number}", b"before")
    done = threading.Event()

    def change(method: str, path: str, n: int) -> None:
        if method == "PUT" and not done.is_set():
            done.set()
            world.client.delete_object(Bucket=world.source.name, Key="5")
            world.put("4", b"after!")
            world.put("7", b"new")

    faulty.wrong = change
    target = replace(world.target, endpoint=faulty.url)
    source = replace(world.source, endpoint=faulty.url)
    _, progress = world.sync(source, target, workers=1)
    assert progress.gone >= 1
    world.sync(source, target, deletes=True)
    assert world.has(world.target) == world.has(world.source)


def test_a_listing_that_changes_between_its_pages_is_gone_through(
    world: World, faulty: Faulty, quick: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = s3.BucketSource._page
    monkeypatch.setattr(
        s3.BucketSource, "_page",
        lambda self, after, token="", delimiter="", below="", most=4: page(
            self, after, token, delimiter, below, min(most, 4)
        ),
    )  # fmt: skip
    for number in range(12):
        world.put(f"{number:02}", b"before")
    seen: list[str] = []

    def change(method: str, path: str, n: int) -> None:
        if method == "GET" and "continuation-token" in path:
            seen.append(path)
            if len(seen) == 1:  # behind what was listed, before it, and where the next page begins
                for key in ("00", "04", "11"):
                    world.client.delete_object(Bucket=world.source.name, Key=key)
                world.put("01x", b"new")
                world.put("09x", b"new")
                world.put("07", b"after!")

    faulty.wrong = change
    source = replace(world.source, endpoint=faulty.url)
    world.sync(source, world.target, workers=1)
    assert seen
    assert "09x" in world.has(world.target)
    world.sync(world.source, world.target, deletes=True)
    assert world.has(world.target) == world.has(world.source)


def test_production_sees_nothing_but_reads(
    world: World, faulty: Faulty, quick: list[float]
) -> None:
    world.put("a")
    world.put_parts("big", b"a" * 8 * MEBIBYTE, b"b")
    source = replace(world.source, endpoint=faulty.url)
    world.sync(source, world.target, acl="keep", include=("a",))
    world.sync(source, world.target)
    assert {method for method, _ in faulty.seen} <= {"GET", "HEAD"}
    assert world.has(world.target) == world.has(world.source)


def test_no_key_and_no_secret_is_printed(world: World, tmp_path: Path) -> None:
    target = s3.BucketTarget(world.target, Ledger(tmp_path / "l.sqlite"))
    assert "testing" not in repr(target.wire) + repr(world.target) + str(world.target)
    nobody = s3.BucketSource(replace(world.source, name="nobody-has-this"))
    with pytest.raises(AssetsRefused) as caught:
        nobody.fetch("")
    nobody.close()
    assert "testing" not in caught.value.message
