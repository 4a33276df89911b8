"""Become a project's command, under its limits and without the platform's rights.

Run as ``python -I -S appshell.py <spec.json> [command]``; imports little of the standard library,
so it starts in some 20 ms. The specification holds secrets: its file has mode 0600 and is read
before the rights are dropped. The project's own variables are set only after that: some of them
(``LD_PRELOAD``) would run code in whoever starts with them.

Limits: a control group where we may make one (Linux, root), else this process stays as a parent
that watches: over its memory the command is ended, over its CPU share it is paused in turns.
It stays as well for a command that somebody attends, to end it when its attendant is killed.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import time

TYPE_CHECKING = False  # typing alone would cost 5 ms
if TYPE_CHECKING:
    from typing import Any, NoReturn

CGROUP = "/sys/fs/cgroup"
NO_NEW_PRIVILEGES, DIE_WITH_PARENT, ADOPT_ORPHANS = 38, 1, 36
"""Source: PR_SET_NO_NEW_PRIVS, PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER, linux/prctl.h."""
ENDED = "greenroom: it "
"""Begins the last line that we write when we end a command."""
PERIOD_US = 100_000
"""Source: default cpu.max period, Linux control group v2 documentation."""


def _write(path: str, value: object) -> None:
    with open(path, "w") as file:
        file.write(str(value))


def _make_group(group: str, values: dict[str, object], optional: tuple[str, ...] = ()) -> None:
    os.makedirs(group, exist_ok=True)
    if not os.path.exists(f"{group}/cgroup.procs"):
        raise OSError(f"{group} is no control group")
    for key, value in values.items():
        try:
            _write(f"{group}/{key}", value)
        except OSError:
            if key not in optional:
                raise
    _write(f"{group}/cgroup.procs", os.getpid())


def join_cgroup(name: str, limits: dict[str, Any]) -> bool:
    """Make and enter a control group; True when memory and CPU are bound by it."""
    memory, cpu, processes = limits["memory_bytes"], limits["cpu"], limits["processes"]
    quota = int(cpu * PERIOD_US) if cpu else None
    try:
        if os.path.exists(f"{CGROUP}/cgroup.controllers"):
            parent = f"{CGROUP}/greenroom"
            os.makedirs(parent, exist_ok=True)
            for folder in (CGROUP, parent):
                _write(f"{folder}/cgroup.subtree_control", "+memory +cpu +pids")
            values = {
                "memory.max": memory or "max",
                "memory.swap.max": 0,
                "cpu.max": f"{quota or 'max'} {PERIOD_US}",
                "pids.max": processes,
            }
            _make_group(f"{parent}/{name}", values, optional=("memory.swap.max",))
            return True
        swap = "memory.memsw.limit_in_bytes"  # absent where the kernel does not count swap
        wanted: dict[str, dict[str, object]] = {
            "memory": {"memory.limit_in_bytes": memory or -1, swap: memory or -1},
            "cpu": {"cpu.cfs_period_us": PERIOD_US, "cpu.cfs_quota_us": quota or -1},
            "pids": {"pids.max": processes},
        }
        for controller, values in wanted.items():
            _make_group(f"{CGROUP}/{controller}/greenroom/{name}", values, optional=(swap,))
    except OSError:
        return False
    return True


def _control(option: int, value: int) -> None:
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def drop_rights(user: str | None) -> None:
    """Become ``user`` for good; nothing started from here can gain rights again."""
    if user:
        import pwd

        entry = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    _control(NO_NEW_PRIVILEGES, 1)


Table = dict[int, tuple[int, int, float]]


def _read_table() -> Table:
    """Give ``{pid: (parent, resident bytes, CPU seconds)}`` of all processes."""
    table: Table = {}
    if sys.platform != "linux":
        done = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,rss="], capture_output=True, text=True)
        for line in done.stdout.splitlines():
            pid, parent, resident = map(int, line.split())
            table[pid] = (parent, resident * 1024, 0.0)
        return table
    ticks, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError, IndexError, ValueError):
            with open(f"/proc/{name}/stat") as file:
                text = file.read()
            parts = text[text.rindex(")") + 2 :].split()
            used = (int(parts[11]) + int(parts[12])) / ticks
            table[int(name)] = (int(parts[1]), int(parts[21]) * page, used)
    return table


def _family(table: Table, root: int) -> set[int]:
    family, grown = {root}, True
    while grown:
        more = {pid for pid, row in table.items() if row[0] in family} - family
        family |= more
        grown = bool(more)
    return family & table.keys()


def _signal_all(pids: set[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def end_all() -> None:
    """End all that we started, and what that starts meanwhile.

    All are stopped before the first is ended: a shell would go on with its next command as soon
    as this one is gone, and what it started after our look would outlive us.
    """
    own = os.getpid()
    for number in (signal.SIGSTOP, signal.SIGKILL):
        seen = {own}
        while fresh := _family(_read_table(), own) - seen:
            _signal_all(fresh, number)
            seen |= fresh


def _excess(table: Table, family: set[int], limits: dict[str, Any]) -> str:
    """Say which limit is exceeded, if one is."""
    if len(family) > limits["processes"]:
        return f"started more processes than it may ({limits['processes']})"
    resident, allowed = sum(table[pid][1] for pid in family), limits["memory_bytes"]
    if resident > allowed:
        mega = 1024**2
        return f"used more memory than it may ({resident // mega} of {allowed // mega} MiB)"
    return ""


class Bounds:
    """Holds a family of processes to its limits, as far as watching can."""

    def __init__(self, limits: dict[str, Any]) -> None:
        self.limits, self.excess = limits, ""
        self.used, self.at, self.debt = 0.0, time.monotonic(), 0.0

    def hold(self, table: Table, family: set[int]) -> float:
        """End or pause what uses too much; give the seconds until the next look."""
        if not self.excess and (excess := _excess(table, family, self.limits)):
            self.excess = excess
            print(f"{ENDED}{excess}", flush=True)
        if self.excess:
            end_all()
            return 0.0
        used, moment = sum(table[pid][2] for pid in family), time.monotonic()
        allowed = self.limits["cpu"] * (moment - self.at)
        self.debt = max(0.0, self.debt + (used - self.used) - allowed)
        self.used, self.at = used, moment
        if self.debt > 0.01:
            _signal_all(family, signal.SIGSTOP)
            time.sleep(min(1.0, self.debt / self.limits["cpu"]))
            _signal_all(family, signal.SIGCONT)
        return 0.05 if self.debt else 0.2


def watch(
    command: str, environment: dict[str, str], limits: dict[str, Any] | None, attendant: int
) -> int:
    """Run the command as a child, hold it to its limits, and end as it ends.

    The child stays in our process group: whoever ends the group ends both. What it leaves
    behind comes to us, and ends with it. All end when the attendant is gone, or asks for it.
    """
    _control(ADOPT_ORPHANS, 1)
    child = os.fork()
    if child == 0:
        _control(DIE_WITH_PARENT, signal.SIGKILL)
        _become(command, environment)
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: asked.append(number))  # the child has got it, too
    bounds, pause = Bounds(limits) if limits else None, 0.005
    while True:
        ended, status = os.waitpid(-1, os.WNOHANG)
        left = bool(attendant) and (bool(asked) or os.getppid() != attendant)
        if ended == child or left:
            end_all()
            code = os.waitstatus_to_exitcode(status) if ended == child else -signal.SIGKILL
            return code if code >= 0 else 128 - code
        pause = min(0.2, pause * 2)
        if bounds:
            table = _read_table()
            pause = min(pause, bounds.hold(table, _family(table, os.getpid()) - {os.getpid()}))
        if not ended:
            time.sleep(pause)


def _become(command: str, environment: dict[str, str]) -> NoReturn:
    for number in signal.valid_signals():  # Python ignores SIGPIPE, and that is inherited
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    os.execve("/bin/sh", ["/bin/sh", "-c", command], environment)


def main() -> None:
    """Read the specification and become the command."""
    with open(sys.argv[1]) as file:
        spec = json.load(file)
    command = sys.argv[2] if len(sys.argv) > 2 else spec["command"]
    limits, environment = spec["limits"], spec["environment"]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold secrets
    bound = join_cgroup(spec["name"], limits)
    drop_rights(spec["user"])
    os.chdir(spec["folder"])
    to_watch = None if bound or not limits["memory_bytes"] else limits
    attendant = spec["attendant"]
    if not to_watch and not attendant:
        _become(command, environment)
    sys.exit(watch(command, environment, to_watch, attendant))


if __name__ == "__main__":
    main()
