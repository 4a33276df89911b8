"""Fixtures for the console: a logged-in session, a seeded store, a page, a served console."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from greenroom.rights import OWNER, Actor, Role, act_as_owner, act_for_people
from greenroom.store import deployments, environments, projects, users
from greenroom.store.models import Deployment, Environment, Project, Release
from greenroom.store.work import Work, unit_of_work
from ui import nav, reads, who

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "a password for tests"
HOSTILE = "<img src=x onerror=alert(1)>"
SENTINEL = "sentinel-d41d8cd98f"


def add_release(work: Work, project: Project, commit: str) -> Release:
    release = Release(
        project_id=project.id, commit_hash=commit, runtime="process", artifact="sha256:" + commit,
        location="/nowhere", manifest={}, manifest_digest=commit,
    )  # fmt: skip
    work.add(release)
    work.flush()
    return release


def add_deployment(
    work: Work, environment: Environment, status: str, *, by: str = "ada", live: bool = False
) -> Deployment:
    made = deployments.create_deployment(
        work, environment, ref=environment.git_branch, commit_hash=secrets.token_hex(20),
        deployed_by=by,
    )  # fmt: skip
    made.status, made.started_at = status, datetime.now(UTC) - timedelta(seconds=40)
    if status in deployments.FINAL:
        made.completed_at = datetime.now(UTC)
        made.phases = {"build": 20.5, "start": 3.25}
    if live:
        release = add_release(work, environment.project, made.commit_hash)
        made.release_id = environment.release_id = release.id
        environment.last_deployed_commit = made.commit_hash
    work.flush()
    return made


def seed() -> None:
    """Fill the store: two projects, environments in every state, hostile names, secrets."""
    with unit_of_work() as work:
        shop = projects.add_project(
            work, "shop", "/srv/git/shop", actor="ada",
            production_database_url=f"postgresql://reader:{SENTINEL}@db/shop",
        )  # fmt: skip
        projects.add_project(work, "bare", "https://git.example.org/bare.git", actor=HOSTILE)
        projects.set_variable(work, shop, "PAYMENT_KEY", SENTINEL, actor="ada")
        projects.set_variable(work, shop, "COLOUR", "teal", is_secret=False, actor="ada")

        def environment(branch: str, status: str, reason: str = "") -> Environment:
            made = environments.ensure_environment(work, shop, branch, actor="ada")
            made.status, made.status_reason = status, reason
            environments.record_database_url(made, f"postgresql://u:{SENTINEL}@db/x")
            work.flush()
            return made

        main = environment("main", "active")
        add_deployment(work, main, "retired", live=True)
        add_deployment(work, main, "live", live=True)
        building = environment("feature/cart", "building", "deployment #1 builds")
        running = add_deployment(work, building, "building")
        deployments.append_log(
            work, running.id, "build", ["\x1b[32mcompiled\x1b[0m 12 modules", f"saw {HOSTILE}"]
        )
        asleep = environment("fix/tax", "sleeping", "nobody looked for two hours")
        add_deployment(work, asleep, "live", live=True)
        broken = environment(HOSTILE, "error", f"nothing serves: {HOSTILE}")
        failed = add_deployment(work, broken, "failed", by=HOSTILE)
        failed.error = {
            "error": "BuildFailed", "detail": f"the build ended with 2: {HOSTILE}",
            "hint": "Read `make.log`.", "log_tail": f"make: {HOSTILE}\nmake: the last line",
        }  # fmt: skip
        lines = [f"line {n} of the build" for n in range(5600)]
        deployments.append_log(work, failed.id, "build", lines)
        deployments.append_log(work, failed.id, "app", ["Traceback", "NeedleError: gone"])


@pytest.fixture
def token(store_url: str) -> str:
    """Log ``admin`` in, whose password is ``PASSWORD``."""
    who._seen.clear()
    reads.forget_board()
    with unit_of_work() as work:
        once = users.ensure_admin(work)
        assert once is not None
    with unit_of_work() as work:
        first = users.log_in(work, "admin", once)
        assert first is not None
        user = users.find_session_user(work, first)
        assert user is not None
        users.change_password(work, user, once, PASSWORD)
    return first


@pytest.fixture
def seeded(token: str) -> str:
    """Fill the store with projects and environments in every state; give the session."""
    seed()
    return token


@pytest.fixture
def session_of(seeded: str) -> Callable[..., str]:
    """Add an account and log it in: ``session_of("vera", shop=Role.VIEWER)``."""

    def make(name: str, role: Role | None = None, **roles: Role) -> str:
        with unit_of_work() as work:
            users.add_user(work, name, role=role, actor="admin")
            for project, own in roles.items():
                found = projects.get_project(work, project)
                users.set_member(work, found, name, own, actor="admin")
        with unit_of_work() as work:
            user = users.get_user(work, name)
            user.must_change_password = False
            return users.admit(work, user, "password", client="Firefox on Mac")

    return make


Open = Callable[..., AppTest]


def _viewer_in_scripts() -> Actor:
    """Act for the viewer where a page's script runs, and for the platform in the test itself."""
    in_script = get_script_run_ctx(suppress_warning=True) is not None
    return who.current_actor() if in_script else OWNER


@pytest.fixture
def open_page(token: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Open a page as it is for the logged-in user: ``open_page("environment", env="shop/a")``."""

    def run(name: str, session: str = token, **parameters: str) -> AppTest:
        monkeypatch.setattr(who, "current_token", lambda: session)
        act_for_people(_viewer_in_scripts)
        test = AppTest.from_file(str(ROOT / "ui" / "script.py"), default_timeout=60)
        test.query_params.update(parameters)
        is_first = name == nav.ENTRIES[0].name
        test._page_hash = calc_hash("" if is_first else name)
        return test.run()

    yield run
    act_as_owner()


@pytest.fixture
def shown() -> Callable[[AppTest], str]:
    """Give everything that a page sends to the browser, as one text."""

    def text(test: AppTest) -> str:
        assert not test.exception, [e.value for e in test.exception]
        return "\n".join(
            str(getattr(node, "proto", "")) for node in [*test.main, *test.sidebar, *test._tree[2]]
        )

    return text


@pytest.fixture
def console(store_url: str, home: Path, token: str) -> Iterator[str]:
    """Give the address of a console that is served by a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with _served(store_url, home, port) as address:
        yield address


@contextmanager
def _served(store_url: str, home: Path, port: int) -> Iterator[str]:
    """Serve the console from a process of its own, as the platform does."""
    environment = {
        **os.environ,
        "GREENROOM_DATABASE_URL": store_url,
        "GREENROOM_HOME": str(home),
        "GREENROOM_CONSOLE_PORT": str(port),
    }
    log = (home / "console.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "ui"], cwd=ROOT, env=environment, stdout=log, stderr=log
    )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(f"{address}/healthz", timeout=2) as answer:
                    answer.read()
                break
            except OSError:
                assert process.poll() is None, (home / "console.log").read_text()
                assert time.monotonic() < deadline, (home / "console.log").read_text()
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()
        sys.stdout.write((home / "console.log").read_text(errors="replace")[-20_000:])
