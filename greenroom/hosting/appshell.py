"""Become a project's command, under its limits and without the platform's rights.

Run as ``python -I -S appshell.py <spec.json> [command]``; imports only the standard library, so
it starts in some 20 ms. The specification holds secrets: its file has mode 0600 and is read
before the rights are dropped.

Limits: a control group where we may make one (Linux, root), else this process stays as a parent
that watches: over its memory the command is ended, over its CPU share it is paused in turns.
"""

import contextlib
import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import time

CGROUP = "/sys/fs/cgroup"
NO_NEW_PRIVILEGES = 38
"""Source: PR_SET_NO_NEW_PRIVS, linux/prctl.h."""
PERIOD_US = 100_000
"""Source: default cpu.max period, Linux control group v2 documentation."""


def _write(path, value):
    with open(path, "w") as file:
        file.write(str(value))


def join_cgroup(name, limits):
    """Make and enter a control group; True when memory and CPU are bound by it."""
    memory, quota = limits["memory_bytes"], int(limits["cpu"] * PERIOD_US)
    try:
        if os.path.exists(f"{CGROUP}/cgroup.controllers"):
            parent = f"{CGROUP}/greenroom"
            os.makedirs(parent, exist_ok=True)
            for folder in (CGROUP, parent):
                _write(f"{folder}/cgroup.subtree_control", "+memory +cpu +pids")
            group = f"{parent}/{name}"
            os.makedirs(group, exist_ok=True)
            _write(f"{group}/memory.max", memory)
            with contextlib.suppress(OSError):
                _write(f"{group}/memory.swap.max", 0)
            _write(f"{group}/cpu.max", f"{quota} {PERIOD_US}")
            _write(f"{group}/pids.max", limits["processes"])
            _write(f"{group}/cgroup.procs", os.getpid())
            return True
        wanted = {
            "memory": {"memory.limit_in_bytes": memory},
            "cpu": {"cpu.cfs_period_us": PERIOD_US, "cpu.cfs_quota_us": quota},
            "pids": {"pids.max": limits["processes"]},
        }
        for controller, values in wanted.items():
            group = f"{CGROUP}/{controller}/greenroom/{name}"
            os.makedirs(group, exist_ok=True)
            for key, value in values.items():
                _write(f"{group}/{key}", value)
            _write(f"{group}/cgroup.procs", os.getpid())
        return True
    except OSError:
        return False


def drop_rights(user):
    """Become ``user`` for good; nothing started from here can gain rights again."""
    if user:
        import pwd

        entry = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            ctypes.CDLL(None).prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)


def _table():
    """Give ``{pid: (parent, resident bytes, CPU seconds)}`` of all processes."""
    done = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,rss=,time="], capture_output=True, text=True
    )
    table = {}
    for line in done.stdout.splitlines():
        parts = line.split()
        if len(parts) == 4:
            table[int(parts[0])] = (int(parts[1]), int(parts[2]) * 1024, parts[3])
    return table


def _linux_table():
    ticks, page, table = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE"), {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError, IndexError, ValueError):
            with open(f"/proc/{pid}/stat") as file:
                text = file.read()
            parts = text[text.rindex(")") + 2 :].split()
            used = (int(parts[11]) + int(parts[12])) / ticks
            table[int(pid)] = (int(parts[1]), int(parts[21]) * page, used)
    return table


def _family(table, root):
    family, grown = {root}, True
    while grown:
        more = {pid for pid, row in table.items() if row[0] in family} - family
        family |= more
        grown = bool(more)
    return family & table.keys()


def watch(command, environment, limits):
    """Run the command as a child, hold it to its limits, and end as it ends."""
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        os.execve("/bin/sh", ["/bin/sh", "-c", command], environment)

    def forward(number, _frame):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGCONT)
            os.killpg(child, number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, forward)
    linux, last_used, last_at = sys.platform == "linux", 0.0, time.monotonic()
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
        table = _linux_table() if linux else _table()
        family = _family(table, child)
        resident = sum(table[pid][1] for pid in family)
        if resident > limits["memory_bytes"] or len(family) > limits["processes"]:
            limit = limits["memory_bytes"] // 1024**2
            print(
                f"greenroom: ended, it used {resident // 1024**2} MiB of {limit} MiB"
                f" with {len(family)} processes",
                flush=True,
            )
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return 137
        pause = 0.25
        if linux:
            used, moment = sum(table[pid][2] for pid in family), time.monotonic()
            over = (used - last_used) - limits["cpu"] * (moment - last_at)
            last_used, last_at = used, moment
            if over > 0.01:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child, signal.SIGSTOP)
                    time.sleep(min(1.0, over / limits["cpu"]))
                    os.killpg(child, signal.SIGCONT)
                last_at = time.monotonic()
                pause = 0.1
        time.sleep(pause)


def main():
    """Read the specification and become the command."""
    with open(sys.argv[1]) as file:
        spec = json.load(file)
    command = sys.argv[2] if len(sys.argv) > 2 else spec["command"]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold secrets
    bound = join_cgroup(spec["name"], spec["limits"])
    drop_rights(spec["user"])
    os.chdir(spec["folder"])
    if bound:
        os.execve("/bin/sh", ["/bin/sh", "-c", command], spec["environment"])
    sys.exit(watch(command, spec["environment"], spec["limits"]))


if __name__ == "__main__":
    main()
