"""Where a sync's parts are copied: in this process, or on a Dask cluster where one is named."""

from __future__ import annotations

from typing import Any

from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from greenroom.errors import InvalidInput
from greenroom.settings import load_settings


def sync_runner() -> TaskRunner[Any]:
    """Give the runner that the settings choose.

    Errors: InvalidInput when a Dask cluster is named and Prefect's runner for it is missing.
    """
    settings = load_settings()
    if settings.dask_address is None:
        return ThreadPoolTaskRunner(max_workers=settings.sync_workers)
    try:
        from prefect_dask.task_runners import DaskTaskRunner
    except ImportError as error:
        raise InvalidInput(
            "GREENROOM_DASK_ADDRESS is set, but prefect-dask is not installed",
            hint="Install it: pip install 'greenroom[dask]'.",
        ) from error
    runner: TaskRunner[Any] = DaskTaskRunner(address=settings.dask_address)
    return runner
