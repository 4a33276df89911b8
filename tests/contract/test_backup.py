"""Production's database in an encrypted file that reads back, or no file at all."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from greenroom.binaries import all_binaries
from greenroom.data import backup
from greenroom.data.backup import back_up, read_backup, verify
from greenroom.data.load import on_database
from greenroom.errors import BackupFailed, Overtaken
from greenroom.secrets import generate_key
from greenroom.settings import Settings

pytestmark = [pytest.mark.contract, pytest.mark.needs_postgres]
KEY = generate_key()
PEOPLE = """
create table people (id int primary key, name text);
insert into people select n, 'Grete Kästner ' || n from generate_series(1, 30000) n;
create table empty (id int);
"""


def proceed() -> None:
    """Go on."""


@pytest.fixture(name="url")
def _url(postgres_server: str) -> Iterator[str]:
    """Give the address of a small production."""
    name = f"production_{secrets.token_hex(4)}"
    with psycopg.connect(postgres_server, autocommit=True) as server:
        server.execute(f"create database {name}")
        url = on_database(postgres_server, name)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(PEOPLE)
        yield url
        server.execute(f"drop database {name} with (force)")


def test_it_reads_back_and_holds_nobody_in_plain_sight(url: str, tmp_path: Path) -> None:
    made = back_up(Settings(home=tmp_path), url, tmp_path / "b" / "one.sealed", KEY, proceed)
    octets = made.file.read_bytes()
    assert (made.tables, made.size_bytes) == (2, len(octets))
    assert b"PGDMP" not in octets
    assert "Kästner".encode() not in octets
    assert made.file.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in made.file.parent.iterdir()] == ["one.sealed"]
    archive = b"".join(read_backup(made.file, KEY))
    program = all_binaries(Settings())[0].folder / "pg_restore"
    restored = subprocess.run(
        [program, "--file=-", "--data-only"], input=archive, capture_output=True, check=True
    )
    assert restored.stdout.count("Grete Kästner ".encode()) == 30_000


def test_an_altered_file_is_refused(url: str, tmp_path: Path) -> None:
    made = back_up(Settings(home=tmp_path), url, tmp_path / "one.sealed", KEY, proceed)
    octets = bytearray(made.file.read_bytes())
    octets[len(octets) // 2] ^= 1
    made.file.write_bytes(octets)
    with pytest.raises(BackupFailed, match="does not read back"):
        verify(all_binaries(Settings())[0], made.file, KEY, proceed)


def test_a_table_that_somebody_changes_is_not_waited_for_for_ever(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "LOCK_WAIT", "200ms")
    with psycopg.connect(url) as holder:
        holder.execute("lock table people in access exclusive mode")
        with pytest.raises(BackupFailed, match="pg_dump failed") as refused:
            back_up(Settings(home=tmp_path), url, tmp_path / "one.sealed", KEY, proceed)
    assert refused.value.hint
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_goes_and_a_cancelled_one_leaves_nothing(
    url: str, tmp_path: Path
) -> None:
    (tmp_path / "old.sealed.part").write_text("half")

    def stop() -> None:
        raise Overtaken("cancelled")

    with pytest.raises(Overtaken):
        back_up(Settings(home=tmp_path), url, tmp_path / "one.sealed", KEY, stop)
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_is_gone_is_named_without_its_password(url: str, tmp_path: Path) -> None:
    gone = on_database(url, "no_such_database")
    with pytest.raises(BackupFailed) as refused:
        back_up(Settings(home=tmp_path), gone, tmp_path / "one.sealed", KEY, proceed)
    password = psycopg.conninfo.conninfo_to_dict(url).get("password", "")
    assert refused.value.hint
    assert password == "" or str(password) not in str(refused.value)
