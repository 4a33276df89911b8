"""The API in a process of its own, as the platform serves it, before a store with things in it."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from greenroom.rights import Role, Scope
from greenroom.settings import ROOT, load_settings
from greenroom.store import (
    comments,
    crypto,
    deployments,
    environments,
    links,
    projects,
    tokens,
    users,
)
from greenroom.store.models import Release
from greenroom.store.work import unit_of_work
from tests.conftest import database_on, forget_settings, free_port, on_server

SENTINEL = "sentinel-7a1c90ffe2"
"""In every secret: it may be in no answer."""


@dataclass
class Bed:
    """An API that serves."""

    home: Path
    store: str
    url: str
    environment: dict[str, str]

    def token(self, *scopes: Scope, project: str = "", user: str = "") -> str:
        """Make a token."""
        with unit_of_work() as work:
            _, secret = tokens.add_token(
                work, "test", scopes, actor="test",
                project=projects.get_project(work, project) if project else None,
                user=users.get_user(work, user) if user else None,
            )  # fmt: skip
        return secret

    def client(self, token: str = "", **headers: str) -> httpx.Client:
        """Open a client that shows a token."""
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return httpx.Client(
            base_url=f"{self.url}/api", headers=headers, timeout=60, trust_env=False
        )


def fill() -> None:
    """Fill a store: two projects, what each noun needs, and secrets."""
    with unit_of_work() as work:
        users.ensure_admin(work)
        for name, role in (("vera", Role.VIEWER), ("dora", Role.DEVELOPER)):
            users.add_user(work, name, role=role, actor="test")
        for name in ("shop", "blog"):
            project = projects.add_project(
                work, name, f"/srv/{name}", actor="test",
                production_database_url=f"postgresql://u:{SENTINEL}@127.0.0.1:9/x",
            )  # fmt: skip
            projects.set_variable(work, project, "KEY", SENTINEL, actor="test")
            projects.set_forge(work, project, "github", "a/b", "", SENTINEL, actor="test")
            found = environments.ensure_environment(work, project, "feature", actor="test")
            environments.record_database_url(found, f"postgresql://u:{SENTINEL}@127.0.0.1:9/y")
            made = deployments.create_deployment(work, found, ref="feature", deployed_by="test")
            release = Release(
                project_id=project.id, commit_hash="c" * 40, runtime="static", artifact="sha256:1",
                location="/nowhere", manifest={}, manifest_digest=name,
            )  # fmt: skip
            work.add(release)
            work.flush()
            made.status, made.release_id, found.release_id = "live", release.id, release.id
            deployments.append_log(work, made.id, "build", [f"line {n}" for n in range(5)])
            pin = comments.Pin("/", "", {"tag": "h1"}, 390, 800, "Firefox")
            comments.add_thread(work, found, pin, "too long", comments.Author("test"))
            links.create_link(work, found, "Anna", password=SENTINEL, by="test")


@pytest.fixture(scope="module")
def _bed(postgres_server: str, _template: str) -> Iterator[Bed]:
    name, port = f"api_{secrets.token_hex(6)}", free_port()
    on_server(
        postgres_server, "create database {name} template {model}", name=name, model=_template
    )
    home = Path(tempfile.mkdtemp(prefix="gr-"))
    store = database_on(postgres_server, name)
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("GREENROOM_")},
        "GREENROOM_HOME": str(home), "GREENROOM_DATABASE_URL": store,
        "GREENROOM_API_PORT": str(port), "GREENROOM_PREFECT_PORT": str(free_port()),
    }  # fmt: skip
    bed = Bed(home, store, f"http://127.0.0.1:{port}", environment)
    before = {key: os.environ.get(key) for key in ("GREENROOM_HOME", "GREENROOM_DATABASE_URL")}
    os.environ |= {"GREENROOM_HOME": str(home), "GREENROOM_DATABASE_URL": bed.store}
    forget_settings()
    crypto.ensure_secret_key()
    fill()
    log = (home / "api.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "greenroom.api"], cwd=ROOT, env=environment, stdout=log, stderr=log
    )
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                if httpx.get(f"{bed.url}/api/healthz", trust_env=False).text == "ok\n":
                    break
            except httpx.HTTPError:
                pass
            assert process.poll() is None, (home / "api.log").read_text()
            assert time.monotonic() < deadline, (home / "api.log").read_text()
            time.sleep(0.1)
        yield bed
    finally:
        process.terminate()
        process.wait(20)
        log.close()
        for key, value in before.items():
            os.environ.pop(key, None)
            if value is not None:
                os.environ[key] = value
        forget_settings()
        shutil.rmtree(home, ignore_errors=True)
        on_server(postgres_server, "drop database if exists {name} with (force)", name=name)


@pytest.fixture
def api(_bed: Bed, monkeypatch: pytest.MonkeyPatch) -> Bed:
    """The API, and its store as ``unit_of_work()`` opens it."""
    monkeypatch.setenv("GREENROOM_HOME", str(_bed.home))
    monkeypatch.setenv("GREENROOM_DATABASE_URL", _bed.store)
    load_settings.cache_clear()
    return _bed


Open = Callable[..., httpx.Client]


@pytest.fixture
def root(api: Bed) -> Iterator[httpx.Client]:
    """A client that may everything."""
    with api.client(api.token(Scope.ADMIN)) as client:
        yield client
