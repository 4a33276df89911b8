"""Captured mail: how an environment reaches its mail server, and how people read a mail. Pure."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import Message
from email.parser import BytesHeaderParser
from html import unescape

from greenroom.secrets import is_same, sign
from greenroom.settings import Settings

_PURPOSE = "mail logins"
_PASSWORD_LENGTH = 32
MOST_ATTACHMENTS, MOST_LINKS = 50, 50
_SHOWN = ("From", "To", "Cc", "Reply-To", "Date", "Subject")
_PLACE = re.compile(r"\{(host|port|user|password|url)\}")
_LINK = re.compile(r"https?://[^\s<>\"']+")


def login_of(environment_id: uuid.UUID, key: str) -> tuple[str, str]:
    """Give an environment's user name and password. Pure: nothing of it is kept."""
    user = environment_id.hex
    return user, sign(user, key, _PURPOSE)[:_PASSWORD_LENGTH]


def environment_of(user: str, password: str, key: str) -> uuid.UUID | None:
    """Give whose login it is; None for a wrong one. Pure."""
    try:
        found = uuid.UUID(hex=user)
    except ValueError:
        return None
    wanted_user, wanted = login_of(found, key)
    return found if is_same(password, wanted) and user == wanted_user else None


def mail_variables(
    settings: Settings, environment_id: uuid.UUID, key: str, host: str = "",
    more: Mapping[str, str] | None = None,
) -> dict[str, str]:  # fmt: skip
    """Give the variables by which applications find their mail server.

    ``host`` is its name where the environment runs; empty means loopback. ``more`` are the
    project's own names, of values with ``{host}`` and the like.

    Source: the names that Rails, Django and django-environ, Laravel, Symfony, Spring, nodemailer's
    and WordPress's usual set-ups read.
    """
    user, password = login_of(environment_id, key)
    host, port = host or settings.bind_loopback, str(settings.mail_port)
    url = f"smtp://{user}:{password}@{host}:{port}"
    known = {"host": host, "port": port, "user": user, "password": password, "url": url}
    own = {
        name: _PLACE.sub(lambda found: known[found[1]], value)
        for name, value in (more or {}).items()
    }
    return {
        "SMTP_HOST": host, "SMTP_SERVER": host, "SMTP_ADDRESS": host, "SMTP_PORT": port,
        "SMTP_USER": user, "SMTP_USERNAME": user, "SMTP_PASSWORD": password, "SMTP_PASS": password,
        "SMTP_URL": url, "SMTP_SECURE": "false",
        "MAIL_HOST": host, "MAIL_SERVER": host, "MAIL_PORT": port, "MAIL_USER": user,
        "MAIL_USERNAME": user, "MAIL_PASSWORD": password, "MAIL_MAILER": "smtp",
        "MAIL_ENCRYPTION": "", "MAIL_URL": url, "MAILER_DSN": url, "MAILER_URL": url,
        "EMAIL_HOST": host, "EMAIL_PORT": port, "EMAIL_HOST_USER": user,
        "EMAIL_HOST_PASSWORD": password, "EMAIL_USE_TLS": "false", "EMAIL_USE_SSL": "false",
        "EMAIL_URL": url, **own,
    }  # fmt: skip


@dataclass(frozen=True)
class Attachment:
    """A file that came with a mail."""

    name: str
    kind: str
    octets: bytes


@dataclass(frozen=True)
class ReadMail:
    """A mail as people read it."""

    headers: tuple[tuple[str, str], ...]
    text: str
    html: str
    links: tuple[str, ...]
    attachments: tuple[Attachment, ...]


def read_mail(source: bytes) -> ReadMail:
    """Read a mail; what cannot be read is left out. Pure.

    Source: RFC 5322, RFC 2045 and following (MIME).
    """
    try:
        message = message_from_bytes(source, policy=policy.default)
    except RecursionError:  # parts in parts in parts: shown by its head alone
        message = BytesHeaderParser(policy=policy.default).parsebytes(source)
    headers = tuple((name, _header(message, name)) for name in _SHOWN if name in message)
    text, html = "", ""
    attached: list[Attachment] = []
    for part in message.walk():
        if part.is_multipart():
            continue
        kind = part.get_content_type()
        octets = part.get_payload(decode=True)
        octets = octets if isinstance(octets, bytes) else b""
        is_body = part.get_content_disposition() != "attachment"
        if is_body and kind == "text/plain" and not text:
            text = _decoded(octets, part.get_content_charset())
        elif is_body and kind == "text/html" and not html:
            html = _decoded(octets, part.get_content_charset())
        elif len(attached) < MOST_ATTACHMENTS:
            name = "".join(c for c in str(part.get_filename() or kind) if c.isprintable())
            attached.append(Attachment(name.replace("/", "_")[:120] or "part", kind, octets))
    links = tuple(dict.fromkeys(_LINK.findall(f"{text}\n{unescape(html)}")))[:MOST_LINKS]
    return ReadMail(headers, text, html, links, tuple(attached))


def _header(message: Message, name: str) -> str:
    try:
        told = str(message[name] or "")
    except (ValueError, LookupError, AttributeError, TypeError):
        return "(cannot be read)"
    return " ".join("".join(c for c in told if c.isprintable()).split())[:500]


def _decoded(octets: bytes, charset: str | None) -> str:
    try:
        return octets.decode(charset or "utf-8", "replace")
    except LookupError:
        return octets.decode("utf-8", "replace")
