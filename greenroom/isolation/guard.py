"""Installing the egress guard, looking whether it stands, and taking it away."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import replace

from greenroom.errors import PlatformError
from greenroom.guarding import Guard, plan_guard, record_guard, why_impossible
from greenroom.isolation.firewall import (
    ip6tables_jumps,
    iptables_jumps,
    render_iptables,
    render_nft,
)
from greenroom.settings import Settings

COMMAND_SECONDS = 20


def _has_nft() -> bool:
    return shutil.which("nft") is not None


def _run(*command: str, given: str = "") -> tuple[int, str]:
    try:
        done = subprocess.run(
            command, input=given, capture_output=True, text=True, timeout=COMMAND_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return 1, type(error).__name__
    return done.returncode, (done.stderr or done.stdout).strip()


def ensure_guard(settings: Settings) -> Guard | None:
    """Install the guard and record it, or record why there is none. Idempotent."""
    reason, guard = why_impossible(settings), None
    if not reason:
        try:
            with _alone(settings):
                guard = install_guard(settings)
        except PlatformError as error:
            reason = error.message
    record_guard(settings, guard, reason)
    return guard


def release_guard(settings: Settings) -> None:
    """Take the rules away where no guarded network is left; else they stay, and keep it closed."""
    prefix = plan_guard(settings).prefix
    if not any(name.startswith(prefix) for _, name in socket.if_nameindex()):
        with _alone(settings):
            remove_guard(settings)
        record_guard(settings, None, "the platform is stopped")


@contextlib.contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    with settings.path("run", "guard.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def install_guard(settings: Settings) -> Guard:
    """Put the rules in place, all at once. Idempotent.

    Errors: PlatformError when the kernel takes neither form of them.
    """
    guard, said = plan_guard(settings), ""
    if _has_nft():
        code, said = _run("nft", "-f", "-", given=render_nft(guard))
        if code == 0:
            return replace(guard, backend="nftables")
    if shutil.which("iptables-restore"):
        code, said = _install_iptables(guard)
        if code == 0:
            return replace(guard, backend="iptables")
    raise PlatformError(
        f"the egress guard's rules were refused: {said[:300]}",
        hint="Install nftables, or start with GREENROOM_EGRESS_GUARD=off.",
    )


def _install_iptables(guard: Guard) -> tuple[int, str]:
    code, said = _run("iptables-restore", "-w", "--noflush", given=render_iptables(guard))
    if code:
        return code, said
    for program, jumps in _jumps(guard):
        for table, chain, rule in jumps:
            while _run(program, "-w", "-t", table, "-D", chain, *rule.split())[0] == 0:
                pass
            code, said = _run(program, "-w", "-t", table, "-I", chain, "1", *rule.split())
            if code:
                return code, said
    return 0, ""


def _jumps(guard: Guard) -> tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...]:
    has_docker_user = _run("iptables", "-w", "-n", "-L", "DOCKER-USER")[0] == 0
    jumps = iptables_jumps(guard, has_docker_user)
    return (("iptables", jumps), ("ip6tables", ip6tables_jumps(guard)))


def is_standing(guard: Guard) -> bool:
    """Whether the rules are in place, as far as can be told cheaply."""
    if guard.backend == "nftables":
        code, said = _run("nft", "list", "chain", "inet", guard.label, "leaving")
        return code == 0 and "reject" in said
    return all(
        _run(program, "-w", "-t", table, "-C", chain, *rule.split())[0] == 0
        for program, jumps in _jumps(guard)
        for table, chain, rule in jumps
    )


def remove_guard(settings: Settings) -> None:
    """Take the rules away: what was guarded is open then. Idempotent."""
    guard = plan_guard(settings)
    if _has_nft():
        _run("nft", "delete", "table", "inet", guard.label)
    if not shutil.which("iptables"):
        return
    for program, jumps in _jumps(guard):
        for table, chain, rule in jumps:
            while _run(program, "-w", "-t", table, "-D", chain, *rule.split())[0] == 0:
                pass
    tag = f"GR-{guard.label[-6:]}-"
    for table, chain in (("nat", "N"), ("filter", "F"), ("filter", "I"), ("filter", "O")):
        _run("iptables", "-w", "-t", table, "-F", tag + chain)
        _run("iptables", "-w", "-t", table, "-X", tag + chain)
