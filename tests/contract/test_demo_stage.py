"""The demo keeps its ports over a death: its applications were told them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from greenroom.cli.stage import prepare_stage
from tests.conftest import forget_settings, free_port

pytestmark = pytest.mark.contract
HOLDER = """import socket, sys, time
held = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("held", flush=True)
time.sleep(600)"""


def hold(port: int, **marks: str) -> subprocess.Popen[str]:
    """Start a program that listens on a port."""
    program = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(port)], stdout=subprocess.PIPE, text=True,
        env={**os.environ, **marks},
    )  # fmt: skip
    assert program.stdout is not None
    assert program.stdout.readline() == "held\n"
    return program


def test_what_a_killed_demo_left_gives_its_ports_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(os.environ):
        if name.startswith("GREENROOM_"):
            monkeypatch.delenv(name)
    ours, theirs = free_port(), free_port()
    (tmp_path / "greenroom.toml").write_text(f"postgres_port = {ours}\nmail_port = {theirs}\n")
    left = hold(ours, GREENROOM_HOME=str(tmp_path), SUPERVISOR_PROCESS_NAME="postgres")
    stranger = hold(theirs)
    try:
        prepare_stage(tmp_path)
        kept = tomllib.loads((tmp_path / "greenroom.toml").read_text())
        assert kept["postgres_port"] == ours
        left.wait(10)
        assert kept["mail_port"] != theirs
        assert stranger.poll() is None
        socket.create_server(("127.0.0.1", ours)).close()
    finally:
        for one in (left, stranger):
            one.kill()
            one.wait()
            if one.stdout is not None:
                one.stdout.close()
        forget_settings()
