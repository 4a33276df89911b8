"""Whom a project's captured mail may be released to, and by which server."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from greenroom.errors import InvalidInput
from greenroom.store.audit import record_audit
from greenroom.store.crypto import seal, unseal
from greenroom.store.models import Project
from greenroom.store.work import Work

_PURPOSE = "projects.mail_release_url"
_ENTRY = re.compile(r"[^@\s,;<>\"]{0,64}@[a-z0-9.-]{1,253}", re.ASCII)
MOST_ENTRIES = 100


def is_releasable(address: str, entries: Sequence[str]) -> bool:
    """Whether a mail may go to an address: it, or its whole domain, is named. Pure."""
    address = address.strip().lower()
    _, at, domain = address.partition("@")
    return bool(at) and address.isascii() and (address in entries or f"@{domain}" in entries)


def set_release_addresses(
    work: Work, project: Project, entries: Sequence[str], *, actor: str
) -> None:
    """Name whom a project's captured mail may be released to; nobody named is nobody.

    Errors: InvalidInput.
    """
    found = [entry.strip().lower() for entry in entries if entry.strip()]
    for entry in found:
        if not _ENTRY.fullmatch(entry):
            raise InvalidInput(
                f"{entry[:80]!r} is no address",
                hint="Like ada@agency.example, or @agency.example for everybody there.",
            )
    if len(found) > MOST_ENTRIES:
        raise InvalidInput(f"at most {MOST_ENTRIES} addresses are named")
    project.mail_release_to = list(dict.fromkeys(found))
    record_audit(work, actor, "project.set_mail_release", project=project, to=found)


def set_release_server(work: Work, project: Project, url: str, *, actor: str) -> None:
    """Name the server that released mail goes out by, sealed; an empty one forgets it.

    Errors: InvalidInput.
    """
    parts = urlsplit(url.strip())
    try:
        is_fine = parts.scheme in ("smtp", "smtps") and parts.hostname and parts.port != 0
    except ValueError:
        is_fine = False
    if url.strip() and not is_fine:
        raise InvalidInput(
            "that is no mail server's address",
            hint="Write smtp://user:password@host:587 (STARTTLS), or smtps://…:465.",
        )
    project.mail_release_url = seal(url.strip(), _PURPOSE) if url.strip() else None
    record_audit(
        work, actor, "project.set_mail_release", project=project, server=parts.hostname or "none"
    )


def release_server(project: Project) -> str:
    """Give the server that released mail goes out by; empty where none is named."""
    return unseal(project.mail_release_url, _PURPOSE) if project.mail_release_url else ""
