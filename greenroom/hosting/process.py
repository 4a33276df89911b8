"""The ``process`` runtime: a supervised command given PORT, under limits that bind."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import sys
from pathlib import Path

from greenroom.errors import HostingError
from greenroom.hosting.accounts import app_account
from greenroom.hosting.base import Check, Copy, Liveness, Log
from greenroom.hosting.commands import TimedOut, clean_line, run_streamed
from greenroom.programs import Program, Programs
from greenroom.settings import Settings, load_settings, project_environment

PREFIX = "app-"
"""Marks a project's program at the process manager."""
_CGROUPS = ("", "memory", "cpu", "pids")


def free_port() -> int:
    """Give a loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ProcessRuntime:
    """Runs copies as programs of the platform's process manager."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or load_settings()
        self.programs = Programs(self.settings)

    def _spec_file(self, name: str) -> Path:
        return self.settings.path("run", "copies", f"{name}.json")

    def start(self, copy: Copy) -> str:
        """Start a copy and give its address. Idempotent: a known copy keeps its port."""
        file = self._spec_file(copy.name)
        port = json.loads(file.read_text())["port"] if file.exists() else free_port()
        self._write_spec(copy, port)
        self.programs.add(
            Program(
                PREFIX + copy.name,
                self._command(copy.name),
                stop_group=True,
                stop_seconds=copy.manifest.run.stop_seconds,
                start_seconds=1,
                autostart=True,
                priority=900,
            )
        )
        return f"http://127.0.0.1:{port}"

    def _command(self, name: str) -> tuple[str, ...]:
        shell = Path(__file__).with_name("appshell.py")
        return (sys.executable, "-I", "-S", str(shell), str(self._spec_file(name)))

    def _write_spec(self, copy: Copy, port: int) -> None:
        account = app_account(self.settings)
        resources, file = copy.manifest.resources, self._spec_file(copy.name)
        scratch = self.settings.path("scratch", copy.name)
        scratch.mkdir(parents=True, exist_ok=True)
        if account:
            os.chown(scratch, account.user_id, account.group_id)
        environment = project_environment(
            **{"HOME": str(scratch), "TMPDIR": str(scratch), **copy.variables},
            PORT=port,
            HOST="127.0.0.1",
            PYTHONUNBUFFERED="1",
        )
        spec = {
            "name": copy.name,
            "port": port,
            "command": copy.manifest.run.command,
            "folder": copy.location,
            "environment": environment,
            "user": account.name if account else None,
            "limits": {
                "memory_bytes": resources.memory_bytes,
                "cpu": resources.cpu,
                "processes": resources.processes,
            },
        }
        file.parent.mkdir(parents=True, exist_ok=True)
        file.parent.chmod(0o700)
        made = file.with_name(f".{file.name}.{os.getpid()}")
        made.touch(mode=0o600)
        made.write_text(json.dumps(spec))
        made.replace(file)

    def liveness(self, name: str) -> Liveness:
        """Tell whether the copy's first process still lives."""
        state = self.programs.state(PREFIX + name)
        if state is None:
            return Liveness(False, "it is not known to the process manager")
        if state.is_up:
            return Liveness(True)
        killed = " (it used more memory than it may)" if self._oom_kills(name) else ""
        how = f"exit code {state.exit_status}" if state.exit_status >= 0 else "a signal"
        if state.state in ("BACKOFF", "FATAL"):
            how = "a crash right after its start"
        return Liveness(False, f"it ended with {how}{killed}")

    def settle(self, name: str) -> None:
        """Nothing to do: the process manager restarts it from the beginning."""

    def revive(self, name: str) -> None:
        """Start a copy that is down. Idempotent."""
        self.programs.start(PREFIX + name)

    def run_command(
        self, copy: Copy, command: str, timeout_seconds: float, log: Log, check: Check
    ) -> int:
        """Run a command as the copy would run, in its folder, and give its exit code."""
        side = Copy(
            f"{copy.name}-cmd", copy.environment_id, copy.artifact, copy.location, copy.manifest,
            copy.variables,
        )  # fmt: skip
        self._write_spec(side, port=0)
        try:
            return run_streamed(
                [*self._command(side.name), command], folder=None,
                environment=project_environment(), timeout_seconds=timeout_seconds,
                log=log, check=check,
            )  # fmt: skip
        except TimedOut as error:
            raise HostingError(f"the command ran longer than {timeout_seconds:.0f} s") from error
        finally:
            self._clear(side.name)

    def log_tail(self, name: str, lines: int = 50) -> list[str]:
        """Give the last lines the copy wrote."""
        text = self.programs.log_tail(PREFIX + name)
        return [clean_line(line.encode()) for line in text.splitlines()[-lines:]]

    def stop(self, name: str, grace_seconds: float) -> None:
        """Stop the copy and all it started, and forget it. Idempotent."""
        self.programs.remove(PREFIX + name)
        self._clear(name)
        for log in self.settings.path("logs").glob(f"{PREFIX}{name}.log*"):
            log.unlink(missing_ok=True)

    def names(self) -> set[str]:
        """Name every copy the process manager knows."""
        return {
            name.removeprefix(PREFIX)
            for name in self.programs.states()
            if name.startswith(PREFIX)
        }

    def _groups(self, name: str) -> list[Path]:
        top = Path("/sys/fs/cgroup")
        return [g for c in _CGROUPS if (g := top / c / "greenroom" / name).is_dir()]

    def _oom_kills(self, name: str) -> bool:
        for group in self._groups(name):
            for file in ("memory.events", "memory.oom_control"):
                with contextlib.suppress(OSError):
                    for line in (group / file).read_text().splitlines():
                        key, _, value = line.partition(" ")
                        if key == "oom_kill" and int(value) > 0:
                            return True
        return False

    def _clear(self, name: str) -> None:
        self._spec_file(name).unlink(missing_ok=True)
        shutil.rmtree(self.settings.path("scratch", name), ignore_errors=True)
        for group in self._groups(name):
            for _ in range(20):
                with contextlib.suppress(OSError):
                    for pid in (group / "cgroup.procs").read_text().split():
                        os.kill(int(pid), signal.SIGKILL)
                try:
                    group.rmdir()
                except FileNotFoundError:
                    break
                except OSError:
                    import time

                    time.sleep(0.05)  # the kernel takes a moment to let the last one go
                else:
                    break
