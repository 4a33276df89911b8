"""The steps of a sync of files: list, copy, let the CDN forget."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from prefect import get_run_logger

from greenroom.assets.base import Credentials, Source, Target
from greenroom.assets.marks import mark_place
from greenroom.assets.places import read_place
from greenroom.assets.plan import Rules
from greenroom.assets.uploads import Ledger
from greenroom.assets.work import (
    Carrier,
    Progress,
    list_differences,
    open_sides,
    read_steps,
)
from greenroom.edge.cdn import open_cdn
from greenroom.errors import CdnFailed, DatabaseUnavailable
from greenroom.settings import load_settings
from greenroom.store import assets, syncs
from greenroom.store.models import AssetSync, now
from greenroom.store.work import unit_of_work
from tasks.policies import step
from tasks.values import AssetsHeld

TOLD_SECONDS = 1.0
SAMPLE = 200
"""Steps of a plan that its report shows."""
MOST_FORGOTTEN = 3000
"""Changed files that a CDN is told one by one; beyond that it forgets all."""


def state_folder(project_id: UUID) -> Path:
    """Give the folder of a project's plan and ledger."""
    return load_settings().path("assets", str(project_id))


class _Wanted:
    """Raises Overtaken once the sync shall stop; asks the store once in a while."""

    def __init__(self, sync_id: UUID) -> None:
        self.sync_id, self._at, self._mutex = sync_id, 0.0, threading.Lock()

    def __call__(self) -> None:
        moment = time.monotonic()
        with self._mutex:
            if moment - self._at < TOLD_SECONDS:
                return
            self._at = moment
        try:
            with unit_of_work() as work:
                assets.check_asset_sync(assets.get_asset_sync(work, self.sync_id))
        except DatabaseUnavailable:
            return  # not knowing is no reason to stop


class _Teller:
    """Writes progress to the store once in a while."""

    def __init__(self, sync_id: UUID) -> None:
        self.sync_id, self._at = sync_id, 0.0

    def __call__(self, progress: Progress, *, is_end: bool = False) -> None:
        moment = time.monotonic()
        if not is_end and moment - self._at < TOLD_SECONDS:
            return
        self._at = moment
        try:
            with unit_of_work() as work:
                row = work.get_one(AssetSync, self.sync_id)
                row.progress = progress.as_json()
        except DatabaseUnavailable:
            pass


@contextmanager
def _opened(held: AssetsHeld) -> Iterator[tuple[Source, Target, Rules, Ledger]]:
    with unit_of_work() as work:
        setting = assets.get_setting(work, assets.get_asset_sync(work, held.sync_id).project)
        known = assets.credentials_of(setting)
        rules = replace(Rules.from_json(setting.rules), deletes=held.deletes)
        source = read_place(setting.source, Credentials.from_json(known.get("source", {})))
        target = read_place(setting.target, Credentials.from_json(known.get("target", {})))
    with (
        closing(Ledger(state_folder(held.project_id) / "ledger.sqlite")) as ledger,
        open_sides(source, target, ledger) as (reading, writing),
    ):
        yield reading, writing, rules, ledger


@step
def list_assets(held: AssetsHeld) -> int:
    """List production's files and staging's, and plan; give how many steps there are. Idempotent.

    Errors: AssetsRefused, AssetsUnavailable, NotAllowed when staging's place is production's.
    """
    folder = state_folder(held.project_id)
    with unit_of_work() as work:
        sync = work.get_one(AssetSync, held.sync_id)
        data = syncs.last_done(work, sync.project)
        sync.phase, sync.listed_at = "list", now()
        sync.snapshot_at = data.snapshot_at if data else None
        at = sync.snapshot_at
    with _opened(held) as (source, target, rules, ledger):
        plan, check = folder / "plan.jsonl", _Wanted(held.sync_id)
        totals = list_differences(source, target, rules, ledger, plan, check, at)
    sample = []
    for made in read_steps(plan):
        sample.append([str(made.act), made.entry.key[:300], made.entry.size_bytes])
        if len(sample) == SAMPLE:
            break
    known = {k: v for k, v in totals.__dict__.items() if k not in ("bounds", "strange_names")}
    with unit_of_work() as work:
        sync = work.get_one(AssetSync, held.sync_id)
        sync.totals = known
        sync.report = {**sync.report, "sample": sample, "strange": totals.strange_names}
    get_run_logger().info(
        "%s files of production, %s the same, %s to copy (%s bytes), %s to delete",
        totals.listed, totals.same, totals.copies, totals.copy_bytes, totals.deletes,
    )  # fmt: skip
    if totals.strange:
        get_run_logger().warning(
            "%s files are left out, whose names are no text in UTF-8: %s",
            totals.strange, ", ".join(totals.strange_names[:5]),
        )  # fmt: skip
    return totals.copies + totals.deletes


@step
def copy_assets(held: AssetsHeld) -> None:
    """Carry out the plan. Idempotent: what has arrived is passed over by the next listing.

    Errors: AssetsRefused, AssetsUnavailable, Overtaken; what was copied stays copied.
    """
    folder = state_folder(held.project_id)
    with unit_of_work() as work:
        sync = work.get_one(AssetSync, held.sync_id)
        sync.phase, totals = "copy", dict(sync.totals)
    progress = Progress(int(totals.get("copies", 0)), int(totals.get("copy_bytes", 0)))
    tell = _Teller(held.sync_id)
    with _opened(held) as (source, target, rules, ledger):
        mark_place(target, str(held.project_id))
        carrier = Carrier(
            source, target, rules, ledger, progress, _Wanted(held.sync_id), tell, MOST_FORGOTTEN + 1
        )
        try:
            carrier.carry_out(read_steps(folder / "plan.jsonl"))
        finally:
            tell(progress, is_end=True)
            with unit_of_work() as work:
                row = work.get_one(AssetSync, held.sync_id)
                row.report = {
                    **row.report, "refused": progress.refused,
                    "changed_count": progress.changed_count,
                    "changed": progress.changed_keys,
                }  # fmt: skip


@step
def forget_at_cdn(held: AssetsHeld) -> None:
    """Let staging's CDN forget what was changed. Idempotent.

    Errors: CdnFailed.
    """
    with unit_of_work() as work:
        sync = work.get_one(AssetSync, held.sync_id)
        setting = assets.get_setting(work, sync.project)
        keys, count = list(sync.report.get("changed", [])), sync.report.get("changed_count", 0)
        kept = assets.credentials_of(setting).get("cdn", {})
        options, base = dict(setting.cdn), str(setting.base_urls.get("staging", ""))
        sync.phase = "cdn"
    if not options or not count:
        return
    cdn = open_cdn(options, kept)
    all_of_it = count > MOST_FORGOTTEN
    try:
        told = cdn.forget_all(base) if all_of_it else cdn.forget(base, keys)
    except CdnFailed as error:
        with unit_of_work() as work:
            row = work.get_one(AssetSync, held.sync_id)
            row.report = {**row.report, "cdn": f"failed: {error.message}"}
        raise
    with unit_of_work() as work:
        row = work.get_one(AssetSync, held.sync_id)
        report = {k: v for k, v in row.report.items() if k != "changed"}
        row.report = {**report, "cdn": told}
