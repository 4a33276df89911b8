"""What two sides show while they are looked at: one version each, from first to last."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from prefect import get_run_logger

from greenroom.errors import PlatformError
from greenroom.store import comparisons, deployments
from greenroom.store.models import Comparison, Environment, Measurement
from greenroom.store.work import Work, unit_of_work

LOOKS = 5
"""How often what is switched meanwhile is looked at anew before that is given up."""


def note_shown(
    work: Work, row: Comparison | Measurement, *, with_production: bool = True
) -> tuple[Environment, Environment]:
    """Record which commits are looked at; give the environment and its production. Idempotent.

    Without production's where pictures of earlier stand for it.

    Errors: PlatformError.
    """
    environment = work.get_one(Environment, row.environment_id)
    production = comparisons.production_of(work, environment.project)
    if production is None:
        raise PlatformError("production shows nothing any more")
    row.commit_hash = environment.last_deployed_commit or ""
    if with_production:
        row.production_commit = production.last_deployed_commit or ""
    if isinstance(row, Comparison):
        row.artifact = environment.release.artifact if environment.release else ""
    return environment, production


def look_at_one_version(
    read: Callable[[Work], Comparison | Measurement], look: Callable[[], None], *,
    with_production: bool = True,
) -> None:  # fmt: skip
    """Look at both sides, and anew where one was switched meanwhile: never at half of each.

    One that was switched there and back was switched: each switch is a deployment of its own.

    ``read`` gives the row that records which commits were looked at.

    Errors: PlatformError where they do not stay as they are for long enough.
    """

    def switches() -> list[UUID | None]:
        with unit_of_work() as work:
            here, production = note_shown(work, read(work), with_production=with_production)
            sides = (here, production) if with_production else (here,)
            found = [deployments.find_live(work, side.id) for side in sides]
            return [deployment.id if deployment else None for deployment in found]

    before = switches()
    for _ in range(LOOKS):
        look()
        after = switches()
        if after == before:
            return
        get_run_logger().info("what is shown was switched meanwhile: it is looked at anew")
        before = after
    raise PlatformError(
        "what is shown was switched again and again while it was looked at",
        hint="Order it again when nothing is being deployed.",
    )
