"""Mail that environments sent, and nobody got."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Query
from fastapi.responses import Response

from greenroom.api.noun import Done, Environment, Noun, Number, Project, Shown, reference
from greenroom.mailing import read_mail
from greenroom.store import environments, mails
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
