"""Take an environment away."""

from __future__ import annotations

from prefect import flow

from tasks.hold import holding
from tasks.teardown import (
    close_routes,
    drop_own_database,
    remove_leftovers,
    remove_queue,
    stop_copies,
)
from tasks.telling import tell_forge_gone
from tasks.values import TeardownRequest


@flow(name="teardown", flow_run_name="teardown-{request.environment}")
def teardown(request: TeardownRequest) -> None:
    """Destroy ``request.environment`` with all that is only its. Running it again is harmless."""
    with holding(request.environment_id, "destroying it") as held:
        close_routes(held)
        stop_copies(held)
        drop_own_database(held)
        remove_leftovers(held)
    remove_queue(request.environment_id)
    tell_forge_gone(request.environment_id)
