"""What people decide about an environment's life: how long, awake or not, whose code."""

from __future__ import annotations

from datetime import datetime

from greenroom import waking
from greenroom.errors import HostingError, InvalidInput
from greenroom.store import environments, lives, projects
from greenroom.store.audit import record_audit
from greenroom.store.life import Wishes
from greenroom.store.work import unit_of_work


def place_extend(reference: str, days: float, *, actor: str) -> datetime | None:
    """Let an environment live ``days`` longer, or for good with 0; give its new end.

    Errors: NotFound, InvalidInput.
    """
    with unit_of_work() as work:
        return lives.extend(work, environments.get_environment(work, reference), days, actor=actor)


def place_wishes(project: str, wishes: Wishes, *, actor: str) -> None:
    """Say what a project wants of sleep and lifetime otherwise than its manifest.

    Errors: NotFound, InvalidInput.
    """
    with unit_of_work() as work:
        lives.set_wishes(work, projects.get_project(work, project), wishes, actor=actor)


def wake_environment(reference: str) -> str:
    """Wake an environment and wait for it; give its address.

    Errors: NotFound, HostingError.
    """
    with unit_of_work() as work:
        found = environments.get_environment(work, reference)
        host, url = found.host, found.url
    if not waking.wake(host):
        raise HostingError(
            f"{reference} does not wake", hint="`greenroom logs --app` shows what it says."
        )
    return url


def approve_fork(reference: str, *, actor: str) -> None:
    """Say that a stranger's code may have the environment's secrets and data from now on.

    Errors: NotFound, InvalidInput.
    """
    with unit_of_work() as work:
        found = environments.get_environment(work, reference)
        if not found.from_fork:
            raise InvalidInput(f"{reference} does not come from a fork")
        found.fork_approved_by = actor
        record_audit(work, actor, "environment.approve_fork", environment=found)
