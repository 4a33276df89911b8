"""Try to get out of an environment, and record how far it came."""

from __future__ import annotations

from typing import Any

from prefect import flow

from tasks.isolation import checking, try_to_get_out
from tasks.values import CheckRequest


@flow(name="check_isolation", flow_run_name="isolation-{request.environment}")
def check_isolation(request: CheckRequest) -> Any:
    """Prove that nothing leaves ``request.environment``, or say what does. Again is the same."""
    with checking(request):  # records what kept it from being tried
        return try_to_get_out(request)
