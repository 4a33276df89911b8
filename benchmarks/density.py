"""What a hundred idle environments cost in memory; rival: the same copies without a platform."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

from benchmarks.line import Line
from benchmarks.village import Site, Village, app, running_village, until, visit
from greenroom import living
from greenroom.hosting import family
from greenroom.hosting.registry import runtime_for
from greenroom.store import deployments, environments, projects
from greenroom.store.life import Wishes
from greenroom.store.models import Instance, InstanceState, Release
from greenroom.store.states import EnvironmentStatus
from greenroom.store.work import unit_of_work
from tasks.copies import copy_of

COUNT, GOAL_BYTES = 100, 4 * 1024**3


def _memory_bytes(pids: set[int]) -> int:
    return family.measure(pids, (None, None, None), Path("/nonexistent")).memory_bytes or 0


def _more(site: Site, number: int) -> str:
    """Give one more environment its copy of the release that is there, as a deployment would."""
    with unit_of_work() as work:
        owner = projects.get_project(work, site.name)
        release = work.query(Release).filter_by(project_id=owner.id).one()
        made = environments.ensure_environment(work, owner, f"b{number}", actor="benchmark")
        order = deployments.create_deployment(
            work, made, ref="main", deployed_by="benchmark", release_id=release.id
        )
        copy = Instance(
            environment_id=made.id, deployment_id=order.id, release_id=release.id,
            name=f"{site.name}-copy-{number}", runtime="process", address="",
            state=InstanceState.SERVING,  # one that starts without a run would be taken for left
        )  # fmt: skip
        order.status = "live"
        environments.set_status(made, EnvironmentStatus.ACTIVE)
        work.add(copy)
        work.flush()
        described, key, host = copy_of(work, copy), copy.id, made.host
    runtime = runtime_for("process")
    address = runtime.start(described)
    runtime.settle(described.name)
    with unit_of_work() as work:
        work.get_one(Instance, key).address = address
    return host


def _asleep(how: str) -> int:
    with unit_of_work() as work:
        return work.query(Instance).filter_by(state=InstanceState.SERVING, asleep=how).count()


def _measure(village: Village) -> tuple[int, int]:
    """Give the memory of all copies, and of the platform beside them."""
    with unit_of_work() as work:
        names = {c.name for c in environments.list_instances(work, None, InstanceState.SERVING)}
    states = village.platform.programs.states()
    copies: set[int] = set()
    for name, state in states.items():
        if name.removeprefix("app-") in names:
            copies |= family.tree(state.pid)
    file = village.platform.settings.path("run", "supervisord.pid")
    everything = family.tree(int(file.read_text()))
    return _memory_bytes(copies), _memory_bytes(everything - copies)


def run(scale: float = 1.0) -> Line:
    """Let as many environments fall asleep as ``scale`` of a hundred; then visit them all."""
    count = max(2, round(COUNT * scale))
    with running_village(least_free_memory_bytes=0) as village:
        site = village.build(app("1"))
        site.deploy()
        hosts = [_more(site, number) for number in range(count)]
        until(lambda: all(visit(host)[0] == 200 for host in hosts), "every environment's answer")
        awake, _ = _measure(village)
        living.place_wishes(site.name, Wishes(1, 0), actor="benchmark")
        until(lambda: _asleep("paused") == count, "all asleep", 300)
        cpu = _cpu_seconds(village)
        time.sleep(10)
        share = (_cpu_seconds(village) - cpu) / 10
        paused, platform = _measure(village)
        with ThreadPoolExecutor(10) as pool:
            good = sum(status == 200 for status, _ in pool.map(visit, hosts))
        living.place_wishes(site.name, Wishes(0, 1), actor="benchmark")
        until(lambda: _asleep("stopped") == count, "all stopped", 300)
        stopped, _ = _measure(village)
    total = (paused + platform) * 1.0
    mega = 1024**2
    return Line(
        "density", total / mega, f"MiB for {count} paused environments and the platform",
        "the same copies awake, without the platform", awake / mega,
        f"{COUNT} on 4096 MiB", total <= GOAL_BYTES * (count / COUNT) and good == count,
        {
            "environments": count, "of_the_copies": round(paused / mega, 1),
            "of_the_platform": round(platform / mega, 1), "stopped": round(stopped / mega, 1),
            "answered_after": good, "cpu_while_all_sleep": round(share, 3),
            "note": "copies are started by the runtime, not by a deployment each",
        },
    )  # fmt: skip


def _cpu_seconds(village: Village) -> float:
    file = village.platform.settings.path("run", "supervisord.pid")
    total = 0.0
    for pid in family.tree(int(file.read_text())):
        try:
            times = psutil.Process(pid).cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system
    return total
