"""Servers that fail a sync by themselves: a disk that is full, a replica that drops its readers."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from greenroom.errors import SyncFailed
from greenroom.platform.postgres import PostgresServer, wait_until_ready
from greenroom.settings import Settings
from tests.conftest import free_port
from tests.contract.faults import eventually, execute, masking, once, place_on, refused, value

pytestmark = [pytest.mark.contract, pytest.mark.needs_postgres]
PEOPLE = """
create table users (id int primary key, full_name text not null, note text);
insert into users select g, 'Marga Person' || g, repeat('n', 1500) from generate_series(1, 12000) g;
"""


@contextmanager
def _small_disk(owner: int) -> Iterator[Path]:
    """Mount a disk that two empty databases fill, nearly."""
    folder = Path(tempfile.mkdtemp(prefix="gr-disk-"))
    command = ["mount", "-t", "tmpfs", "-o", f"size=20m,uid={owner},mode=700", "tmpfs", str(folder)]
    subprocess.run(command, check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)
        folder.rmdir()


def test_a_disk_that_is_full(postgres_server: str, postgres_dsn: str, tmp_path: Path) -> None:
    execute(postgres_dsn, PEOPLE)
    owner = Path(value(postgres_server, "show data_directory")).stat().st_uid
    with _small_disk(owner) as disk, place_on(postgres_server) as place:
        execute(postgres_server, f"create tablespace gr_small location '{disk}'")
        try:  # a new database lies where its template does
            execute(postgres_server, "alter database template0 set tablespace gr_small")
            decide = masking(full_name=lambda _: "Anybody")
            error = refused(postgres_dsn, place, tmp_path, decide)
        finally:
            execute(postgres_server, "alter database template0 set tablespace pg_default")
            execute(postgres_server, "drop tablespace gr_small")
    assert isinstance(error, SyncFailed)
    assert "53100" in error.message
    assert "make room" in str(error.hint)


@contextmanager
def _running(
    server: PostgresServer, command: tuple[str, ...], *options: str
) -> Iterator[str]:  # fmt: skip
    for option in ("fsync=off", *options):
        command += ("-c", option)
    log = (server.folder / "log").open("wb")
    process = subprocess.Popen(
        command, user=server.account, cwd="/", stdout=log, stderr=log, env={"LC_ALL": "C"}
    )
    try:
        wait_until_ready(server.url("postgres"), 60)
        yield server.url("postgres")
    finally:
        process.terminate()
        process.wait(60)
        log.close()


@contextmanager
def _primary_and_replica() -> Iterator[tuple[str, str]]:
    """Start two servers of which the second follows the first, and drops whoever is in its way."""
    folder = Path(tempfile.mkdtemp(prefix="gr-two-"))
    folder.chmod(0o755)
    servers = []
    for name in ("primary", "replica"):
        home = folder / name
        servers.append(PostgresServer(Settings(home=home, postgres_port=free_port())))
    primary, replica = servers
    try:
        primary.ensure_initialised()
        program = primary.program().command
        writing = ("wal_level=replica", "max_wal_senders=4")
        with _running(primary, program, *writing) as url:
            replica.folder.mkdir(parents=True)
            shutil.copy(primary.folder / "password", replica.folder / "password")
            replica.socket_folder.mkdir()
            copied = primary.folder / "copied"
            known = psycopg.conninfo.conninfo_to_dict(url)
            address = f"host=127.0.0.1 port={known['port']} user={known['user']}"
            subprocess.run(
                [Path(program[0]).with_name("pg_basebackup"), "-d", address, "-D", copied, "-R",
                 "-c", "fast"],
                check=True, env={**os.environ, "PGPASSWORD": str(known["password"])},
            )  # fmt: skip
            copied.rename(replica.data)
            if primary.account is not None:
                for path in (replica.data, replica.socket_folder):
                    subprocess.run(["chown", "-R", primary.account, str(path)], check=True)
            replica.data.chmod(0o700)
            impatient = ("max_standby_streaming_delay=0", "hot_standby_feedback=off")
            with _running(replica, replica.program().command, *writing, *impatient) as other:
                yield url, other
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def count_users(replica: str) -> int | None:
    """Count them; None while the replica drops this reader too."""
    with suppress(psycopg.errors.SerializationFailure):
        return int(value(replica, "select count(*) from users"))
    return None


def test_a_replica_that_drops_its_readers(postgres_server: str, tmp_path: Path) -> None:
    with _primary_and_replica() as (primary, replica), place_on(postgres_server) as place:
        execute(primary, PEOPLE)
        count = "select count(*) from pg_class where relname = 'users'"
        eventually(lambda: value(replica, count) == 1)
        eventually(lambda: value(replica, "select count(*) from users") == 12_000)

        def vacuum() -> None:
            execute(primary, "delete from users where id > 6000")
            execute(primary, "vacuum users")
            eventually(lambda: count_users(replica) == 6_000)

        clean = once(vacuum)

        def mask(text: str) -> str:
            clean()
            return "Anybody"

        error = refused(replica, place, tmp_path, masking(full_name=mask))
    assert "production" in error.message
    assert "hot_standby_feedback" in str(error.hint)
