"""Notifications: who is told of what."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from pydantic import Field, SecretStr

from greenroom.api.noun import Done, Given, Noun, Short, Shown
from greenroom.notify.sending import send, service_of
from greenroom.rights import current_actor
from greenroom.store import notices, projects
from greenroom.store.models import NoticeTarget
from greenroom.store.states import NoticeKind
from greenroom.store.work import unit_of_work

router = Noun("notifications")
Name = Annotated[str, Path(max_length=notices.LONGEST_NAME, examples=["team-slack"])]


class TargetShape(Shown):
    """Somebody who is told; never where."""

    name: str
    service: str
    project: str | None
    environments: str
    kinds: list[str]
    digest: str
    refused: str

    @classmethod
    def of(cls, row: NoticeTarget) -> TargetShape:
        """Show a row."""
        return cls(
            name=row.name, service=row.service, environments=row.environments, kinds=row.kinds,
            digest=row.digest,
            project=row.project.name if row.project else None, refused=row.refused,
        )  # fmt: skip


@router.reads("/notifications")
def list_targets() -> list[TargetShape]:
    """List who is told of what."""
    with unit_of_work() as work:
        return [TargetShape.of(row) for row in notices.list_targets(work)]


Digest = Annotated[str, Field(pattern="(hour|day)?$")]


class NewTarget(Given):
    """Somebody to tell."""

    name: Short
    address: SecretStr = Field(description="As apprise writes it; kept encrypted, never shown.")
    project: Short = Field("", description="Default: every project.")
    kinds: list[NoticeKind] = Field(list(notices.QUIET), max_length=50)
    environments: Short = "*"
    digest: Digest = Field("", description="Until when the rest is held.")


@router.writes("POST", "/notifications", "notice_target.add", status_code=201)
def add_target(given: NewTarget) -> Done:
    """Tell somebody from now on."""
    address = given.address.get_secret_value().strip()
    service = service_of(address)
    with unit_of_work() as work:
        owner = projects.get_project(work, given.project) if given.project else None
        notices.add_target(
            work, given.name, service, address, project=owner, kinds=tuple(given.kinds),
            environments=given.environments, digest=given.digest, actor=current_actor().name,
        )  # fmt: skip
    return Done(done=f"{given.name.strip()} is told from now on.")


@router.writes("POST", "/notifications/{name}/test", "notice_target.test")
def test_target(name: Name) -> Done:
    """Send somebody a message now."""
    with unit_of_work() as work:
        address = notices.target_address(notices.get_target(work, name))
    send(address, "Greenroom can reach you", f"{current_actor().name} tried it by the API.")
    return Done(done=f"{name} was told.")


@router.writes("DELETE", "/notifications/{name}", "notice_target.remove")
def remove_target(name: Name) -> Done:
    """Tell somebody nothing more."""
    with unit_of_work() as work:
        notices.remove_target(work, name, actor=current_actor().name)
    return Done(done=f"{name} is told nothing more.")
