"""Environments whose time is over: people are warned, then they go."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from greenroom import orders
from greenroom.errors import GreenroomError
from greenroom.manifest import Manifest
from greenroom.notices import note_expiring
from greenroom.store import lives
from greenroom.store.life import lifetime_of
from greenroom.store.models import Environment, now
from greenroom.store.work import unit_of_work
from tasks.policies import step

ACTOR = "lifetime"


@step
def end_lifetimes() -> int:
    """Warn of environments that go soon, and order the end of those whose time is over.

    Idempotent: people are warned once, and an order is placed once. None goes unwarned: one whose
    warning comes late is given its whole time of warning.
    """
    gone: list[tuple[UUID, str]] = []
    with unit_of_work() as work:
        for environment in lives.list_ending(work):
            warn = timedelta(hours=_warn_hours(environment))
            end, moment = environment.expires_at, now()
            if end is None or moment < end - warn:
                continue
            if environment.expiry_told_at is None:
                environment.expires_at = max(end, moment + warn)
                environment.expiry_told_at = moment
                note_expiring(work, environment)
            elif moment >= end:
                orders.record_destroy(work, environment, actor=ACTOR)
                gone.append((environment.id, f"{environment.project.name}/{environment.name}"))
    for key, name in gone:
        try:
            orders.start_teardown(key, name)
        except GreenroomError:
            pass  # it is recorded: the next round starts it
    return len(gone)


def _warn_hours(environment: Environment) -> float:
    release = environment.release
    manifest = Manifest.from_json(release.manifest) if release else Manifest()
    return lifetime_of(environment.kind, manifest, environment.project.life).warn_hours
