"""Holding a sync: one of a project at a time; its log, its progress, and how it ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from prefect import runtime
from prefect.client.schemas.objects import State
from prefect.states import Cancelled

from greenroom.data.keeper import check_kept, renew
from greenroom.errors import (
    DatabaseUnavailable,
    EnvironmentLocked,
    GreenroomError,
    Overtaken,
    PlatformError,
)
from greenroom.names import template_name
from greenroom.notices import note_sync
from greenroom.redaction import redactor_for_project
from greenroom.settings import load_settings
from greenroom.store import policies, syncs
from greenroom.store.audit import record_audit
from greenroom.store.models import Sync, SyncStatus
from greenroom.store.work import unit_of_work
from tasks.hold import HOST, LOCK_WAIT_SECONDS, is_process_alive, this_process
from tasks.log import run_logger
from tasks.policies import step
from tasks.values import Syncing, SyncOutcome, SyncRequest

FLUSH_SECONDS, MEASURE_SECONDS = 0.5, 1.0


class Teller:
    """Tells what a sync does, and whether it is still wanted; several threads may share one."""

    def __init__(self, sync_id: UUID) -> None:
        self.sync_id = sync_id
        with unit_of_work() as work:
            self.redact = redactor_for_project(syncs.get_sync(work, sync_id).project)
        self._mutex, self._looked_at, self._measured_at = threading.Lock(), 0.0, 0.0
        self._lines: list[str] = []
        self._progress: dict[str, dict[str, Any]] = {}
        self._prefect = run_logger()

    def __call__(self, line: str) -> None:
        """Say a line."""
        clean = self.redact(line)
        with self._mutex:
            self._lines.append(clean)
        self._prefect.info("%s", clean)

    def measure(self, count: Callable[[], dict[str, dict[str, Any]]], *, now: bool = False) -> None:
        """Say how far the tables have come, by a count that is made once in a while."""
        moment = time.monotonic()
        with self._mutex:
            if not now and moment - self._measured_at < MEASURE_SECONDS:
                return
            self._measured_at = moment
        counted = count()
        with self._mutex:
            self._progress |= counted

    def flush(self) -> None:
        """Bring what was said to the store; kept for later while the store is away."""
        with self._mutex:
            lines, self._lines = self._lines, []
            progress, self._progress = self._progress, {}
        try:
            with unit_of_work() as work:
                syncs.append_log(work, self.sync_id, lines)
                if progress:
                    syncs.add_progress(work, self.sync_id, progress)
        except DatabaseUnavailable:
            with self._mutex:
                self._lines, self._progress = lines + self._lines, progress | self._progress

    def check(self) -> None:
        """Return if the sync shall and can go on; cheap enough to be called often.

        Errors: Overtaken, SyncFailed when the snapshot was given up.
        """
        moment = time.monotonic()
        with self._mutex:
            if moment - self._looked_at < FLUSH_SECONDS:
                return
            self._looked_at = moment
        self.flush()
        renew(load_settings(), str(self.sync_id))
        check_kept(load_settings(), str(self.sync_id))
        try:
            with unit_of_work() as work:
                syncs.check_wanted(syncs.get_sync(work, self.sync_id))
        except DatabaseUnavailable:
            return  # not knowing is no reason to stop


@contextmanager
def telling(sync_id: UUID, phase: str) -> Iterator[Teller]:
    """Open a phase of a sync; its end adds the seconds."""
    begun = time.monotonic()
    with unit_of_work() as work:
        work.get_one(Sync, sync_id, with_for_update=True).phase = phase
    teller = Teller(sync_id)
    try:
        teller.check()
        yield teller
    except Overtaken as error:
        teller(error.message)
        raise
    finally:
        teller.flush()
        _add_phase(sync_id, phase, time.monotonic() - begun)


def _add_phase(sync_id: UUID, phase: str, seconds: float) -> None:
    try:
        with unit_of_work() as work:
            sync = work.get_one(Sync, sync_id, with_for_update=True)
            sofar = dict(sync.phases)
            sofar[phase] = round(max(sofar.get(phase, 0.0), seconds), 3)
            sync.phases = sofar
    except DatabaseUnavailable:
        pass  # a missing figure must not fail a sync


@step
def begin_sync(request: SyncRequest) -> Syncing:
    """Take up a sync, waiting for another of the project's to end. Idempotent.

    Errors: EnvironmentLocked, Overtaken.
    """
    deadline = time.monotonic() + LOCK_WAIT_SECONDS
    run = runtime.flow_run.id
    while True:
        try:
            with unit_of_work() as work:
                flow_run_id = UUID(str(run)) if run else None
                sync = syncs.begin(work, request.sync_id, HOST, this_process(), flow_run_id)
                project = sync.project
                policy = policies.find_policy(work, project)
                return Syncing(
                    sync.id, project.id, sync.environment_id, tuple(sync.tables),
                    template_name(project.name, str(project.id)), policy.number if policy else 0,
                )  # fmt: skip
        except EnvironmentLocked:
            if not _end_dead(request) and time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def _end_dead(request: SyncRequest) -> bool:
    """End the sync that stands in the way, if its process is gone."""
    with unit_of_work() as work:
        project_id = work.get_one(Sync, request.sync_id).project_id
        for other in syncs.list_unfinished(work):
            dead = other.status == SyncStatus.RUNNING and not is_process_alive(
                other.host, other.process
            )
            if dead and other.project_id == project_id and other.id != request.sync_id:
                error = PlatformError("the run was killed before it ended")
                syncs.finish(other, SyncStatus.FAILED, error.as_json())
                return True
    return False


@step
def end_sync(sync_id: UUID, status: str, error: GreenroomError | None) -> None:
    """Record how a sync ended. Idempotent."""
    with unit_of_work() as work:
        sync = work.get_one(Sync, sync_id, with_for_update=True)
        if sync.status in syncs.FINAL:
            return
        described = None
        if error is not None:
            redact = redactor_for_project(sync.project)
            described = {key: redact(value) for key, value in error.as_json().items()}
        syncs.finish(sync, SyncStatus(status), described)
        record_audit(
            work, "sync", f"sync.{sync.status}", project=sync.project, subject=f"#{sync.number}",
            environment=sync.environment,
        )  # fmt: skip
        note_sync(work, sync.project, sync)
        if described is not None:
            syncs.append_log(work, sync_id, [f"{described['error']}: {described['detail']}"])


@contextmanager
def syncing(request: SyncRequest) -> Iterator[Syncing]:
    """Hold a project's data while it is synced; record the end, whatever it is.

    One that was cancelled ends quietly here; every other failure goes on.
    """
    sync = begin_sync(request)
    try:
        yield sync
    except Overtaken as error:
        end_sync(sync.sync_id, SyncStatus.CANCELLED, error)
    except GreenroomError as error:
        end_sync(sync.sync_id, SyncStatus.FAILED, error)
        raise
    except BaseException as error:
        unknown = PlatformError(f"unexpected {type(error).__name__}")
        end_sync.fn(sync.sync_id, SyncStatus.FAILED, unknown)  # the engine may be going down
        raise
    else:
        end_sync(sync.sync_id, SyncStatus.DONE, None)


@step
def sync_outcome(request: SyncRequest) -> SyncOutcome:
    """Read how a sync ended. Idempotent."""
    with unit_of_work() as work:
        sync = syncs.get_sync(work, request.sync_id)
        ended = sync.completed_at
        rows = sum(int(table.get("rows", 0)) for table in sync.progress.values())
        return SyncOutcome(
            request.project, sync.number, sync.status, rows,
            (ended - sync.requested_at).total_seconds() if ended else 0.0,
        )  # fmt: skip


def report_sync(request: SyncRequest) -> SyncOutcome | State[Any]:
    """Give the flow's result: a sync that was cancelled ends *cancelled*, not *failed*."""
    result = sync_outcome(request)
    if result.status == SyncStatus.CANCELLED:
        return Cancelled(message=f"sync #{result.number} was cancelled")
    return result
