"""The ``process`` runtime: a supervised command given PORT, under limits that bind."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

from greenroom.errors import HostingError
from greenroom.hosting import family
from greenroom.hosting.appshell import ENDED
from greenroom.hosting.base import Check, Copy, Liveness, Log, Usage
from greenroom.hosting.commands import TimedOut, clean_line, run_streamed
from greenroom.hosting.ports import free_port
from greenroom.hosting.shell import Limits, Shell
from greenroom.programs import Program, Programs, ProgramState
from greenroom.settings import Settings, load_settings, project_environment

PREFIX = "app-"
"""Marks a project's program at the process manager."""
POLL_SECONDS = 0.2
"""How often a log that is followed is looked at."""


class ProcessRuntime:
    """Runs copies as programs of the platform's process manager."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or load_settings()
        self.programs = Programs(self.settings)

    def _shell(self, name: str) -> Shell:
        return Shell(self.settings, name)

    def _settled_file(self, name: str) -> Path:
        return self.settings.path("run", "copies", f"{name}.settled")

    def start(self, copy: Copy) -> str:
        """Start a copy and give its address. Idempotent: a known copy keeps its port."""
        shell = self._shell(copy.name)
        port = shell.port or free_port(self._taken_ports())
        self._write(shell, copy, port)
        self.programs.add(
            Program(
                PREFIX + copy.name,
                shell.argv(),
                stop_group=True,
                stop_seconds=copy.manifest.run.stop_seconds,
                start_seconds=1,
                autostart=True,
                priority=900,
            )
        )
        return f"http://127.0.0.1:{port}"

    def _taken_ports(self) -> set[int]:
        """Give the ports of all copies, also of those that are down for the moment."""
        taken = set()
        for file in self.settings.path("run", "copies").glob("*.json"):
            with contextlib.suppress(OSError, ValueError, KeyError):
                taken.add(int(json.loads(file.read_text())["port"]))
        return taken

    def _write(self, shell: Shell, copy: Copy, port: int) -> None:
        resources = copy.manifest.resources
        given = {
            "HOME": str(shell.scratch),
            "TMPDIR": str(shell.scratch),
            "PYTHONUNBUFFERED": "1",
            **copy.variables,
            "HOST": "127.0.0.1",
        }
        if port:
            given["PORT"] = str(port)
        shell.write(
            command=copy.manifest.run.command,
            folder=Path(copy.location),
            environment=project_environment(**given),
            limits=Limits(resources.memory_bytes, resources.cpu_share, resources.most_processes),
            port=port,
        )

    def liveness(self, name: str) -> Liveness:
        """Tell whether the copy lives; one that is not settled yet may not even have restarted."""
        state = self.programs.state(PREFIX + name)
        if state is None:
            return Liveness(False, "it is not known to the process manager")
        if state.is_up and (not state.stopped_at or self._settled_file(name).exists()):
            return Liveness(True)
        return Liveness(False, self._why(name, state))

    def _why(self, name: str, state: ProgramState) -> str:
        if self._shell(name).has_been_killed_for_memory():
            return "it used more memory than it may"
        said = self.log_tail(name, 1)
        if said and said[0].startswith(ENDED):
            return said[0].removeprefix("greenroom: ")
        match state.state:
            case "BACKOFF" | "FATAL":
                return "it ended right after its start"
            case "EXITED" if state.exit_status >= 0:
                return f"it ended with exit code {state.exit_status}"
            case "EXITED":
                return "it was ended by a signal"
            case "STOPPED" | "STOPPING":
                return "it was stopped"
        return "it ended, and was started again"

    def settle(self, name: str) -> None:
        """From now on a restart is no failure; the process manager restarts it anyhow."""
        file = self._settled_file(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()

    def revive(self, name: str) -> None:
        """Start a copy that is down. Idempotent."""
        self.programs.start(PREFIX + name)

    def pause(self, name: str) -> None:
        """Stop the copy and all it started, by SIGSTOP. Idempotent."""
        family.freeze(lambda: self._family(name))

    def park(self, name: str, grace_seconds: float) -> None:
        """End the copy; its program and its port stay known. Idempotent."""
        family.thaw(self._family(name))
        self.programs.stop(PREFIX + name, grace_seconds)

    def resume(self, name: str) -> None:
        """Let the copy go on, or start it. Idempotent."""
        state = self.programs.state(PREFIX + name)
        if state is None:
            raise HostingError("it is not known to the process manager")
        family.thaw(self._family(name, state.pid))
        if not state.is_up:
            self.programs.start(PREFIX + name)

    def _family(self, name: str, pid: int | None = None) -> set[int]:
        if pid is None:
            state = self.programs.state(PREFIX + name)
            pid = state.pid if state else 0
        return family.tree(pid) | self._shell(name).members()

    def usage(self, name: str) -> Usage:
        """Measure the copy and all it started."""
        shell = self._shell(name)
        return family.measure(self._family(name), shell.found_limits(), shell.scratch)

    def run_command(
        self, copy: Copy, command: str, timeout_seconds: float, log: Log, check: Check
    ) -> int:
        """Run a command as the copy would run, in its folder, and give its exit code."""
        shell = Shell.attended(self.settings, copy.name)
        self._write(shell, copy, port=0)
        try:
            return run_streamed(
                [*shell.argv(), command], folder=None, environment=project_environment(),
                timeout_seconds=timeout_seconds, log=log, check=check,
            )  # fmt: skip
        except TimedOut as error:
            raise HostingError(f"the command ran longer than {timeout_seconds:.0f} s") from error
        finally:
            shell.clear()

    def log_tail(self, name: str, lines: int = 50) -> list[str]:
        """Give the last lines the copy wrote."""
        text = self.programs.log_tail(PREFIX + name)
        return [clean_line(line.encode()) for line in text.splitlines()[-lines:]]

    def read_log(self, name: str, following: bool) -> Iterator[str]:
        """Give what the copy wrote, line by line; followed until it is forgotten."""
        file, rest = self.settings.path("logs", f"{PREFIX}{name}.log"), b""
        with contextlib.suppress(FileNotFoundError), file.open("rb") as opened:
            while True:
                if part := opened.read(65536):
                    *lines, rest = (rest + part).split(b"\n")
                    yield from map(clean_line, lines)
                elif not following:
                    break
                elif file.stat().st_ino != os.fstat(opened.fileno()).st_ino:
                    yield from self.read_log(name, following)  # it was full: a new one was begun
                    return
                else:
                    time.sleep(POLL_SECONDS)
        if rest:
            yield clean_line(rest)

    def stop(self, name: str, grace_seconds: float) -> None:
        """Stop the copy and all it started, and forget it. Idempotent."""
        family.thaw(self._family(name))  # a paused one would not hear that it shall end
        self.programs.remove(PREFIX + name, grace_seconds)
        self._shell(name).clear()
        self._settled_file(name).unlink(missing_ok=True)
        for log in self.settings.path("logs").glob(f"{PREFIX}{name}.log*"):
            log.unlink(missing_ok=True)

    def names(self) -> set[str]:
        """Name every copy the process manager knows."""
        return {
            name.removeprefix(PREFIX) for name in self.programs.states() if name.startswith(PREFIX)
        }
