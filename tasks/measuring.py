"""What copies use: measured by reconcile, shown to people, asked before one more is started."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from prefect import get_run_logger

from greenroom.errors import GreenroomError, LimitReached
from greenroom.hosting import room
from greenroom.hosting.base import Usage
from greenroom.hosting.registry import runtime_for
from greenroom.manifest import VENDORS, Manifest
from greenroom.settings import load_settings
from greenroom.store import environments
from greenroom.store.models import (
    Environment,
    EnvironmentKind,
    Instance,
    InstanceState,
    Release,
    now,
)
from greenroom.store.work import unit_of_work
from tasks.policies import step
from tasks.values import Candidate, Held


@step
def check_room(held: Held, candidate: Candidate) -> None:
    """Refuse to start a copy that could exhaust the machine's memory. Changes nothing.

    Errors: LimitReached, naming what would free it.
    """
    settings = load_settings()
    with unit_of_work() as work:
        release = work.get_one(Release, candidate.release_id)
        limit_bytes = Manifest.from_json(release.manifest).resources.memory_bytes
        serving = environments.serving_instance(work, held.environment_id)
        used_bytes = serving.used.get("memory_bytes") if serving is not None else None
        residents = []
        for copy in environments.list_instances(work):
            environment = work.get_one(Environment, copy.environment_id)
            if copy.machine:
                continue
            residents.append(
                room.Resident(
                    f"{environment.project.name}/{environment.name}",
                    int(copy.used.get("memory_bytes") or 0),
                    copy.state == InstanceState.KEPT, copy.asleep == "paused",
                    environment.kind == EnvironmentKind.PRODUCTION,
                )
            )  # fmt: skip
        instance = work.get_one(Instance, candidate.instance_id)
    if candidate.runtime in ("static", *VENDORS) or instance.address or instance.machine:
        return  # nothing runs, or it runs already, or elsewhere: then its host was asked
    refused = room.refuse_memory(
        room.expected_bytes(limit_bytes, used_bytes), room.free_memory_bytes(),
        settings.least_free_memory_bytes, residents,
    )  # fmt: skip
    if refused is not None:
        why, hint = refused
        raise LimitReached(why, hint=hint)


@step
def measure_copies() -> int:
    """Write down what each copy uses; warn of one that writes too much. Idempotent."""
    with unit_of_work() as work:
        copies = environments.list_instances(work, None, InstanceState.SERVING, InstanceState.KEPT)
        limits = {
            c.id: Manifest.from_json(work.get_one(Release, c.release_id).manifest).resources
            for c in copies
        }
    found: dict[UUID, dict[str, Any]] = {}
    for copy in copies:
        if copy.runtime in ("static", *VENDORS):
            continue
        try:
            used = runtime_for(copy.runtime).usage(copy.name)
        except GreenroomError as error:
            get_run_logger().warning("%s was not measured: %s", copy.name, error.message)
            continue
        found[copy.id] = _row(copy, used, limits[copy.id].disk_bytes)
        if found[copy.id]["is_over_disk"]:
            get_run_logger().warning(
                "%s has written %d bytes, more than its %s",
                copy.name, used.disk_bytes, limits[copy.id].disk,
            )  # fmt: skip
    with unit_of_work() as work:
        for key, row in found.items():
            instance = work.get(Instance, key)
            if instance is not None:
                instance.used = row
    return len(found)


def _row(copy: Instance, used: Usage, disk_limit_bytes: int) -> dict[str, Any]:
    """Give what is kept of a measurement; the CPU share is that since the one before."""
    moment = now().timestamp()
    row: dict[str, Any] = {**asdict(used), "at": moment, "disk_limit_bytes": disk_limit_bytes}
    row["is_over_disk"] = (used.disk_bytes or 0) > disk_limit_bytes
    before, seconds = copy.used.get("cpu_seconds"), moment - copy.used.get("at", moment)
    row["cpu_share"] = None
    if used.cpu_seconds is not None and before is not None and seconds > 1:
        row["cpu_share"] = round(max(0.0, used.cpu_seconds - before) / seconds, 3)
    return row
