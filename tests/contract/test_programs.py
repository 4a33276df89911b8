"""The process manager's own end, with projects' programs that take their time."""

from __future__ import annotations

import psutil
import pytest

from greenroom.programs import Program, Programs
from tests.contract.conftest import eventually, managed_home

pytestmark = pytest.mark.contract
SLOW = """trap 'date +%s%N > told-{0}; sleep 3; date +%s%N > gone-{0}; exit' TERM
touch ready-{0}; while :; do sleep 0.1; done"""
COUNT = 6


def test_projects_programs_end_side_by_side_and_are_known_at_the_next_start() -> None:
    with managed_home() as settings:
        home, programs = settings.home, Programs(settings)
        for i in range(COUNT):
            command = ("/bin/sh", "-c", "; ".join(SLOW.format(i).split("\n")))
            programs.add(Program(f"app-{i}", command, directory=home))
        eventually(lambda: len(list(home.glob("ready-*"))) == COUNT)
        pids = [state.pid for state in programs.states().values()]
        programs.shut_down()
        eventually(lambda: not programs.is_alive(), 60)
        assert not any(psutil.pid_exists(pid) for pid in pids)
        told, gone = ([int(f.read_text()) for f in home.glob(f"{n}-*")] for n in ("told", "gone"))
        assert len(told) == len(gone) == COUNT
        assert max(told) < min(gone), "one waited for another"
        assert len(list(home.glob("run/programs/*.conf"))) == COUNT
