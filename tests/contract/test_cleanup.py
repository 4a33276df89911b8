"""A clearing on a real home, store, database server and Docker Engine."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import docker
import pytest
from prefect.logging import disable_run_logger

from greenroom.data.databases import DatabaseServer
from greenroom.errors import HostingError
from greenroom.hosting import storage
from greenroom.names import database_name, role_name
from greenroom.settings import load_settings
from greenroom.store import cleanups, deployments, environments, projects
from greenroom.store.models import Environment, Mail, Release, now
from greenroom.store.work import database_url, unit_of_work
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


def _live(work: object, environment: Environment, place: Path, commit: str) -> Release:
    from sqlalchemy.orm import Session

    assert isinstance(work, Session)
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


def _clean() -> tuple[dict[str, str], int, set[str]]:
    removals = plan_removals.fn()
    with unit_of_work() as work:
        number = cleanups.create_cleanup(work, is_plan=False, why="", by="ada").number
    outcomes = remove_all.fn(removals)
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
    os.utime(log, (time.time() - OLD_SECONDS,) * 2)
    server = DatabaseServer(database_url())
    with unit_of_work() as work:
        shop = projects.add_project(work, "shop", "/srv/shop", actor="ada")
        lives = environments.ensure_environment(work, shop, "main", actor="ada")
        gone = environments.ensure_environment(work, shop, "old", actor="ada")
        for number, folder in enumerate(kept):
            _live(work, lives, folder, f"c{number}")
        gone.status, gone.destroyed_at = "destroyed", now()
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
            database_name(*names),
        }  # fmt: skip
        assert set(outcomes.values()) == {"removed"}
        assert freed > 400_000
        assert [folder.exists() for folder in kept] == [False, True, True]
        assert fresh.exists()
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
def test_only_volumes_and_networks_of_this_home_are_found(engine: None, home: Path) -> None:
    settings = load_settings()
    client = docker.from_env()
    made = []
    try:
        for owner in (str(settings.home), "/another/home"):
            labels = {"greenroom.home": owner, "greenroom.environment": "e1"}
            name = f"gr-test-{uuid.uuid4().hex[:8]}"
            made.append(client.volumes.create(name, labels=labels))
        found = [row for row in storage.find_in_engine(settings) if row[0] == "volume"]
        assert [(row[1], row[2]) for row in found] == [(made[0].name, "e1")]
        with pytest.raises(HostingError):
            storage.remove_from_engine(settings, "volume", str(made[1].name))
        storage.remove_from_engine(settings, "volume", str(made[0].name))
        storage.remove_from_engine(settings, "volume", str(made[0].name))
        assert not [row for row in storage.find_in_engine(settings) if row[0] == "volume"]
    finally:
        for volume in client.volumes.list():
            if volume.name in {v.name for v in made}:
                volume.remove()
        client.close()
