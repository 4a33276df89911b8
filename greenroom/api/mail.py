"""Mail that environments sent, and nobody got; whom one of them may be released to."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Query
from fastapi.responses import Response
from pydantic import Field, SecretStr

from greenroom.api.noun import (
    Done,
    Environment,
    Given,
    Noun,
    Number,
    Project,
    Short,
    Shown,
    reference,
)
from greenroom.mailing import read_mail
from greenroom.releasing import release_mail
from greenroom.rights import current_actor
from greenroom.store import environments, mail_release, mails, projects
from greenroom.store.work import unit_of_work

router = Noun("mail")
_OF = "/projects/{project}/environments/{environment}/mail"


class MailShape(Shown):
    """A mail in the list."""

    number: int
    received_at: datetime
    sender: str
    recipients: list[str]
    subject: str
    size_bytes: int


@router.reads(_OF)
def list_mail(
    project: Project, environment: Environment,
    search: Annotated[str, Query(max_length=200)] = "",
) -> list[MailShape]:  # fmt: skip
    """List the newest mails; `search` looks in subject, sender and recipients."""
    with unit_of_work() as work:
        found = environments.get_environment(work, reference(project, environment))
        return [MailShape.model_validate(row) for row in mails.list_mails(work, found, search)]


class MailRead(MailShape):
    """A mail to read."""

    headers: dict[str, str]
    text: str
    html: str
    links: list[str]
    attachments: list[str]


@router.reads(_OF + "/{number}")
def get_mail(project: Project, environment: Environment, number: Number) -> MailRead:
    """Show a mail."""
    with unit_of_work() as work:
        found = environments.get_environment(work, reference(project, environment))
        row = mails.get_mail(work, found, number)
        read = read_mail(bytes(row.source))
        shown = MailShape.model_validate(row)
    return MailRead(
        **shown.model_dump(), headers=dict(read.headers), text=read.text, html=read.html,
        links=list(read.links), attachments=[part.name for part in read.attachments],
    )  # fmt: skip


@router.reads(_OF + "/{number}/source", response_class=Response)
def get_mail_source(project: Project, environment: Environment, number: Number) -> Response:
    """Give a mail as it was sent, octet for octet."""
    with unit_of_work() as work:
        found = environments.get_environment(work, reference(project, environment))
        source = bytes(mails.get_mail(work, found, number).source)
    name = f'attachment; filename="mail-{number}.eml"'
    return Response(source, media_type="message/rfc822", headers={"Content-Disposition": name})


@router.writes("DELETE", _OF, "mail.delete")
def delete_all_mail(project: Project, environment: Environment) -> Done:
    """Delete all of an environment's mail."""
    with unit_of_work() as work:
        found = environments.get_environment(work, reference(project, environment))
        count = mails.delete_mails(work, found)
    return Done(done=f"{count} mails are deleted.")


@router.writes("DELETE", _OF + "/{number}", "mail.delete")
def delete_mail(project: Project, environment: Environment, number: Number) -> Done:
    """Delete a mail."""
    with unit_of_work() as work:
        found = environments.get_environment(work, reference(project, environment))
        count = mails.delete_mails(work, found, number)
    return Done(done=f"{count} mails are deleted.")


class Receiver(Given):
    """Who gets it."""

    to: Short = Field(description="An address that the project names.")


@router.writes("POST", _OF + "/{number}/release", "mail.release")
def release_mail_to(
    project: Project, environment: Environment, number: Number, given: Receiver
) -> Done:
    """Let a mail out, to somebody whom the project names, and to nobody it was written to."""
    release_mail(reference(project, environment), number, given.to, actor=current_actor().name)
    return Done(done=f"It is sent to {given.to}.")


class ReleaseShape(Shown):
    """Whom mail may be released to."""

    to: list[str]
    has_server: bool


@router.reads("/projects/{project}/mail-release")
def get_mail_release(project: Project) -> ReleaseShape:
    """Show whom a project's captured mail may be released to."""
    with unit_of_work() as work:
        found = projects.get_project(work, project)
        return ReleaseShape(
            to=list(found.mail_release_to), has_server=found.mail_release_url is not None
        )


class ReleaseGiven(Given):
    """What is left out stays."""

    to: list[Short] | None = Field(
        None, max_length=100, description="Addresses; @agency.example is everybody there."
    )
    server: SecretStr | None = Field(
        None, description="smtp://user:password@host:587, kept encrypted; empty forgets it."
    )


@router.writes("PUT", "/projects/{project}/mail-release", "project.set_mail_release")
def set_mail_release(project: Project, given: ReleaseGiven) -> Done:
    """Say whom a project's captured mail may be released to, and by which server."""
    actor = current_actor().name
    with unit_of_work() as work:
        found = projects.get_project(work, project)
        if given.to is not None:
            mail_release.set_release_addresses(work, found, given.to, actor=actor)
        if given.server is not None:
            url = given.server.get_secret_value()
            mail_release.set_release_server(work, found, url, actor=actor)
    return Done(done="It is saved.")
