"""The project's own scripts around a deployment: release, seed, after_deploy.

Each runs in the new artifact with its variables and limits, has its own time and its own section
of the log.
"""

from __future__ import annotations

from collections.abc import Callable

from greenroom.errors import GreenroomError, HostingError, Overtaken, ReleaseFailed
from greenroom.hosting.registry import runtime_for
from greenroom.isolation.payments import refuse_live_keys
from greenroom.manifest import Run
from greenroom.store.models import DeploymentStatus, Environment, EnvironmentKind, Instance, now
from greenroom.store.work import unit_of_work
from tasks.copies import copy_of
from tasks.log import narrate
from tasks.policies import step
from tasks.running import owner_of, set_status
from tasks.values import Candidate, Held

Choose = Callable[[Run], tuple[str, float]]


@step
def run_release_command(held: Held, candidate: Candidate) -> None:
    """Run ``run.release`` in the new artifact, before it gets traffic.

    Idempotent as far as the project's command is.

    Errors: ReleaseFailed.
    """
    _run(held, candidate, "release", lambda run: (run.release, run.release_timeout_seconds))


@step
def run_seed_command(held: Held, candidate: Candidate) -> None:
    """Run ``run.seed`` in a staging environment that never was seeded, before its first traffic.

    Production is never seeded. Idempotent: once it has ended well it does not run again.

    Errors: ReleaseFailed.
    """
    with unit_of_work() as work:
        environment = work.get_one(Environment, held.environment_id)
        is_done = environment.seeded_at is not None
        if is_done or environment.kind == EnvironmentKind.PRODUCTION:
            return
    if _run(held, candidate, "seed", lambda run: (run.seed, run.seed_timeout_seconds)):
        with unit_of_work() as work:
            work.get_one(Environment, held.environment_id).seeded_at = now()


@step
def run_after_deploy(held: Held, candidate: Candidate) -> None:
    """Run ``run.after_deploy`` once the new version has the traffic.

    It serves already: a failure here is told in the log, and undoes nothing. Idempotent as far as
    the project's command is.
    """
    try:
        _run(
            held, candidate, "after_deploy",
            lambda run: (run.after_deploy, run.after_deploy_timeout_seconds),
        )  # fmt: skip
    except Overtaken:
        pass
    except GreenroomError as error:
        with narrate(held.deployment, "after_deploy") as log:
            log(f"{error.message}; the new version serves all the same")


def _run(held: Held, candidate: Candidate, name: str, choose: Choose) -> bool:
    """Run one script; give whether there was one.

    Errors: ReleaseFailed.
    """
    with unit_of_work() as work:
        copy = copy_of(work, work.get_one(Instance, candidate.instance_id))
        refuse_live_keys(*owner_of(work, held), copy.variables)
    command, seconds = choose(copy.manifest.run)
    command, title = command.strip(), name.replace("_", "-")
    if not command:
        return False
    if name != "after_deploy":
        set_status(held, DeploymentStatus.RELEASING)
    with narrate(held.deployment, name, name) as log:
        for line in command.splitlines():
            log(f"$ {line}")
        try:
            code = runtime_for(candidate.runtime).run_command(
                copy, command, seconds, log, log.check
            )
        except HostingError as error:
            raise ReleaseFailed(f"the {title} command failed: {error.message}") from error
        if code:
            raise ReleaseFailed(
                f"the {title} command ended with exit code {code}",
                hint="Nothing was switched; but what it changed in the database stays changed.",
            )
    return True
