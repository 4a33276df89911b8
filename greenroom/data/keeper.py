"""A process that holds production's snapshot, so that a killed sync can go on with the same one.

The address comes on standard input: an argument would show its password to everybody. It ends when
it is told to, when nobody has renewed the lease, or when the session breaks.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psutil
import psycopg

from greenroom import errors
from greenroom.data.source import NAME, Snapshot, hold_snapshot, joined, read_warnings
from greenroom.errors import GreenroomError, SourceUnavailable, SyncFailed
from greenroom.settings import Settings, load_settings, process_environment

LEASE_SECONDS = 300.0
"""How long the snapshot is held for a run that is killed, before production is left alone."""
START_SECONDS = 60.0
LOOK_SECONDS = 0.25
YIELD_SECONDS = 1.0
"""How long a migration of production may wait for us before we give way."""
_FOLDER = "snapshots"


@dataclass(frozen=True)
class KeptSnapshot:
    """Production at one moment, held by a process of its own."""

    id: str
    taken_at: datetime
    server_version: int
    warnings: tuple[str, ...] = ()


def ensure_snapshot(
    settings: Settings, name: str, url: str, check: Callable[[], None] = lambda: None
) -> KeptSnapshot:
    """Give the snapshot that is held under ``name``, taking one where none is held. Idempotent.

    Errors: SourceUnavailable, SyncFailed.
    """
    file = _file(settings, name)
    known = _read(file)
    if known is not None and _is_usable(known, url):
        renew(settings, name)
        return _kept(known)
    release(settings, name)
    file.parent.mkdir(parents=True, exist_ok=True)
    lease = file.with_suffix(".lease")
    lease.touch(mode=0o600)
    subprocess.run(
        [sys.executable, "-m", "greenroom.data.keeper", str(file)], input=url.encode(),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, cwd="/",
        env=process_environment(GREENROOM_HOME=settings.home), check=False,
    )  # fmt: skip
    deadline = time.monotonic() + START_SECONDS
    while (found := _read(file)) is None:
        check()
        if time.monotonic() > deadline:
            raise SyncFailed("production's snapshot could not be taken", hint="Sync again.")
        time.sleep(0.05)
    _raise_error(found)
    return _kept(found)


def check_kept(settings: Settings, name: str) -> None:
    """Return if the snapshot is held still, as far as its keeper says.

    Errors: what its keeper ended with (SourceUnavailable, SyncFailed).
    """
    found = _read(_file(settings, name))
    if found is not None:
        _raise_error(found)


def renew(settings: Settings, name: str) -> None:
    """Say that the snapshot is still wanted."""
    try:
        os.utime(_file(settings, name).with_suffix(".lease"))
    except FileNotFoundError:
        pass  # it has ended: whoever joins it is told


def release(settings: Settings, name: str) -> None:
    """Let go of a snapshot: its keeper ends within a second. Idempotent."""
    for suffix in (".json", ".lease"):
        _file(settings, name).with_suffix(suffix).unlink(missing_ok=True)


def _file(settings: Settings, name: str) -> Path:
    return settings.path("run", _FOLDER, f"{name}.json")


def _read(file: Path) -> dict[str, object] | None:
    try:
        found: dict[str, object] = json.loads(file.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return found


def _is_usable(known: dict[str, object], url: str) -> bool:
    if "snapshot" not in known or not psutil.pid_exists(int(str(known["pid"]))):
        return False
    try:
        with joined(url, str(known["snapshot"])):
            return True
    except SyncFailed:
        return False


def _kept(known: dict[str, object]) -> KeptSnapshot:
    warnings = known["warnings"]
    assert isinstance(warnings, list)
    return KeptSnapshot(
        str(known["snapshot"]), datetime.fromisoformat(str(known["taken_at"])),
        int(str(known["server_version"])), tuple(map(str, warnings)),
    )  # fmt: skip


def _raise_error(found: dict[str, object]) -> None:
    if "error" in found:
        kind = getattr(errors, str(found["error"]), SyncFailed)
        raise kind(str(found["detail"]), hint=str(found["hint"]))


# --- the process ----------------------------------------------------------------------------------


def main() -> None:
    """Hold the snapshot of the production whose address comes on standard input."""
    file, url = Path(sys.argv[1]), sys.stdin.read()
    if os.fork():  # nobody's child: whoever asked for it may be killed, and need not wait for it
        os._exit(0)
    try:
        with hold_snapshot(url) as snapshot:
            _tell(file, _about(snapshot))
            _hold(file, snapshot)
    except GreenroomError as error:
        _tell(file, {"pid": os.getpid(), **error.as_json()})


def _about(snapshot: Snapshot) -> dict[str, object]:
    return {
        "pid": os.getpid(), "snapshot": snapshot.id, "taken_at": snapshot.taken_at.isoformat(),
        "server_version": snapshot.connection.info.server_version,
        "warnings": read_warnings(snapshot.connection),
    }  # fmt: skip


def _tell(file: Path, what: dict[str, object]) -> None:
    made = file.with_suffix(f".{os.getpid()}")
    made.touch(mode=0o600)
    made.write_text(json.dumps(what))
    if file.with_suffix(".lease").exists():
        made.replace(file)
    else:  # nobody waits for it any more
        made.unlink()


def _hold(file: Path, snapshot: Snapshot) -> None:
    """Hold on until nobody wants it; give way to a migration that waits for us.

    Errors: SourceUnavailable, SyncFailed.
    """
    lease, begun, waits_since = file.with_suffix(".lease"), time.monotonic(), 0.0
    most = load_settings().snapshot_max_seconds
    while True:
        time.sleep(LOOK_SECONDS)
        try:
            age = time.time() - lease.stat().st_mtime
        except FileNotFoundError:
            return
        if age > LEASE_SECONDS or _read(file) is None:
            break
        if time.monotonic() - begun > most:
            _end_readers(snapshot)
            raise SyncFailed(
                f"production's snapshot was held for {most:.0f} s, which is the limit",
                hint="Copy less, raise GREENROOM_SNAPSHOT_MAX_SECONDS, or name a replica.",
            )
        if not _is_in_the_way(snapshot):
            waits_since = 0.0
        elif not waits_since:
            waits_since = time.monotonic()
        elif time.monotonic() - waits_since > YIELD_SECONDS:
            _end_readers(snapshot)
            raise SyncFailed(
                "production is being migrated: the sync gave way to it",
                hint="Sync again when the migration is through.",
            )
    file.unlink(missing_ok=True)


_OURS = f"application_name = '{NAME}' and usename = current_user"


def _is_in_the_way(snapshot: Snapshot) -> bool:
    """Whether a session of production waits for a lock that one of ours holds."""
    try:
        row = snapshot.connection.execute(
            "select exists (select from pg_stat_activity waiting where wait_event_type = 'Lock'"
            " and pg_blocking_pids(waiting.pid) && array(select pid from pg_stat_activity"
            f" where {_OURS}))".encode()
        ).fetchone()
    except psycopg.Error as error:
        raise SourceUnavailable("production's database broke off") from error
    return bool(row and row[0])


def _end_readers(snapshot: Snapshot) -> None:
    """End the sessions that copy: their locks go at once, the keeper's own with its transaction."""
    with contextlib.suppress(psycopg.Error):
        snapshot.connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            f" where {_OURS} and pid <> pg_backend_pid()"
            " and datname = current_database()".encode()
        )


if __name__ == "__main__":
    main()
