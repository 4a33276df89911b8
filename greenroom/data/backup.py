"""A backup of a database: dumped by ``pg_dump``, encrypted on its way to the disk, read back whole.

It holds people. It never lies on the disk but encrypted, and belongs to the platform's account.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

import psycopg

from greenroom.binaries import Binaries
from greenroom.data.dump import choose_binaries, connection_variables, read_problems
from greenroom.errors import BackupFailed, SecretsError, SyncFailed
from greenroom.sealed import open_stream, seal_stream
from greenroom.settings import Settings
from greenroom.store import approvals, projects
from greenroom.store.audit import record_audit
from greenroom.store.crypto import ensure_secret_key
from greenroom.store.work import unit_of_work

PURPOSE = "backups.file"
LOCK_WAIT = "10s"
"""A backup that waits longer for a table gives up: who holds it is changing production."""
_READ_OCTETS = 1 << 20
_ROWS = re.compile(r"^\d+; \d+ \d+ TABLE DATA ", re.MULTILINE)
Check = Callable[[], None]


@dataclass(frozen=True)
class Backup:
    """A verified backup."""

    file: Path
    size_bytes: int
    digest: str
    """SHA-256 of the file."""
    tables: int
    """Tables whose rows it holds."""


def back_up(settings: Settings, url: str, file: Path, key: str, check: Check) -> Backup:
    """Write a database into an encrypted ``file`` and read it back whole.

    The file is there in full, or not at all. ``check`` is called often; what it raises ends it.

    Errors: BackupFailed.
    """
    binaries = _choose(settings, url)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    for left in file.parent.glob("*.part"):  # of a run that was killed
        left.unlink()
    part = file.with_name(f"{file.name}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            size, digest = _write(_dump(binaries, url, check), out, key)
        tables = verify(binaries, part, key, check)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    return Backup(file, size, digest, tables)


def _choose(settings: Settings, url: str) -> Binaries:
    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            version = connection.info.server_version
    except psycopg.Error as error:
        raise BackupFailed(
            f"production's database does not answer ({type(error).__name__})",
            hint="Nothing was changed. Is its address still right?"
            " greenroom project set-database names another.",
        ) from None
    try:
        return choose_binaries(settings, version, version)
    except SyncFailed as error:
        raise BackupFailed(error.message, hint=error.hint) from error


def _write(parts: Iterator[bytes], out: BinaryIO, key: str) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    try:
        for octets in seal_stream(parts, key, PURPOSE):
            out.write(octets)
            digest.update(octets)
            size += len(octets)
        out.flush()
        os.fsync(out.fileno())
    except OSError as error:
        raise BackupFailed(
            f"the backup cannot be written: {error.strerror}",
            hint="Nothing was changed. Make room on the platform's disk.",
        ) from error
    return size, digest.hexdigest()


def _dump(binaries: Binaries, url: str, check: Check) -> Iterator[bytes]:
    command = [
        str(binaries.folder / "pg_dump"), "--format=custom", "--compress=1", "--no-password",
        f"--lock-wait-timeout={LOCK_WAIT}",
    ]  # fmt: skip
    variables = connection_variables(url, is_wheels="pginstall" in command[0])
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command, env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said
        )
        try:
            assert process.stdout is not None
            while octets := process.stdout.read(_READ_OCTETS):
                check()
                yield octets
            code = process.wait()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            assert process.stdout is not None
            process.stdout.close()
        if code:
            said.seek(0)
            problems = read_problems(said.read().decode(errors="replace"))
            raise BackupFailed(
                f"pg_dump failed: {(problems or ['no message'])[0]}",
                hint="Nothing was changed. The role that production runs with must read all of it.",
            )


def verify(binaries: Binaries, file: Path, key: str, check: Check) -> int:
    """Read a backup back whole, as a restore would; give the number of tables with rows.

    Errors: BackupFailed.
    """
    listed = _restore(binaries, ["--list"], file, key, check)
    _restore(binaries, ["--file=/dev/null"], file, key, check)
    return len(_ROWS.findall(listed))


def _restore(
    binaries: Binaries, options: list[str], file: Path, key: str, check: Check
) -> str:  # fmt: skip
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as out, file.open("rb") as kept:
        process = subprocess.Popen(
            [str(binaries.folder / "pg_restore"), *options],
            stdin=subprocess.PIPE, stdout=out, stderr=said,
        )  # fmt: skip
        assert process.stdin is not None
        try:
            _feed(process.stdin, open_stream(kept, key, PURPOSE), check)
            process.wait()
        except SecretsError as error:
            raise BackupFailed(f"the backup does not read back: {error.message}") from error
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            with suppress(OSError):  # what it was still to be given
                process.stdin.close()
        if process.returncode:
            said.seek(0)
            problems = read_problems(said.read().decode(errors="replace"))
            raise BackupFailed(
                f"the backup does not read back: {(problems or ['no message'])[0]}",
                hint="Nothing was changed. Promote again.",
            )
        out.seek(0)
        return out.read().decode(errors="replace")


def _feed(pipe: IO[bytes], parts: Iterable[bytes], check: Check) -> None:
    with suppress(BrokenPipeError):  # --list reads no further than the table of contents
        for part in parts:
            check()
            pipe.write(part)
        pipe.close()


def open_backup(project: str, number: int, *, actor: str) -> Iterator[bytes]:
    """Give the backup from before production's deployment ``number``, decrypted.

    Errors: NotFound, NotAllowed, and as ``read_backup``.
    """
    with unit_of_work() as work:
        found = projects.get_project(work, project)
        location = Path(approvals.get_backup(work, found, number).location)
        record_audit(work, actor, "backup.read", project=found, subject=f"before #{number}")
    return read_backup(location, ensure_secret_key())


def read_backup(file: Path, key: str) -> Iterator[bytes]:
    """Give a backup's octets, decrypted: an archive for ``pg_restore``.

    Errors: SecretsError, BackupFailed when the file is gone.
    """
    try:
        kept = file.open("rb")
    except OSError as error:
        raise BackupFailed(f"the backup is not there any more: {error.strerror}") from error
    with kept:
        yield from open_stream(kept, key, PURPOSE)
