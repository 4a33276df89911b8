"""The state machine of an environment: which status may follow which."""

from __future__ import annotations

from greenroom.errors import InvalidTransition
from greenroom.store.models import EnvironmentStatus as Status

TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.BUILDING: frozenset({Status.ACTIVE, Status.ERROR, Status.SLEEPING, Status.DESTROYED}),
    Status.ACTIVE: frozenset({Status.BUILDING, Status.ERROR, Status.SLEEPING, Status.DESTROYED}),
    Status.ERROR: frozenset({Status.BUILDING, Status.ACTIVE, Status.SLEEPING, Status.DESTROYED}),
    Status.SLEEPING: frozenset({Status.BUILDING, Status.ACTIVE, Status.ERROR, Status.DESTROYED}),
    Status.DESTROYED: frozenset(),
}
"""``active`` means: a healthy version serves, and no deployment runs.

``building``: a deployment runs (the version before goes on serving, if there was one).
``error``: nothing serves, or what serves has died and does not come back. A failed deployment
over a healthy version returns to ``active`` and says so in ``status_reason``.
``sleeping``: what serves is paused or stopped, and wakes on the first request.
"""


def check_transition(present: str, wanted: str) -> Status:
    """Return ``wanted`` if it may follow ``present`` (staying is always allowed), else raise.

    Errors: InvalidTransition.
    """
    before, after = Status(present), Status(wanted)
    if before is not after and after not in TRANSITIONS[before]:
        allowed = ", ".join(sorted(TRANSITIONS[before])) or "nothing: it is final"
        raise InvalidTransition(
            f"an environment that is {before} cannot become {after}",
            hint=f"From {before} it can become: {allowed}.",
        )
    return after
