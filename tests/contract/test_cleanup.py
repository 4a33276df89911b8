"""A clearing on a real home, store, database server and Docker Engine."""

from __future__ import annotations

import contextlib
import io
import os
import tarfile
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import docker
import docker.errors
import pytest
from prefect.logging import disable_run_logger

from flows import clean_up
from greenroom.data.databases import DatabaseServer
from greenroom.errors import HostingError
from greenroom.hosting import storage
from greenroom.names import database_name, role_name
from greenroom.settings import load_settings
from greenroom.store import cleanups, deployments, environments, projects
from greenroom.store.models import Deployment, DeploymentLog, Environment, Mail, Release, now
from greenroom.store.work import Work, database_url, unit_of_work
from tasks.cleanup import plan_removals, remove_all, report_cleanup

OLD_SECONDS = 40 * 86_400


@pytest.fixture(autouse=True)
def _no_engine() -> Iterator[None]:
    with disable_run_logger():
        yield


def _folder(path: Path, *, age_seconds: float = OLD_SECONDS, size: int = 100_000) -> Path:
    path.mkdir(parents=True)
    (path / "octets").write_bytes(os.urandom(size))
    at = time.time() - age_seconds
    os.utime(path, (at, at))
    return path


def _live(work: Work, environment: Environment, place: Path, commit: str) -> Release:
    release = Release(
        project_id=environment.project_id, commit_hash=commit, runtime="static",
        artifact=f"sha256:{commit}", location=str(place), manifest={}, manifest_digest=commit,
    )  # fmt: skip
    work.add(release)
    work.flush()
    made = deployments.create_deployment(
        work, environment, ref="main", commit_hash=commit, deployed_by="ada"
    )
    made.status, made.release_id, made.completed_at = "retired", release.id, now()
    return release


def _log(work: Work, environment: Environment, status: str, days: int) -> None:
    made = deployments.create_deployment(
        work, environment, ref="main", commit_hash=f"l{days}", deployed_by="ada"
    )
    deployments.append_log(work, made.id, "build", [str(days)])
    work.flush()
    deployments.seal_log(work, made.id)
    made.status, made.completed_at = status, now() - timedelta(days=days)


def _clean() -> tuple[dict[str, str], int, set[str]]:
    with unit_of_work() as work:
        number = cleanups.create_cleanup(work, is_plan=False, why="", by="ada").number
    removals = plan_removals.fn(number)
    outcomes = remove_all.fn(number, removals)
    freed = report_cleanup.fn(number, removals, outcomes)
    with unit_of_work() as work:
        row = cleanups.get_cleanup(work, number)
        assert (row.status, row.freed_bytes) == ("done", freed)
    return outcomes, freed, {removal.thing.name for removal in removals}


@pytest.mark.usefixtures("store_url")
def test_only_what_nobody_needs_goes_and_rollbacks_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREENROOM_KEEP_RELEASES", "2")
    monkeypatch.setenv("GREENROOM_DOCKER_HOST", "unix:///nonexistent")
    load_settings.cache_clear()
    settings = load_settings()
    place = settings.path
    kept = [_folder(place("releases", "shop", f"c{n}-digest")) for n in range(3)]
    stray = _folder(place("releases", "shop", "x-stray"))
    fresh = _folder(place("releases", "shop", "y-fresh"), age_seconds=1)
    cache = _folder(place("cache", "forgotten"))
    pictures = _folder(place("comparisons", str(uuid.uuid4())))
    secret = place("secret.key").read_bytes()
    place("logs").mkdir(exist_ok=True)
    log = place("logs", "app-gone.log")
    log.write_text("x")
    repository, used = _folder(place("repos", "gone.git")), _folder(place("repos", "shop.git"))
    os.utime(log, (time.time() - OLD_SECONDS,) * 2)
    server = DatabaseServer(database_url())
    with unit_of_work() as work:
        shop = projects.add_project(work, "shop", "/srv/shop", actor="ada")
        lives = environments.ensure_environment(work, shop, "main", actor="ada")
        gone = environments.ensure_environment(work, shop, "old", actor="ada")
        for number, folder in enumerate(kept):
            _live(work, lives, folder, f"c{number}")
        gone.status, gone.destroyed_at = "destroyed", now()
        _log(work, lives, "retired", 20)
        _log(work, lives, "retired", 200)
        _log(work, lives, "live", 300)
        for whose, subject, days in ((lives.id, "new", 1), (gone.id, "old", 20)):
            made = Mail(
                environment_id=whose, number=9, sender="a", recipients=[], subject=subject,
                size_bytes=3, source=b"old", received_at=now() - timedelta(days=days),
            )  # fmt: skip
            work.add(made)
        names = ("shop", "old", str(gone.id))
        mine = ("shop", "main", str(lives.id))
        strange = ("shop", "old", str(uuid.uuid4()))
    try:
        for each in (names, mine, strange):
            server.ensure_database(database_name(*each), role_name(*each))
        outcomes, freed, planned = _clean()
        assert planned == {
            str(kept[0]), str(stray), str(cache), str(pictures), str(log), "1 mails",
            database_name(*names), str(repository), "3 logs of deployments and syncs",
            "1 logs of deployments and syncs",
        }  # fmt: skip
        assert set(outcomes.values()) == {"removed"}
        assert freed > 400_000
        assert [folder.exists() for folder in kept] == [False, True, True]
        assert fresh.exists()
        assert used.exists()
        assert not repository.exists()
        assert not stray.exists()
        assert place("secret.key").read_bytes() == secret
        left = server.list_databases()
        assert database_name(*mine) in left
        assert database_name(*strange) in left
        assert database_name(*names) not in left
        with unit_of_work() as work:
            removed = {r.commit_hash for r in work.query(Release) if r.removed_at is not None}
            assert removed == {"c0"}
            assert [mail.subject for mail in work.query(Mail)] == ["new"]
            assert work.query(DeploymentLog).count() == 0
            texts = work.query(Deployment).filter(Deployment.log_output != "")
            said = sorted((d.log_output, d.status) for d in texts)
            assert said == [("[build] 20", "retired"), ("[build] 300", "live"),
                            (cleanups.CLEARED_LOG, "retired")]  # fmt: skip
        assert _clean()[2] == set()
    finally:
        for each in (names, mine, strange):
            server.drop_database(database_name(*each), role_name(*each))


def test_nothing_outside_the_home_is_deleted(home: Path, tmp_path: Path) -> None:
    other = tmp_path / "others"
    other.write_text("x")
    (home / "cache").mkdir()
    (home / "cache" / "link").symlink_to(tmp_path)
    settings = load_settings()
    for name in (str(other), str(home / "secret.key"), f"{home}/cache/../secret.key", "/", ""):
        with pytest.raises(HostingError):
            storage.remove_from_disk(settings, name)
    storage.remove_from_disk(settings, str(home / "cache" / "link"))
    assert other.exists()
    assert not (home / "cache" / "link").is_symlink()


@pytest.mark.needs_docker
@pytest.mark.usefixtures("engine", "store_url")
def test_the_engine_keeps_what_is_not_of_this_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """An image, a network and a volume: ours goes, another home's and one without labels stay."""
    monkeypatch.setattr("greenroom.cleaning.HOUR", 0.0)
    home, client, mark = str(load_settings().home), docker.from_env(), uuid.uuid4().hex[:8]
    owners = {"ours": home, "theirs": "/another/home", "plain": ""}
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(mark))
    ids: dict[tuple[str, str], str] = {}
    try:
        for who, owner in owners.items():
            labels = {"greenroom.home": owner, "greenroom.environment": "e1"} if owner else {}
            name = f"gr-test-{mark}-{who}"
            ids["volume", who] = str(client.volumes.create(name, labels=labels).name)
            ids["network", who] = str(client.networks.create(name, labels=labels).id)
            words = [f"LABEL greenroom.home={owner} greenroom.copy=image who={who}"] * bool(owner)
            client.api.import_image_from_data(
                layer.getvalue(), repository=name, tag="x", changes=[*words, f"ENV WHO={who}"]
            )
            ids["image", who] = str(client.images.get(f"{name}:x").id)
        outcomes, _, planned = _clean()
        assert planned == {ids[kind, "ours"] for kind in ("image", "network", "volume")}
        assert set(outcomes.values()) == {"removed"}
        left = {v.name for v in client.volumes.list()} | {n.id for n in client.networks.list()}
        left |= {image.id for image in client.images.list()}
        assert {who for (_, who), key in ids.items() if key in left} == {"theirs", "plain"}
        assert len(left & set(ids.values())) == 6
        for kind in ("image", "network", "volume"):
            with pytest.raises(HostingError, match="another's"):
                storage.remove_from_engine(load_settings(), kind, ids[kind, "theirs"])
            storage.remove_from_engine(load_settings(), kind, ids[kind, "ours"])
        assert _clean()[2] == set()
    finally:
        for (kind, _), key in ids.items():
            with contextlib.suppress(docker.errors.NotFound):
                of: Any = getattr(client, f"{kind}s")
                of.remove(key, force=True) if kind == "image" else of.get(key).remove()
        client.close()


@pytest.mark.usefixtures("store_url")
def test_a_full_disk_starts_a_clearing_that_takes_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREENROOM_DOCKER_HOST", "unix:///nonexistent")
    for name in ("plan_removals", "remove_all", "report_cleanup", "is_only_plan", "is_room_short",
                 "record_own_cleanup", "forget_pictures", "clean_up"):  # fmt: skip
        monkeypatch.setattr(clean_up, name, getattr(clean_up, name).fn)
    with unit_of_work() as work:
        projects.add_project(work, "shop", "/srv/shop", actor="ada")
    cache = _folder(load_settings().path("cache", "shop"), age_seconds=5)
    assert clean_up.clean_when_full.fn() == 0
    assert cache.exists()
    monkeypatch.setenv("GREENROOM_CLEAN_BELOW_RATIO", "1")
    load_settings.cache_clear()
    assert clean_up.clean_when_full.fn() >= 100_000
    assert not cache.exists()
    with unit_of_work() as work:
        (row,) = cleanups.list_cleanups(work)
        assert (row.why, row.requested_by) == ("the disk was nearly full", "schedule")
