"""The only client of supervisord, which keeps the platform's and the projects' programs alive.

Source: Supervisor 4.3 manual, "XML-RPC API documentation" and "Configuration File".
"""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import signal
import time
import xmlrpc.client
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from supervisor.xmlrpc import SupervisorTransport

from greenroom.errors import HostingError, PlatformError
from greenroom.settings import Settings, load_settings

ALREADY_ADDED, BAD_NAME, NOT_RUNNING, ALREADY_STARTED = 90, 10, 70, 60
SPAWN_ERROR, ABNORMAL_TERMINATION, STILL_RUNNING = 50, 40, 91
"""Source: supervisor.xmlrpc.Faults."""
SHUT_DOWN_SECONDS = 30
"""For projects' programs to end by themselves when the whole platform stops."""


@dataclass(frozen=True)
class Program:
    """One supervised command."""

    name: str
    command: tuple[str, ...]
    directory: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    """Not secret: it is written to the configuration file. Secrets go by files."""
    user: str | None = None
    priority: int = 500
    """Lower starts earlier and stops later."""
    stop_signal: str = "TERM"
    stop_seconds: int = 10
    stop_group: bool = False
    """Signal the whole process group, not only its leader."""
    start_seconds: int = 1
    start_retries: int = 1_000_000
    autostart: bool = False
    log_bytes: int = 5_000_000
    log_file: Path | None = None


@dataclass(frozen=True)
class ProgramState:
    """What supervisord knows of a program."""

    name: str
    state: str
    """STOPPED, STARTING, RUNNING, BACKOFF, STOPPING, EXITED, FATAL, UNKNOWN."""
    pid: int
    exit_status: int
    description: str
    stopped_at: int = 0
    """Unix time of its last end since it is known, 0 when it has never ended."""

    @property
    def is_up(self) -> bool:
        """Whether a process exists for it."""
        return self.state in ("STARTING", "RUNNING")


_COMMENT = re.compile(r"(\s)([;#])")
"""Begins a comment, also within a value. Source: supervisor.options.UnhosedConfigParser."""


def _line(text: str) -> str:
    if "\n" in text or "\r" in text:
        raise PlatformError(f"a line break cannot be written to supervisord's file: {text[:40]!r}…")
    return text.replace("%", "%%")


def _quoted(text: str) -> str:
    if _COMMENT.search(text) or text != text.strip():
        raise PlatformError(f"{text!r} cannot be written to supervisord's file")
    return _line(text)


def _argument(text: str) -> str:
    escaped = _line(text).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + _COMMENT.sub(r'\1""\2', escaped) + '"'


def _variable(text: str) -> str:
    """Quote a variable's value: its parser knows no escapes, only two kinds of quotes."""
    mark = "'" if '"' in text else '"'
    if mark in text or text.strip("\"'") != text or _COMMENT.search(text):
        raise PlatformError("such a variable cannot be written to supervisord's file")
    return mark + _line(text) + mark


def render_program(program: Program, log_folder: Path) -> str:
    """Write a program as a section of supervisord's configuration."""
    log = program.log_file or log_folder / f"{program.name}.log"
    lines = [
        f"[program:{program.name}]",
        "command=" + " ".join(map(_argument, program.command)),
        f"directory={_quoted(str(program.directory or '/'))}",
        f"priority={program.priority}",
        f"autostart={str(program.autostart).lower()}",
        "autorestart=true",
        f"startsecs={program.start_seconds}",
        f"startretries={program.start_retries}",
        f"stopsignal={program.stop_signal}",
        f"stopwaitsecs={program.stop_seconds}",
        f"stopasgroup={str(program.stop_group).lower()}",
        "killasgroup=true",
        "redirect_stderr=true",
        f"stdout_logfile={_quoted(str(log))}",
        f"stdout_logfile_maxbytes={program.log_bytes}",
        "stdout_logfile_backups=1",
    ]
    if program.user:
        lines.append(f"user={program.user}")
    if program.environment:
        pairs = (f"{name}={_variable(value)}" for name, value in program.environment.items())
        lines.append("environment=" + ",".join(pairs))
    return "\n".join(lines) + "\n"


def render_configuration(settings: Settings, programs: list[Program]) -> str:
    """Write the whole configuration; programs of projects are included from ``run/programs``."""
    run, logs = settings.path("run"), settings.path("logs")
    head = f"""\
[supervisord]
nodaemon=true
logfile={_quoted(str(logs / "supervisord.log"))}
logfile_maxbytes=5000000
logfile_backups=1
pidfile={_quoted(str(run / "supervisord.pid"))}
childlogdir={_quoted(str(logs))}
umask=022
minfds=1024
{"user=root" if os.geteuid() == 0 else ""}

[unix_http_server]
file={_quoted(str(run / "supervisor.sock"))}
chmod=0600

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[include]
files={_quoted(str(run / "programs"))}/*.conf

"""
    return head + "\n".join(render_program(program, logs) for program in programs)


class Programs:
    """Supervisord's remote control.

    Errors: PlatformError when supervisord does not answer, HostingError when it refuses.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or load_settings()
        self.socket = self.settings.path("run", "supervisor.sock")

    def _call(self, method: str, *arguments: Any) -> Any:
        # A new connection each time: the server is one thread, and idle ones gain nothing.
        transport = SupervisorTransport(None, None, f"unix://{self.socket}")
        proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
        try:
            return getattr(proxy.supervisor, method)(*arguments)
        except (OSError, http.client.HTTPException, xmlrpc.client.ProtocolError) as error:
            raise PlatformError(
                "the process manager does not answer",
                hint="Is the platform running? Start it with `greenroom up`.",
            ) from error
        finally:
            transport.close()

    def is_alive(self) -> bool:
        """Whether supervisord answers."""
        try:
            self._call("getState")
        except PlatformError:
            return False
        except xmlrpc.client.Fault:
            return True  # it is shutting down
        return True

    def states(self) -> dict[str, ProgramState]:
        """Give the state of every program by name."""
        return {row["name"]: _state(row) for row in self._call("getAllProcessInfo")}

    def state(self, name: str) -> ProgramState | None:
        """Give one program's state, None when supervisord does not know it."""
        try:
            return _state(self._call("getProcessInfo", name))
        except xmlrpc.client.Fault as fault:
            if fault.faultCode == BAD_NAME:
                return None
            raise HostingError(f"supervisord: {fault.faultString}") from fault

    def start(self, name: str, *, wait: bool = False) -> None:
        """Start a program. Idempotent."""
        try:
            self._call("startProcess", name, wait)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode != ALREADY_STARTED:
                raise HostingError(f"{name} does not start: {fault.faultString}") from fault

    def stop(self, name: str, grace_seconds: float | None = None) -> None:
        """Stop a program and wait for its end; kill it after ``grace_seconds``. Idempotent.

        Without ``grace_seconds`` the program's own ``stop_seconds`` hold.
        """
        try:
            self._call("stopProcess", name, grace_seconds is None)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode not in (NOT_RUNNING, BAD_NAME):
                raise HostingError(f"{name} does not stop: {fault.faultString}") from fault
            return
        if grace_seconds is None:
            return
        deadline = time.monotonic() + grace_seconds
        while (state := self.state(name)) is not None and state.pid:
            if time.monotonic() > deadline:
                _kill(state.pid)
            time.sleep(0.02)

    def add(self, program: Program) -> None:
        """Make a project's program known and start it. Idempotent."""
        folder = self.settings.path("run", "programs")
        folder.mkdir(parents=True, exist_ok=True)
        text = render_program(program, self.settings.path("logs"))
        file = folder / f"{program.name}.conf"
        made = folder / f".{program.name}.{os.getpid()}"
        made.write_text(text)
        made.chmod(0o600)
        made.replace(file)
        self._call("reloadConfig")
        try:
            self._call("addProcessGroup", program.name)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode != ALREADY_ADDED:
                raise HostingError(f"supervisord: {fault.faultString}") from fault
        self.start(program.name)

    def remove(self, name: str, grace_seconds: float | None = None) -> None:
        """Stop a project's program and forget it. Idempotent."""
        self.settings.path("run", "programs", f"{name}.conf").unlink(missing_ok=True)
        self._call("reloadConfig")
        for _ in range(20):
            self.stop(name, grace_seconds)
            if self._forget(name):
                return
            time.sleep(0.05)  # it died and was restarted meanwhile
        raise HostingError(f"{name} cannot be stopped")

    def _forget(self, name: str) -> bool:
        """Have supervisord drop a program; False while it runs."""
        try:
            self._call("removeProcessGroup", name)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode == STILL_RUNNING:
                return False
            if fault.faultCode != BAD_NAME:
                raise HostingError(f"supervisord: {fault.faultString}") from fault
        return True

    def shut_down(self) -> None:
        """Stop every program in order, then supervisord itself; projects' at once. Idempotent.

        Supervisord alone takes them one by one, a second for each.
        """
        with contextlib.suppress(HostingError, xmlrpc.client.Fault):  # what is left, it ends itself
            self._end_projects()
        with contextlib.suppress(xmlrpc.client.Fault):  # somebody else was first
            self._call("shutdown")

    def _end_projects(self) -> None:
        files = self.settings.path("run", "programs").glob("*.conf")
        names = self.states().keys() & {file.stem for file in files}
        for name in names:
            with contextlib.suppress(xmlrpc.client.Fault):  # it does not run
                self._call("stopProcess", name, False)
        deadline = time.monotonic() + SHUT_DOWN_SECONDS
        while names and time.monotonic() < deadline:
            names = {name for name in names if not self._forget(name)}
            time.sleep(0.05)

    def log_tail(self, name: str, octets: int = 32_000) -> str:
        """Give the end of a program's log."""
        file = self.settings.path("logs", f"{name}.log")
        try:
            with file.open("rb") as log:
                log.seek(0, os.SEEK_END)
                log.seek(max(0, log.tell() - octets))
                return log.read().decode(errors="replace")
        except OSError:
            return ""


def _kill(pid: int) -> None:
    """Kill a program's process group, and what left the group."""
    with contextlib.suppress(psutil.NoSuchProcess):
        family = psutil.Process(pid).children(recursive=True)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def _state(row: dict[str, Any]) -> ProgramState:
    return ProgramState(
        name=row["name"],
        state=row["statename"],
        pid=row["pid"],
        exit_status=row["exitstatus"],
        description=row["description"],
        stopped_at=row["stop"],
    )
