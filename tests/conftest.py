"""Fixtures for all tests: a Postgres server, fresh databases, a home folder, git repositories."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from hypothesis import settings as hypothesis_settings
from psycopg import sql

from greenroom.errors import PlatformError
from greenroom.settings import Settings, load_settings
from greenroom.store import crypto, work

SERVER_URL = "GREENROOM_TEST_POSTGRES_URL"

# No test depends on wall time.
hypothesis_settings.register_profile("greenroom", deadline=None)
hypothesis_settings.load_profile("greenroom")


LONG_ONES = ("tests/flows/", "tests/e2e/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest: the worker that is ready first has short ones left to take."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG_ONES))


def require(is_there: bool, part: str, command: str) -> None:
    """Skip without ``part``; in CI fail, saying the command that installs it."""
    if is_there:
        return
    sentence = f"{part} is missing; install it with: {command}"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)


@pytest.fixture(scope="session", name="require")
def _require() -> Callable[[bool, str, str], None]:
    return require


def forget_settings() -> None:
    """Forget everything that was read from the environment, and close its connections."""
    load_settings.cache_clear()
    crypto._key.cache_clear()
    for engine in _ENGINES:
        engine.dispose()
    _ENGINES.clear()
    work.engine_for.cache_clear()


_ENGINES: list[work.Engine] = []
_create_engine = work.create_engine


def _remembered(*arguments: object, **options: object) -> work.Engine:
    engine = _create_engine(*arguments, **options)  # type: ignore[call-overload]
    _ENGINES.append(engine)
    return engine


work.create_engine = _remembered


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Start every test from the defaults, whatever the shell has set."""
    for name in [name for name in os.environ if name.startswith(("GREENROOM_", "PREFECT_"))]:
        if name != SERVER_URL:
            monkeypatch.delenv(name)
    monkeypatch.setenv("GREENROOM_SYNC_COMPILE_FROM_BYTES", "0")  # what is shipped is what is tried
    forget_settings()
    yield
    forget_settings()


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a home folder that other accounts can reach: as root, projects run as ``nobody``.

    Its path is short: a Unix socket's may have 107 octets.
    """
    folder = Path(tempfile.mkdtemp(prefix="gr-"))
    folder.chmod(0o755)
    monkeypatch.setenv("GREENROOM_HOME", str(folder))
    load_settings.cache_clear()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Give a Postgres superuser's URL: the one in the environment, else a server of our own."""
    if SERVER_URL in os.environ:
        yield os.environ[SERVER_URL]
        return
    from greenroom.platform.postgres import PostgresServer, wait_until_ready

    folder = Path(tempfile.mkdtemp(prefix="gr-pg-"))
    folder.chmod(0o755)
    server = PostgresServer(Settings(home=folder, postgres_port=free_port()))
    try:
        server.binaries()
    except PlatformError as error:
        shutil.rmtree(folder)
        require(False, "Postgres", f"scripts/install-system ({error.hint})")
    server.ensure_initialised()
    command = server.program().command
    for option in ("fsync=off", "full_page_writes=off", "synchronous_commit=off"):
        command += ("-c", option)
    log = (folder / "log").open("wb")
    process = subprocess.Popen(
        command, user=server.account, cwd="/", stdout=log, stderr=log, env={"LC_ALL": "C"}
    )
    try:
        wait_until_ready(server.url("postgres"), 60)
        yield server.url("postgres")
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


def on_server(server: str, statement: str, **names: str) -> None:
    identifiers = {key: sql.Identifier(name) for key, name in names.items()}
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(**identifiers))


def database_on(server: str, name: str) -> str:
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))


@pytest.fixture
def postgres_dsn(postgres_server: str) -> Iterator[str]:
    """Give the URL of a fresh, empty database."""
    name = f"test_{secrets.token_hex(6)}"
    on_server(postgres_server, "create database {name}", name=name)
    yield database_on(postgres_server, name)
    forget_settings()
    on_server(postgres_server, "drop database if exists {name} with (force)", name=name)


@pytest.fixture(scope="session")
def _template(postgres_server: str) -> Iterator[str]:
    from greenroom.store.migrate import migrate

    name = f"template_{secrets.token_hex(6)}"
    on_server(postgres_server, "create database {name}", name=name)
    migrate(database_on(postgres_server, name))
    forget_settings()
    yield name
    on_server(postgres_server, "drop database if exists {name} with (force)", name=name)


@pytest.fixture
def store_url(
    postgres_server: str, _template: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """Give a fresh store, migrated, with a secret key: what ``unit_of_work()`` opens."""
    name = f"store_{secrets.token_hex(6)}"
    on_server(
        postgres_server, "create database {name} template {model}", name=name, model=_template
    )
    url = database_on(postgres_server, name)
    monkeypatch.setenv("GREENROOM_DATABASE_URL", url)
    forget_settings()
    crypto.ensure_secret_key()
    yield url
    forget_settings()
    on_server(postgres_server, "drop database if exists {name} with (force)", name=name)


class Repository:
    """A git repository for tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")

    @property
    def url(self) -> str:
        return str(self.folder)

    def git(self, *arguments: str) -> str:
        who = {
            f"GIT_{role}_{key}": value
            for role in ("AUTHOR", "COMMITTER")
            for key, value in (
                ("NAME", "Ada"), ("EMAIL", "ada@example.org"), ("DATE", "2026-01-01T00:00:00Z")
            )
        }  # fmt: skip
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "GIT_CONFIG_NOSYSTEM": "1",
            **who,
        }
        done = subprocess.run(
            ["git", "-c", "safe.directory=*", *arguments],
            cwd=self.folder, env=environment, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def write(self, name: str, text: str) -> None:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def commit(self, files: dict[str, str] | None = None, message: str = "a change") -> str:
        """Write ``files``, commit everything there is, and give the commit."""
        for name, text in (files or {}).items():
            self.write(name, text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def git_repository(tmp_path: Path) -> Callable[[str], Repository]:
    """Make git repositories: ``git_repository("shop").commit({"index.html": "…"})``."""

    def make(name: str = "source") -> Repository:
        return Repository(tmp_path / "repositories" / name)

    return make
