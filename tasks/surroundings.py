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
from tasks.placing import place_environment
from tasks.policies import step
from tasks.values import Held


@step
def ensure_surroundings(held: Held, release_id: UUID) -> None:
    """Give an environment its network and the services that its manifest names. Idempotent.

    Only for the `docker` runtime. First it is said at which host the environment's copies run.

    Errors: HostingError where a guard is required and there is none; a service that ends;
    LimitReached, HostUnavailable where no host takes it.
    """
    with unit_of_work() as work:
        if work.get_one(Release, release_id).runtime != "docker":
            return
    with narrate(held.deployment, "network", "network") as log:
        machine = place_environment(held.environment_id, release_id, log)
        surround(held.environment_id, release_id, machine, log, log.check)


def surround(
    environment_id: UUID, release_id: UUID, machine: str, log: Log, check: Check
) -> None:  # fmt: skip
    """Make network and services at a host, and record the network: by it is told who asks."""
    from greenroom.hosting.placed import runtime_at
    from greenroom.hosting.services import Services
    from greenroom.hosting.swarm import SwarmRuntime

    settings = load_settings()
    with unit_of_work() as work:
        environment = work.get_one(Environment, environment_id)
        manifest = Manifest.from_json(work.get_one(Release, release_id).manifest)
        guarded = guard_of(environment, "docker", machine) is not None
        is_staging = environment.kind != EnvironmentKind.PRODUCTION
    if is_staging and not guarded:
        reason = f"{machine} is another machine" if machine else why_unguarded(settings)
        if settings.egress_guard == "required":
            raise HostingError(
                f"the egress guard is required, and there is none: {reason}",
                hint="`greenroom doctor` says what is missing.",
            )
        log(f"no egress guard: {reason}. It can reach the world, and send mail")
    runtime = runtime_at(settings, machine)
    if isinstance(runtime, SwarmRuntime):
        runtime.ensure_network(str(environment_id))
        with unit_of_work() as work:
            networks.forget_network(work, environment_id)
        return
    network = runtime.ensure_network(str(environment_id), guarded=guarded)
    with unit_of_work() as work:
        if machine:
            networks.forget_network(work, environment_id)  # its addresses mean nothing here
        else:
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
