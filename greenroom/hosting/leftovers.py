"""What killed processes of ours had begun on this machine, and nobody will end."""

from __future__ import annotations

import shutil
from pathlib import Path

import psutil

from greenroom.hosting.shell import ATTENDED_BY, Shell
from greenroom.settings import Settings


def clear_leftovers(settings: Settings) -> None:
    """Clear the commands that killed processes attended, and what they wrote half. Idempotent."""
    copies, scratch = settings.path("run", "copies"), settings.path("scratch")
    names = {file.stem for file in copies.glob(f"*{ATTENDED_BY}*.json")}
    names |= {folder.name for folder in scratch.glob(f"*{ATTENDED_BY}*")}
    for name in names:
        if _is_dead(name.rpartition(ATTENDED_BY)[2]):
            Shell(settings, name).clear()
    for path in [*copies.glob(".*"), *settings.path("releases").glob("*/.*")]:
        if _is_dead(path.name.rpartition(".")[2]):
            _delete(path)


def _is_dead(pid: str) -> bool:
    return pid.isdecimal() and not psutil.pid_exists(int(pid))


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
