"""The shell without control groups: it stays as a parent that watches."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from greenroom.hosting import appshell

pytestmark = pytest.mark.contract
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a command under limits, on a machine where no control group can be made."""
    script = tmp_path / "appshell.py"
    text = Path(appshell.__file__).read_text()
    script.write_text(text.replace('CGROUP = "/sys/fs/cgroup"', 'CGROUP = "/proc/nonexistent"'))
    assert "/proc/nonexistent" in script.read_text()
    made: list[subprocess.Popen[bytes]] = []

    def run(command: str, memory: int = 64, cpu: float = 1.0, processes: int = 32) -> Any:
        spec = {
            "name": "t", "command": command, "folder": "/", "user": None, "attendant": 0,
            "environment": {"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path)},
            "limits": {"memory_bytes": memory * 1024**2, "cpu": cpu, "processes": processes},
        }  # fmt: skip
        (tmp_path / "spec.json").write_text(json.dumps(spec))
        made.append(
            subprocess.Popen(
                [sys.executable, "-I", "-S", str(script), str(tmp_path / "spec.json")],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            )
        )  # fmt: skip
        return made[-1]

    yield run
    for process in made:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.communicate()


ATTENDANT = """\
import json, os, subprocess, sys
spec = json.load(open(sys.argv[2]))
spec["attendant"] = os.getpid()
json.dump(spec, open(sys.argv[2], "w"))
subprocess.run([sys.executable, "-I", "-S", *sys.argv[1:]], start_new_session=True)
"""


@pytest.mark.parametrize("memory", [1024**3, None])
def test_it_ends_when_its_attendant_is_killed(start: Start, tmp_path: Path, memory: Any) -> None:
    mark = f"8{time.time_ns() % 100_000:05}"
    start("true").wait()
    spec = json.loads((tmp_path / "spec.json").read_text())
    forking = f"i=0; while [ $i -lt 400 ]; do setsid sleep {mark} & i=$((i+1)); done"
    spec["command"] = f"echo up; {forking}; sleep {mark}; echo end"
    spec["limits"] |= {"memory_bytes": memory, "cpu": 4, "processes": 1000}
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    script, file = tmp_path / "appshell.py", tmp_path / "spec.json"
    with subprocess.Popen(
        [sys.executable, "-c", ATTENDANT, str(script), str(file)], stdout=subprocess.PIPE
    ) as attendant:
        assert attendant.stdout is not None
        assert attendant.stdout.readline() == b"up\n"
        attendant.kill()
        assert attendant.stdout.read() == b""  # whoever could write has ended


def test_it_ends_as_the_command_ends(start: Start) -> None:
    process = start("echo hello; exit 5")
    assert process.communicate(timeout=20)[0] == b"hello\n"
    assert process.returncode == 5
    process = start("kill -9 $$")
    process.communicate(timeout=20)
    assert process.returncode == 137


def test_pipelines_end(start: Start) -> None:
    assert start("yes | head -n 1").communicate(timeout=20)[0] == b"y\n"


ALLOCATE = f"{sys.executable} -I -S -c 'x = bytearray({{}} << 20); import time; time.sleep(60)'"


def test_over_its_memory_it_is_ended(start: Start) -> None:
    process = start(ALLOCATE.format(200) + " & wait")
    out = process.communicate(timeout=20)[0].decode()
    assert process.returncode == 137
    assert "it used more memory than it may (" in out
    assert "of 64 MiB" in out


def test_over_its_processes_it_is_ended(start: Start) -> None:
    process = start("i=0; while [ $i -lt 60 ]; do sleep 60 & i=$((i+1)); done; wait")
    assert "processes" in process.communicate(timeout=20)[0].decode()
    assert process.returncode == 137


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing tells the CPU's time")
def test_over_its_cpu_it_is_slowed(start: Start) -> None:
    process = start("while :; do :; done", cpu=0.2)
    time.sleep(1)
    (child,) = psutil.Process(process.pid).children()
    before, began = sum(child.cpu_times()[:2]), time.monotonic()
    time.sleep(3)
    share = (sum(child.cpu_times()[:2]) - before) / (time.monotonic() - began)
    assert 0.05 < share < 0.35


@pytest.mark.parametrize("cpu", [1.0, 0.05])
def test_it_obeys_with_all_it_started(start: Start, cpu: float) -> None:
    process = start("trap 'echo bye; exit 3' TERM; while :; do sleep 0.1; done", cpu=cpu)
    time.sleep(1)
    os.killpg(process.pid, signal.SIGTERM)
    assert process.communicate(timeout=20)[0].endswith(b"bye\n")
    assert process.returncode == 3


def test_what_left_its_group_ends_with_it(start: Start) -> None:
    process = start("setsid sleep 600 & setsid sleep 600 & sleep 0.3; exit 6")
    while len(family := psutil.Process(process.pid).children(recursive=True)) < 3:
        time.sleep(0.02)
    process.communicate(timeout=20)
    assert process.returncode == 6
    _, alive = psutil.wait_procs(family, timeout=30)
    assert not alive


def test_killed_it_leaves_nothing(start: Start) -> None:
    process = start("sleep 600 & sleep 600")
    while len(family := psutil.Process(process.pid).children(recursive=True)) < 3:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    _, alive = psutil.wait_procs(family, timeout=30)
    assert not alive
