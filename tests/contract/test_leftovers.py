"""What killed processes had begun is cleared; what others do is left alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from greenroom.hosting.leftovers import clear_leftovers
from greenroom.hosting.shell import Limits, Shell
from greenroom.settings import Settings

pytestmark = pytest.mark.contract


def dead_pid() -> int:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


def write(shell: Shell) -> Path:
    shell.write(
        command="true", folder=Path("/"), environment={}, limits=Limits(None, None, 10), port=0
    )
    return shell.file


def test_only_the_dead_ones_work_is_cleared(tmp_path: Path) -> None:
    settings, dead = Settings(home=tmp_path, app_user="root"), dead_pid()
    mine = write(Shell.attended(settings, "build-shop"))
    copy = write(Shell(settings, "shop-copy"))
    theirs = write(Shell(settings, f"build-shop-by-{dead}"))
    half = settings.path("run", "copies", f".shop.json.{dead}")
    half.write_text("{}")
    release = settings.path("releases", "shop", "abc-def")
    release.mkdir(parents=True)
    unfinished = release.with_name(f".abc-def.{dead}")
    unfinished.mkdir()
    going_on = release.with_name(f".abc-def.{os.getpid()}")
    going_on.mkdir()
    clear_leftovers(settings)
    clear_leftovers(settings)
    assert [path.exists() for path in (theirs, half, unfinished)] == [False, False, False]
    assert not settings.path("scratch", f"build-shop-by-{dead}").exists()
    assert all(path.exists() for path in (mine, copy, release, going_on))
