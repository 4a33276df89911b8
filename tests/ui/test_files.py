"""The pages about files and storage: empty, full, broken, and in a browser."""

from __future__ import annotations

import pytest

from greenroom.store import assets, cleanups, projects
from greenroom.store.models import now
from greenroom.store.work import unit_of_work

pytestmark = [pytest.mark.ui, pytest.mark.needs_postgres]
SENTINEL = "sentinel-of-a-bucket"
HOSTILE = "<img src=x onerror=alert(1)>"


def fill(*, failed: bool = False) -> None:
    """Name files, bring some, and clear something."""
    with unit_of_work() as work:
        shop = projects.get_project(work, "shop")
        values = {
            "source": "s3://shop-uploads", "target": "s3://shop-staging/copy",
            "rules": {"exclude": ["**/*.tmp"]}, "cdn": {"vendor": "fastly", "service": "s"},
            "base_urls": {"staging": "https://files.example"},
        }  # fmt: skip
        kept = {"source": {"key_id": "k", "secret": SENTINEL}}
        assets.record_setting(work, shop, values, kept, actor="ada")
        row = assets.create_asset_sync(work, shop, is_plan=False, deletes=False, by="ada")
        row.status, row.phase, row.started_at, row.listed_at = "running", "copy", now(), now()
        row.totals = {"listed": 120_000, "same": 100_000, "copies": 20_000, "copy_bytes": 8 << 30}
        row.progress = {"files": 20_000, "bytes": 8 << 30, "done_files": 5000,
                        "done_bytes": 2 << 30, "seconds_left": 90.0}  # fmt: skip
        row.report = {
            "sample": [["copy", f"uploads/{HOSTILE}.jpg", 1000], ["replace", "uploads/a.jpg", 5]],
            "refused": [f"'{'x' * 300}': longer than a file name"],
        }  # fmt: skip
        if failed:
            row.status = "failed"
            row.error = {"error": "AssetsRefused", "detail": "AccessDenied", "hint": "Mend it."}
        clearing = cleanups.create_cleanup(work, is_plan=True, why="every night", by="ada")
        items = [{"kind": "release", "name": "/h/releases/shop/abc-def", "why": "nobody runs it",
                  "bytes": 5_000_000, "outcome": "would go"}]  # fmt: skip
        report = {"items": items, "count": 1, "free_bytes": 5 << 30, "total_bytes": 50 << 30,
                  "kinds": {"release": {"count": 1, "bytes": 5_000_000}}}  # fmt: skip
        cleanups.finish_cleanup(clearing, {**report, "engine_cache_bytes": 7 << 30}, 5_000_000)


def test_files_and_storage_are_shown_and_no_credential(seeded, open_page, shown):
    test = open_page("files", project="shop")
    assert "No files are named" in shown(test)

    def save(**given: str) -> str:
        fields = {one.label: one for one in (*test.text_input, *test.text_area)}
        for label, value in given.items():
            fields[label].input(value)
        next(one for one in test.button if one.label == "Save").click()
        return shown(test.run())

    places = {"Production's files, only read": "s3://shop-uploads"}
    text = save(**places, **{"Staging's own place": "s3://shop-uploads/staging"})
    assert "nothing is ever written there" in text
    text = save(**{"Staging's own place": "s3://shop-staging"})
    assert "own credentials: its owner decides that" in text  # the machine's, for nobody else
    text = save(**{"Production's files, only read": "/srv/x"})
    assert "is a folder of this machine" in text
    keys = {f"{side} {what}": value for side in ("Production's", "Staging's")
            for what, value in (("key", "AKID"), ("secret", SENTINEL))}  # fmt: skip
    text = save(**places, **{"But none like": "**/*.tmp"}, **keys)
    assert "It is saved" in text
    assert SENTINEL not in text
    with unit_of_work() as work:
        setting = assets.get_setting(work, projects.get_project(work, "shop"))
        assert (setting.source, setting.target) == ("s3://shop-uploads", "s3://shop-staging")
        assert setting.rules == {"exclude": ["**/*.tmp"]}
        assert assets.credentials_of(setting)["target"] == {"key_id": "AKID", "secret": SENTINEL}
        assets.forget_setting(work, setting.project, actor="ada")
    fill()
    text = shown(open_page("files", project="shop"))
    for word in ("s3://shop-uploads", "5,000 of 20,000 files", "uploads/a.jpg", "Did not come"):
        assert word in text
    assert SENTINEL not in text
    assert HOSTILE not in text
    text = shown(open_page("storage"))
    for word in (
        "releases/shop/abc-def",
        "nobody runs it",
        "Would be freed",
        "7.5 GB of the engine",
    ):
        assert word in text


def test_a_failed_sync_says_why(seeded, open_page, shown):
    fill(failed=True)
    text = shown(open_page("files", project="shop"))
    assert "AccessDenied" in text
    assert "Mend it." in text
