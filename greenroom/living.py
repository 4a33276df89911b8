"""What people decide about an environment's life: how long, awake or not, whose code."""

from __future__ import annotations

from datetime import datetime

from greenroom import orders, waking
from greenroom.errors import HostingError, InvalidInput
from greenroom.orders import Order
from greenroom.runs import Runs
from greenroom.sources import git
from greenroom.store import environments, lives, projects
from greenroom.store.audit import record_audit
from greenroom.store.life import Wishes
from greenroom.store.models import Environment
from greenroom.store.work import Work, unit_of_work


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


def wake_environment(reference: str, *, actor: str) -> str:
    """Wake an environment and wait for it; give its address.

    Errors: NotFound, HostingError.
    """
    with unit_of_work() as work:
        found = environments.get_environment(work, reference)
        record_audit(work, actor, "environment.wake", environment=found)
        host, url = found.host, found.url
    if not waking.wake(host):
        raise HostingError(
            f"{reference} does not wake", hint="`greenroom logs --app` shows what it says."
        )
    return url


def fork_commit(reference: str) -> str:
    """Give the commit that a fork's environment would show now, for somebody to read first.

    Errors: NotFound, InvalidInput, SourceError.
    """
    with unit_of_work() as work:
        found = _of_fork(work, reference)
        url, ref = found.project.source_url, found.git_branch
    return git.resolve(git.check_source_url(url), ref)[0]


def approve_fork(
    reference: str, commit: str, *, with_secrets: bool = False, actor: str,
    runs: Runs | None = None,
) -> Order:  # fmt: skip
    """Deploy one commit of a stranger's: it and no other was read.

    Only ``with_secrets`` it gets the secrets and the data that environments of the project get. A
    new commit asks anew.

    Errors: NotFound, InvalidInput.
    """
    if not git.SHA.fullmatch(commit):
        raise InvalidInput(f"{commit[:60]!r} is no full commit hash")
    with unit_of_work() as work:
        found = _of_fork(work, reference)
        found.fork_approved_by = actor if with_secrets else ""
        record_audit(
            work, actor, "environment.approve_fork", environment=found, commit=commit,
            with_secrets=with_secrets,
        )  # fmt: skip
        order = orders.record_deploy(work, found, ref=commit, commit=commit, actor=actor)
    orders.start_order(order, runs)
    return order


def _of_fork(work: Work, reference: str) -> Environment:
    found = environments.get_environment(work, reference)
    if not found.from_fork:
        raise InvalidInput(f"{reference} does not come from a fork")
    return found
