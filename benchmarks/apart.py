"""A rival's program in an environment of its own, made for one run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def install(requirement: str, folder: Path) -> Path:
    """Install a requirement into a new environment in a folder; give its programs' folder."""
    uv, place = Path(sys.executable).with_name("uv"), folder / "venv"
    subprocess.run([uv, "venv", "-q", place], check=True)
    subprocess.run(
        [uv, "pip", "install", "-q", "--python", place / "bin" / "python", requirement], check=True
    )
    return place / "bin"
