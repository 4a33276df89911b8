"""Own domains of environments: added, verified by a DNS record, removed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from greenroom.edge.ownership import check_owner, record_name, record_value
from greenroom.settings import load_settings
from greenroom.store import domains, environments
from greenroom.store.models import Domain
from greenroom.store.work import unit_of_work


@dataclass(frozen=True)
class OwnDomain:
    """A domain, and the record that shows whose it is."""

    host: str
    record: str
    value: str
    verified_at: datetime | None


def _of(row: Domain) -> OwnDomain:
    return OwnDomain(row.host, record_name(row.host), record_value(row.token), row.verified_at)


def add_domain(reference: str, host: str, *, actor: str) -> OwnDomain:
    """Add a domain to an environment, and give the record that its owner must make. Idempotent.

    Errors: NotFound, InvalidInput, AlreadyExists.
    """
    with unit_of_work() as work:
        found = environments.get_environment(work, reference)
        return _of(domains.add_domain(work, found, host, actor=actor))


def verify_domain(reference: str, host: str, *, actor: str) -> OwnDomain:
    """Look for the record; from then on the environment answers to the domain. Idempotent.

    Errors: NotFound, InvalidInput when it is not there, DnsUnavailable, AlreadyExists.
    """
    with unit_of_work() as work:
        found = environments.get_environment(work, reference)
        row = domains.get_domain(work, found, host)
        name, token = row.host, row.token
    check_owner(name, token, load_settings().dns_server)
    with unit_of_work() as work:
        found = environments.get_environment(work, reference)
        row = domains.get_domain(work, found, host)
        domains.record_verified(work, row, actor=actor)
        return _of(row)


def remove_domain(reference: str, host: str, *, actor: str) -> None:
    """Answer to a domain no more.

    Errors: NotFound.
    """
    with unit_of_work() as work:
        found = environments.get_environment(work, reference)
        domains.remove_domain(work, domains.get_domain(work, found, host), actor=actor)


def list_domains(reference: str) -> list[OwnDomain]:
    """List an environment's domains.

    Errors: NotFound.
    """
    with unit_of_work() as work:
        found = environments.get_environment(work, reference)
        return [_of(row) for row in domains.list_domains(work, found)]
