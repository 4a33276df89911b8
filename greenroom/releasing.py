"""Letting one captured mail out: to a person of ours, by the server that the project named.

Source: RFC 5322 section 3.6.6 (Resent-…), RFC 3207 (STARTTLS).
"""

from __future__ import annotations

import smtplib
import ssl
from email.utils import formatdate, make_msgid
from urllib.parse import unquote, urlsplit

from greenroom.errors import GreenroomError, InvalidInput, NotAllowed, NotificationRefused
from greenroom.store import environments, mail_release, mails
from greenroom.store.audit import record_audit
from greenroom.store.work import unit_of_work

SECONDS = 20.0


def release_mail(reference: str, number: int, to: str, *, actor: str) -> None:
    """Send mail ``number`` of an environment to ``to``, and to nobody it was written to.

    Errors: NotFound, NotAllowed (an address that the project does not name), InvalidInput (no
    server is named), NotificationRefused (the server refused).
    """
    to = to.strip().lower()
    with unit_of_work() as work:
        environment = environments.get_environment(work, reference)
        project = environment.project
        source = bytes(mails.get_mail(work, environment, number).source)
        if not mail_release.is_releasable(to, project.mail_release_to):
            raise NotAllowed(
                f"mail of {project.name} is not released to {to[:100] or 'nobody'}",
                hint=f"An administrator names who may get it: greenroom mail allow {project.name}"
                " ADDRESS…",
            )
        url = mail_release.release_server(project)
        if not url:
            raise InvalidInput(
                f"{project.name} names no server to send by",
                hint=f"greenroom mail server {project.name}",
            )
        record_audit(
            work, actor, "mail.release", environment=environment, subject=f"#{number}", to=to
        )
    _send(url, to, resent(source, to))


def resent(source: bytes, to: str) -> bytes:
    """Mark a mail as sent on to somebody. Pure but for its time and id."""
    marks = (
        f"Resent-Date: {formatdate()}\r\nResent-From: {to}\r\nResent-To: {to}\r\n"
        f"Resent-Message-ID: {make_msgid(domain='greenroom')}\r\n"
    )
    return marks.encode("ascii") + source


def _send(url: str, to: str, octets: bytes) -> None:
    parts, context = urlsplit(url), ssl.create_default_context()
    host = parts.hostname or ""
    try:
        if parts.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                host, parts.port or 465, timeout=SECONDS, context=context
            )
        else:
            server = smtplib.SMTP(host, parts.port or 587, timeout=SECONDS)
        with server:
            server.ehlo()
            if server.has_extn("starttls"):
                server.starttls(context=context)
                server.ehlo()
            if parts.username:
                if parts.scheme == "smtp" and not isinstance(server.sock, ssl.SSLSocket):
                    raise InvalidInput(
                        "the server offers no encryption: the login is not sent to it",
                        hint="Use smtps://, or a server with STARTTLS.",
                    )
                server.login(unquote(parts.username), unquote(parts.password or ""))
            server.sendmail(to, [to], octets)
    except GreenroomError:
        raise
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise NotificationRefused(
            f"{host} did not take the mail: {type(error).__name__}",
            hint="Is the project's server right? `greenroom mail server` sets it anew.",
        ) from error
