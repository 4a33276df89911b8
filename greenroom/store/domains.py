"""Queries about environments' own domains."""

from __future__ import annotations

import re

from sqlalchemy import delete, select

from greenroom.errors import AlreadyExists, InvalidInput, NotFound
from greenroom.secrets import generate_token
from greenroom.settings import Settings, load_settings
from greenroom.store.audit import record_audit
from greenroom.store.models import Domain, Environment, now
from greenroom.store.work import Work

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?=.{{4,253}}$)(?:{_LABEL}\.)+[a-z]{_LABEL}")
"""Source: RFC 1123 section 2.1; a name in other letters is written in its ``xn--`` form."""
MOST = 20
"""Of one environment."""


def check_host(host: str, settings: Settings | None = None) -> str:
    """Give a domain as it is kept: lower case, without a last dot.

    Errors: InvalidInput.
    """
    settings = settings or load_settings()
    plain = host.strip().lower().rstrip(".")
    if plain and not plain.isascii():
        try:
            plain = plain.encode("idna").decode()
        except UnicodeError:
            plain = ""
    if not _HOST.fullmatch(plain):
        raise InvalidInput(f"{host[:80]!r} is no domain", hint="Like: shop.example.org")
    base = settings.base_domain
    if plain in (base, settings.console_host) or plain.endswith(f".{base}"):
        raise InvalidInput(f"{plain} is Greenroom's own", hint=f"Names below {base} are given out.")
    return plain


def add_domain(work: Work, environment: Environment, host: str, *, actor: str) -> Domain:
    """Add a domain; it is answered to once it is verified. Idempotent.

    Errors: InvalidInput, AlreadyExists.
    """
    plain = check_host(host)
    mine = list_domains(work, environment)
    for known in mine:
        if known.host == plain:
            return known
    if len(mine) >= MOST:
        raise InvalidInput(f"an environment has at most {MOST} domains")
    _refuse_taken(work, plain)
    made = Domain(
        environment_id=environment.id, host=plain, token=generate_token(), created_by=actor
    )
    work.add(made)
    record_audit(work, actor, "domain.add", environment=environment, subject=plain)
    work.flush()
    return made


def _refuse_taken(work: Work, host: str) -> None:
    taken = select(Domain.id).where(Domain.host == host, Domain.verified_at.is_not(None))
    if work.scalar(taken) is not None:
        raise AlreadyExists(f"{host} leads to another environment", hint="Remove it there first.")


def record_verified(work: Work, domain: Domain, *, actor: str) -> None:
    """Record that a domain was found to be its environment's. Idempotent.

    Errors: AlreadyExists when another environment was faster.
    """
    if domain.verified_at is None:
        _refuse_taken(work, domain.host)
        domain.verified_at = now()
        environment = work.get_one(Environment, domain.environment_id)
        record_audit(work, actor, "domain.verify", environment=environment, subject=domain.host)


def remove_domain(work: Work, domain: Domain, *, actor: str) -> None:
    """Answer to a domain no more."""
    environment = work.get_one(Environment, domain.environment_id)
    record_audit(work, actor, "domain.remove", environment=environment, subject=domain.host)
    work.delete(domain)


def get_domain(work: Work, environment: Environment, host: str) -> Domain:
    """Get a domain of an environment.

    Errors: NotFound.
    """
    plain = host.strip().lower().rstrip(".")
    query = select(Domain).where(Domain.environment_id == environment.id, Domain.host == plain)
    found = work.scalar(query)
    if found is None:
        raise NotFound(f"{environment.name} has no domain {plain[:80]!r}")
    return found


def list_domains(work: Work, environment: Environment) -> list[Domain]:
    """List an environment's domains by name."""
    query = select(Domain).where(Domain.environment_id == environment.id).order_by(Domain.host)
    return list(work.scalars(query))


def delete_domains(work: Work, environment: Environment) -> None:
    """Forget the domains of an environment that goes."""
    work.execute(delete(Domain).where(Domain.environment_id == environment.id))
