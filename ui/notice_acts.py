"""Who is told of what: reading it, and doing what somebody asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from greenroom.notify.sending import send, service_of
from greenroom.store import notices, projects
from greenroom.store.states import NoticeKind
from greenroom.store.work import unit_of_work


@dataclass(frozen=True)
class TargetRow:
    """Somebody who is told."""

    name: str
    service: str
    project: str
    environments: str
    kinds: tuple[str, ...]
    refused: str
    digest: str = ""


def targets() -> tuple[TargetRow, ...]:
    """Give everybody who is told; never where."""
    with unit_of_work() as work:
        return tuple(
            TargetRow(
                row.name, row.service, row.project.name if row.project else "", row.environments,
                tuple(row.kinds), row.refused, row.digest,
            )
            for row in notices.list_targets(work)
        )  # fmt: skip


def add(
    name: str, address: str, project: str, kinds: Sequence[NoticeKind], environments: str,
    digest: str, actor: str,
) -> str:  # fmt: skip
    """Tell somebody from now on."""
    service = service_of(address)
    with unit_of_work() as work:
        notices.add_target(
            work, name, service, address.strip(), kinds=tuple(kinds),
            environments=environments, digest=digest,
            project=projects.get_project(work, project) if project else None, actor=actor,
        )  # fmt: skip
    return f"{name.strip()} is told from now on."


def try_out(name: str, actor: str) -> str:
    """Send somebody a message now."""
    with unit_of_work() as work:
        address = notices.target_address(notices.get_target(work, name))
    send(address, "Greenroom can reach you", f"{actor} tried it from the console.")
    return f"{name} was told."


def remove(name: str, actor: str) -> str:
    """Tell somebody nothing more."""
    with unit_of_work() as work:
        notices.remove_target(work, name, actor=actor)
    return f"{name} is told nothing more."
