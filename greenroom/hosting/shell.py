"""Start a project's own command by ``appshell``: as its account, and under limits.

The specification that ``appshell`` reads holds secrets: it is a file of mode 0600.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from greenroom.hosting.accounts import app_account
from greenroom.settings import INSTANCE_MARK, Settings

_CGROUPS = ("", "memory", "cpu", "pids")
"""Version 2 has one tree, version 1 one for each controller."""
ATTENDED_BY = "-by-"
"""Stands in the name of an attended command, before its attendant's process id."""


@dataclass(frozen=True)
class Limits:
    """What a command and all it starts may use together; None is no limit."""

    memory_bytes: int | None
    cpu: float | None
    processes: int


class Shell:
    """One command that can be started, by a name that is unique on this machine."""

    def __init__(self, settings: Settings, name: str, attendant: int = 0) -> None:
        self.name, self.attendant = name, attendant
        self.file = settings.path("run", "copies", f"{name}.json")
        self.scratch = settings.path("scratch", name)
        self._settings = settings

    @classmethod
    def attended(cls, settings: Settings, stem: str) -> Shell:
        """Give one that ends with this process, which is to start it."""
        return cls(settings, f"{stem}{ATTENDED_BY}{os.getpid()}", os.getpid())

    def write(
        self,
        *,
        command: str,
        folder: Path,
        environment: Mapping[str, str],
        limits: Limits,
        port: int = 0,
    ) -> None:
        """Write the specification, and make the folder that the command may write to."""
        account = app_account(self._settings)
        self.scratch.mkdir(parents=True, exist_ok=True)
        if account:
            os.chown(self.scratch, account.user_id, account.group_id)
        spec = {
            "name": self.name,
            "port": port,
            "command": command,
            "folder": str(folder),
            "environment": {**environment, INSTANCE_MARK: self.name},
            "user": account.name if account else None,
            "limits": asdict(limits),
            "attendant": self.attendant,
        }
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.parent.chmod(0o700)
        made = self.file.with_name(f".{self.file.name}.{os.getpid()}")
        made.touch(mode=0o600)
        made.write_text(json.dumps(spec))
        made.replace(self.file)

    @property
    def port(self) -> int | None:
        """The port of the written specification, None without one."""
        try:
            return int(json.loads(self.file.read_text())["port"]) or None
        except (OSError, ValueError, KeyError):
            return None

    def argv(self) -> tuple[str, ...]:
        """Give the command line that starts it."""
        script = Path(__file__).with_name("appshell.py")
        return (sys.executable, "-I", "-S", str(script), str(self.file))

    def has_been_killed_for_memory(self) -> bool:
        """Whether the kernel has ended something of it for using too much memory."""
        for group in self._groups():
            for file in ("memory.events", "memory.oom_control"):
                with contextlib.suppress(OSError):
                    for line in (group / file).read_text().splitlines():
                        key, _, value = line.partition(" ")
                        if key == "oom_kill" and int(value) > 0:
                            return True
        return False

    def members(self) -> set[int]:
        """Give the processes that its control groups hold."""
        found: set[int] = set()
        for group in self._groups():
            with contextlib.suppress(OSError, ValueError):
                found |= {int(pid) for pid in (group / "cgroup.procs").read_text().split()}
        return found

    def found_limits(self) -> tuple[int | None, float | None, int | None]:
        """Read memory, CPU and processes as the kernel holds them; None where it does not."""
        memory = self._read_limit("memory.max", "memory.limit_in_bytes")
        processes = self._read_limit("pids.max")
        quota, period = self._read_limit("cpu.cfs_quota_us"), self._read_limit("cpu.cfs_period_us")
        for group in self._groups():
            with contextlib.suppress(OSError, ValueError):
                given, _, length = (group / "cpu.max").read_text().partition(" ")
                quota, period = int(given), int(length)
        cpu = quota / period if quota and period and quota > 0 else None
        return memory, cpu, processes

    def _read_limit(self, *files: str) -> int | None:
        for group in self._groups():
            for file in files:
                with contextlib.suppress(OSError, ValueError):
                    return int((group / file).read_text())
        return None

    def clear(self) -> None:
        """End whatever is left of it, and forget it. Idempotent."""
        self.file.unlink(missing_ok=True)
        for group in self._groups():
            _empty(group)
        shutil.rmtree(self.scratch, ignore_errors=True)

    def _groups(self) -> list[Path]:
        top = Path("/sys/fs/cgroup")
        return [g for c in _CGROUPS if (g := top / c / "greenroom" / self.name).is_dir()]


def _empty(group: Path) -> None:
    """Kill what is in a control group, and remove it."""
    for _ in range(40):
        with contextlib.suppress(OSError):
            for pid in (group / "cgroup.procs").read_text().split():
                os.kill(int(pid), signal.SIGKILL)
        try:
            group.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.05)  # the kernel takes a moment to let the last one go
        else:
            return
