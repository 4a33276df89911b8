"""What an environment's containers have around them: their network, and services beside them."""

from __future__ import annotations

from uuid import UUID

from greenroom.errors import HostingError
from greenroom.guarding import why_unguarded
from greenroom.hosting.base import Check, Log
from greenroom.manifest import Manifest
from greenroom.settings import load_settings
from greenroom.store import networks
from greenroom.store.models import Environment, EnvironmentKind, Release
from greenroom.store.work import unit_of_work
from tasks.copies import guard_of
from tasks.log import narrate
from tasks.policies import step
from tasks.values import Held


@step
def ensure_surroundings(held: Held, release_id: UUID) -> None:
    """Give an environment its network and the services that its manifest names. Idempotent.

    Only for the `docker` runtime.

    Errors: HostingError where a guard is required and there is none; a service that ends.
    """
    with unit_of_work() as work:
        if work.get_one(Release, release_id).runtime != "docker":
            return
    with narrate(held.deployment, "network", "network") as log:
        surround(held.environment_id, release_id, log, log.check)


def surround(environment_id: UUID, release_id: UUID, log: Log, check: Check) -> None:
    """Make network and services, and record the network: by it is told who asks."""
    from greenroom.hosting.engine import DockerRuntime
    from greenroom.hosting.services import Services

    settings = load_settings()
    with unit_of_work() as work:
        environment = work.get_one(Environment, environment_id)
        manifest = Manifest.from_json(work.get_one(Release, release_id).manifest)
        guarded = guard_of(environment, "docker") is not None
        is_staging = environment.kind != EnvironmentKind.PRODUCTION
    if is_staging and not guarded:
        reason = why_unguarded(settings)
        if settings.egress_guard == "required":
            raise HostingError(
                f"the egress guard is required, and there is none: {reason}",
                hint="`greenroom doctor` says what is missing.",
            )
        log(f"no egress guard: {reason}. It can reach the world, and send mail")
    runtime = DockerRuntime(settings)
    network = runtime.ensure_network(str(environment_id), guarded=guarded)
    with unit_of_work() as work:
        networks.record_network(
            work, environment_id, network.subnet, network.gateway, network.bridge,
            is_guarded=guarded,
        )  # fmt: skip
    if guarded:
        allowed = ", ".join(manifest.egress.allow) or "nothing"
        log(f"guarded: it reaches {allowed} of the world")
    services = Services(runtime)
    for name, service in manifest.services.items():
        services.ensure(str(environment_id), name, service, network, guarded, log, check)
    for name in services.remove(str(environment_id), but=manifest.services):
        log(f"{name}: not named any more, removed; its volume is kept")
