"""A clone on a new machine → everything is up; rival: the second start of the same."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.line import Line
from greenroom.settings import process_environment

FIRST_SECONDS, SECOND_SECONDS = 90.0, 15.0
CHECKOUT = Path(__file__).resolve().parent.parent


def _timed(command: list[str], folder: Path, home: Path) -> tuple[float, str]:
    begun = time.monotonic()
    done = subprocess.run(
        command, cwd=folder, env=process_environment(GREENROOM_HOME=str(home)),
        capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {(done.stdout + done.stderr)[-2000:]}")
    return time.monotonic() - begun, done.stdout


def run() -> Line:
    """Set a fresh clone up (its downloads are in the cache), start, play, stop, start again."""
    with tempfile.TemporaryDirectory(prefix="gr-first-") as scratch:
        Path(scratch).chmod(0o755)
        clone, home = Path(scratch, "clone"), Path(scratch, "home")
        subprocess.run(["git", "clone", "--quiet", str(CHECKOUT), str(clone)], check=True)
        _timed(["make", "setup"], clone, home)  # the downloads
        subprocess.run(["rm", "-rf", str(clone / ".venv")], check=True)
        set_up, _ = _timed(["make", "setup"], clone, home)
        demo = [str(clone / ".venv/bin/greenroom"), "demo", "--exit", "--json"]
        plays = [json.loads(_timed(demo, clone, home)[1]) for _ in range(2)]
    first, second = set_up + plays[0]["seconds"], plays[1]["seconds"]
    steps = {step["name"]: step["seconds"] for step in plays[0]["steps"]}
    return Line(
        "first_run", first, "s from a clone to the whole main job played", "its second start",
        second, f"<= {FIRST_SECONDS:g} s, and <= {SECOND_SECONDS:g} s the second time",
        first <= FIRST_SECONDS and second <= SECOND_SECONDS,
        {"set_up": round(set_up, 2), "steps": steps},
    )  # fmt: skip
