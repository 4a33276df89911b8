"""The steps of a sync of files, run without an engine on a real store and a real S3 API."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Iterator

import psycopg
import pytest
from click.testing import CliRunner
from prefect.logging import disable_run_logger

from greenroom.asset_orders import address_pairs, asset_variables
from greenroom.assets.keys import MARK
from greenroom.cleaning import Limits, Needed, Removal, plan_cleanup
from greenroom.cli.main import main
from greenroom.data.rewrites import rewrite_addresses
from greenroom.errors import AssetsRefused, EnvironmentLocked, InvalidInput, NotAllowed, Overtaken
from greenroom.redaction import redactor_for_project
from greenroom.store import assets, environments, projects
from greenroom.store.models import AssetSync, SyncStatus
from greenroom.store.work import unit_of_work
from tasks.asset_sync import begin_assets, end_assets
from tasks.assets import copy_assets, list_assets
from tasks.places import clear_left_place, find_left_places
from tasks.things import needed_now
from tasks.values import AssetRequest, AssetsHeld
from tests.contract.assets.world import World

SECRET = "sentinel-of-a-bucket"


@pytest.fixture(autouse=True)
def _no_engine() -> Iterator[None]:
    with disable_run_logger():
        yield


@pytest.fixture
def shop(store_url: str) -> uuid.UUID:
    with unit_of_work() as work:
        return projects.add_project(work, "shop", "/srv/shop", actor="ada").id


def _set(world: World, *more: str) -> None:
    address = f"?endpoint={world.url}"
    credentials = {side: {"key_id": "testing", "secret": SECRET} for side in ("source", "target")}
    done = CliRunner().invoke(
        main,
        ["project", "set-assets", "shop", "--from", f"s3://{world.source.name}{address}",
         "--to", f"s3://{world.target.name}/copy{address}", "--credentials", *more],
        input=json.dumps(credentials),
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert SECRET not in done.output


def _ordered(*, is_plan: bool = False, deletes: bool = False) -> AssetRequest:
    with unit_of_work() as work:
        project = projects.get_project(work, "shop")
        made = assets.create_asset_sync(work, project, is_plan=is_plan, deletes=deletes, by="ada")
        return AssetRequest(made.id, "shop", made.number)


def _row(request: AssetRequest) -> AssetSync:
    with unit_of_work() as work:
        return assets.get_asset_sync(work, request.sync_id)


def test_files_are_planned_copied_and_recorded(world: World, shop: uuid.UUID) -> None:
    for key in ("a", "b/c", "d.tmp"):
        world.put(key)
    _set(world, "--exclude", "*.tmp", "--staging-url", "https://staging.example/files/")
    request = _ordered(is_plan=True)
    held = begin_assets.fn(request)
    assert list_assets.fn(held) == 2
    assert world.has(world.target) == {}
    with pytest.raises(EnvironmentLocked), unit_of_work() as work:
        other = _ordered()
        assets.begin_asset_sync(work, other.sync_id, "h", "1:1", None)
    end_assets.fn(request.sync_id, SyncStatus.DONE, None)
    request = _ordered()
    held = begin_assets.fn(request)
    list_assets.fn(held)
    copy_assets.fn(held)
    copy_assets.fn(held)
    end_assets.fn(request.sync_id, SyncStatus.DONE, None)
    assert set(world.has(world.target)) == {"a", "b/c", MARK}
    row = _row(request)
    assert (row.status, row.totals["copies"], row.progress["done_files"]) == ("done", 2, 2)
    assert row.totals["left_out"] == 1
    assert row.listed_at is not None
    shown = CliRunner().invoke(main, ["assets", "list", "shop", "--json"])
    assert json.loads(shown.output)[0]["progress"]["done_files"] == 2
    assert SECRET not in shown.output


def test_environments_get_the_address_and_nobody_gets_the_credentials(
    world: World, shop: uuid.UUID
) -> None:
    _set(world, "--staging-url", "https://staging.example/files/", "--variable", "CDN_URL",
         "--production-url", "https://cdn.example/files")  # fmt: skip
    with unit_of_work() as work:
        project = projects.get_project(work, "shop")
        made = environments.ensure_environment(work, project, "feature/a", actor="ada")
        live = environments.ensure_environment(work, project, "main", actor="ada")
        assert asset_variables(work, made) == {"CDN_URL": "https://staging.example/files"}
        assert asset_variables(work, live) == {}
        assert address_pairs(work, shop) == [
            ("https://cdn.example/files", "https://staging.example/files")
        ]
        assert SECRET not in redactor_for_project(project)(f"the key is {SECRET}")
        setting = assets.get_setting(work, project)
        assert SECRET.encode() not in (setting.credentials or b"")
        assert SECRET not in json.dumps([setting.source, setting.target, setting.rules])


def test_productions_place_is_refused_as_target_on_the_way_in_and_when_it_runs(
    world: World, shop: uuid.UUID
) -> None:
    _set(world)
    done = CliRunner().invoke(
        main, ["project", "set-assets", "shop",
               "--to", f"s3://{world.source.name}/x?endpoint={world.url}"],
    )  # fmt: skip
    assert done.exit_code == NotAllowed.exit_code, done.output
    with unit_of_work() as work:
        setting = assets.get_setting(work, projects.get_project(work, "shop"))
        setting.target = setting.source
    request = _ordered()
    held = begin_assets.fn(request)
    with pytest.raises(NotAllowed):
        list_assets.fn(held)


def test_a_sync_that_shall_stop_stops(world: World, shop: uuid.UUID) -> None:
    world.put("a")
    _set(world)
    request = _ordered()
    held = begin_assets.fn(request)
    list_assets.fn(held)
    with unit_of_work() as work:
        assets.cancel_asset_sync(work, assets.get_asset_sync(work, request.sync_id), actor="ada")
    with pytest.raises(Overtaken):
        copy_assets.fn(AssetsHeld(held.sync_id, held.project_id, False, False))
    end_assets.fn(request.sync_id, SyncStatus.FAILED, Overtaken("stopped"))
    assert _row(request).status == SyncStatus.CANCELLED
    with pytest.raises(InvalidInput), unit_of_work() as work:
        assets.cancel_asset_sync(work, assets.get_asset_sync(work, request.sync_id), actor="ada")


@pytest.mark.parametrize("kind", ["bucket", "folder"])
def test_a_place_that_its_project_left_goes_if_all_in_it_is_ours(
    world: World, shop: uuid.UUID, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GREENROOM_DOCKER_HOST", "unix:///nonexistent")
    folder = world.folder / "staging"
    folder.mkdir()
    old = f"s3://{world.target.name}/old?endpoint={world.url}" if kind == "bucket" else str(folder)
    for key in ("a", "b/c"):
        world.put(key)
    _set(world, "--to", old)

    def bring(extras: int = 0) -> None:
        request = _ordered()
        held = begin_assets.fn(request)
        list_assets.fn(held)
        copy_assets.fn(held)
        list_assets.fn(held)
        end_assets.fn(request.sync_id, SyncStatus.DONE, None)
        assert _row(request).totals["extras"] == extras  # the mark is no file of the site

    def planned(days: int = 0) -> list[Removal]:
        found = plan_cleanup(find_left_places(), needed(), Limits(place_days=days))
        assert all(removal.thing.size_bytes > 12 for removal in found)
        return found

    def names() -> list[str]:
        return [one.thing.name for one in planned()]

    def needed() -> Needed:
        with unit_of_work() as work:
            return needed_now(work)

    def keys() -> set[str]:
        if kind == "bucket":
            found = world.client.list_objects_v2(Bucket=world.target.name, Prefix="old/")
            return {o["Key"][4:] for o in found.get("Contents", ())}
        return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}

    bring()
    assert keys() == {"a", "b/c", MARK}
    world.client.put_object(Bucket=world.target.name, Key="older/x", Body=b"")
    _set(world)
    bring()
    assert planned(7) == []
    (removal,) = planned()
    if kind == "folder":
        os.utime(folder / "a", (time.time() + 900,) * 2)
        assert planned() == []  # somebody writes there
        os.utime(folder / "a", (0, 0))
    _set(world, "--to", f"{old.partition('?')[0]}/in?endpoint={world.url}" if kind == "bucket"
         else str(folder / "in"))  # fmt: skip
    assert removal.thing.name not in names()  # somebody names what lies in it
    _set(world)
    clear_left_place(removal.thing.owner)
    clear_left_place(removal.thing.owner)
    assert keys() == set()
    assert removal.thing.name not in names()
    listed = world.client.list_objects_v2(Bucket=world.target.name)["Contents"]
    assert "older/x" in {o["Key"] for o in listed}
    # What was not empty when we came carries no mark, and stays; so does what two projects share.
    world.client.put_object(Bucket=world.target.name, Key="old/theirs", Body=b"")
    (folder / "theirs").touch()
    _set(world, "--to", old)
    bring(extras=1)
    assert MARK not in keys()
    CliRunner().invoke(main, ["project", "set-assets", "shop", "--forget"])
    assert names() == [f"s3://{world.target.name}/copy"]  # left once more, and ours
    with pytest.raises(AssetsRefused, match="mark"), unit_of_work() as work:
        clear_left_place(str(assets.list_left_places(work)[-1].id))
    assert {"a", "theirs"} <= keys()


def test_addresses_are_rewritten_in_texts_and_documents(postgres_dsn: str) -> None:
    old, new = "https://cdn.example/f", "https://staging.example/f"
    with psycopg.connect(postgres_dsn, autocommit=True) as target:
        target.execute(
            "create table page (id int primary key, body text, extra jsonb, raw json,"
            " at timestamptz, long text generated always as (body || '') stored)"
        )
        target.execute(
            "insert into page values (1, %s, %s, %s, now()), (2, 'nothing', '{}', '{}', now()),"
            " (3, %s, null, null, now())",
            (f"<img src='{old}/a.jpg'> {old}/b", json.dumps({"u": f"{old}/é"}),
             '{"u": "https:\\/\\/cdn.example\\/f\\/x"}', f's:24:"{old}/abc";'),
        )  # fmt: skip
        assert rewrite_addresses(target, [(old, new)]) == (3, 1)
        body, extra, raw, long = target.execute(
            "select body, extra, raw, long from page where id = 1"
        ).fetchone() or ("", {}, {}, "")
        assert body == long == f"<img src='{new}/a.jpg'> {new}/b"
        assert extra == {"u": f"{new}/é"}
        assert raw == {"u": f"{new}/x"}
        assert rewrite_addresses(target, [(old, new)]) == (0, 1)
        row = target.execute("select body from page where id = 3").fetchone()
        assert row == (f's:24:"{old}/abc";',)
