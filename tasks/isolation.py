"""Trying to get out of an environment, and recording how far it came."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

import psutil
from prefect import get_run_logger

from greenroom.errors import GreenroomError, InvalidInput, PlatformError
from greenroom.guarding import installed_guard
from greenroom.hosting.base import Copy
from greenroom.isolating import place_check
from greenroom.isolation.check import Checked, CheckOrder, run_check
from greenroom.isolation.guarantees import (
    Probe,
    describe_unguarded,
    judge,
    probe_common,
    probe_mail_variables,
)
from greenroom.settings import load_settings
from greenroom.store import environments, isolation, networks
from greenroom.store.models import (
    Environment,
    EnvironmentKind,
    EnvironmentNetwork,
    IsolationCheck,
    now,
)
from greenroom.store.work import database_url, unit_of_work
from tasks.copies import copy_of
from tasks.policies import step
from tasks.values import CheckRequest, DeployRequest

MOST_PORTS, MOST_ADDRESSES, MOST_SIBLINGS = 12, 3, 3
FRESH = timedelta(days=1)
"""A deployment has it checked again when the last one is older, or ended otherwise than well."""


@step
def order_check(request: DeployRequest) -> None:
    """Order a check of what was just deployed, where none of today holds. Idempotent.

    What keeps it from being ordered is in the run's log: it fails no deployment.
    """
    with unit_of_work() as work:
        environment = work.get_one(Environment, request.environment_id)
        row = networks.find_network(work, environment.id)
        if environment.kind == EnvironmentKind.PRODUCTION or row is None or not row.is_guarded:
            return
        last = next(iter(isolation.list_checks(work, environment, limit=1)), None)
        since = max(row.created_at, now() - FRESH)
        if last is not None and last.verdict == "proved" and last.requested_at > since:
            return
    try:
        place_check(request.environment, actor="deployment")
    except GreenroomError as error:
        get_run_logger().warning("isolation is not checked: %s", error.message)


@contextmanager
def checking(request: CheckRequest) -> Iterator[None]:
    """Record that a check could not be made, whatever kept it."""
    try:
        yield
    except GreenroomError as error:
        end_badly(request.check_id, error)
        raise
    except BaseException as error:
        end_badly.fn(request.check_id, PlatformError(f"unexpected {type(error).__name__}"))
        raise


@step
def end_badly(check_id: UUID, error: GreenroomError) -> None:
    """Record that a check could not be made. Idempotent."""
    with unit_of_work() as work:
        isolation.fail_check(work.get_one(IsolationCheck, check_id), error.as_json())


@step
def try_to_get_out(request: CheckRequest) -> str:
    """Try everything, record how far it came, and give the verdict. Idempotent.

    Errors: InvalidInput where nothing serves, PlatformError where the network cannot be entered.
    """
    settings = load_settings()
    with unit_of_work() as work:
        check = isolation.get_check(work, request.check_id)
        environment = isolation.environment_of(work, check)
        serving = environments.serving_instance(work, environment.id)
        if serving is None:
            raise InvalidInput("nothing serves there", hint="Deploy it, or wake it, first.")
        check.status, check.runtime = "running", serving.runtime
        copy, network = copy_of(work, serving), networks.find_network(work, environment.id)
        known = environments.environment_database_url(environment) or ""
        runtime, host = serving.runtime, environment.host
    others = urlsplit(database_url()).path.lstrip("/")
    probes = probe_common(copy.variables, known, settings.gateway_port, host, others)
    checked: Checked | None = None
    if runtime == "docker" and network is not None and not serving.machine:
        checked = run_check(_order(copy, network))
        probes = [Probe(**one) for one in checked.probes] + probes
    else:
        if runtime == "process":
            probes.append(probe_mail_variables(settings.bind_loopback, settings.mail_port))
        probes += describe_unguarded(runtime)
    packets = checked.packets if checked else None
    verdict = judge(probes, packets, needs_packets=checked is not None)
    with unit_of_work() as work:
        row = work.get_one(IsolationCheck, request.check_id, with_for_update=True)
        isolation.finish_check(row, verdict, [vars(one) for one in probes], packets)
    return verdict


def _order(copy: Copy, network: EnvironmentNetwork) -> CheckOrder:
    from greenroom.hosting.engine import DockerRuntime
    from greenroom.hosting.networks import describe_place

    settings = load_settings()
    guard = installed_guard(settings) if network.is_guarded else None
    runtime = DockerRuntime(settings)
    pid, siblings = describe_place(
        runtime.client, copy.name, copy.environment_id, str(settings.home)
    )
    closed = set(guard.ports) if guard else set()
    listening = [c for c in psutil.net_connections("tcp4") if c.status == psutil.CONN_LISTEN]
    places = [c.laddr for c in listening if c.laddr]
    ports = {place.port for place in places if not place.ip.startswith("127.")}
    ports |= {settings.gateway_port, settings.prefect_port, settings.postgres_port, 22}
    own = [
        one.address
        for name, all_ in psutil.net_if_addrs().items()
        for one in all_
        if one.family == 2 and not one.address.startswith("127.") and name != network.bridge
    ]
    return CheckOrder(
        pid=pid, bridge=network.bridge, gateway=network.gateway,
        token=f"t{secrets.token_hex(8)}", proxy_port=guard.proxy_port if guard else 0,
        host_addresses=[network.gateway, *own[: MOST_ADDRESSES - 1]],
        host_ports=sorted(ports - closed)[:MOST_PORTS], siblings=siblings[:MOST_SIBLINGS],
    )  # fmt: skip


@step
def end_lost_checks() -> int:
    """End checks that nobody works at any more; give how many. Idempotent."""
    with unit_of_work() as work:
        lost = isolation.list_lost(work)
        for check in lost:
            error = PlatformError("the run was killed before it ended", hint="Check again.")
            isolation.fail_check(check, error.as_json())
    return len(lost)
