"""Ordered → first answer from the new version, of a small static site and a small image."""

from __future__ import annotations

import shutil
import statistics
import time

from benchmarks.edge import needed
from benchmarks.line import Line
from benchmarks.village import Site, running_village, until, visit
from greenroom import orders
from greenroom.store import deployments, environments
from greenroom.store.work import unit_of_work

ROUNDS = 5
GOALS_SECONDS = {"static": 5.0, "docker": 8.0}
DOCKERFILE = """\
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
WORKDIR /app
COPY index.html /app/index.html
"""
MANIFESTS = {
    "static": "version: 1\nruntime: static\n",
    "docker": "version: 1\nruntime: docker\nrun:\n  command: exec httpd -f -p $PORT -h /app\n"
    "health: {interval_seconds: 0.1}\nresources: {size: small}\n",
}


def _files(kind: str, text: str) -> dict[str, str]:
    return {
        "index.html": text, "greenroom.yaml": MANIFESTS[kind],
        **({"Dockerfile": DOCKERFILE} if kind == "docker" else {}),
    }  # fmt: skip


def _deploy(site: Site, kind: str, text: str) -> float:
    """Deploy a changed page; give the seconds until it answers."""
    commit = site.change(_files(kind, text))
    host = site.environment("production").host
    begun = time.monotonic()
    orders.place_deploy(site.name, "main", commit=commit, actor="benchmark")
    until(lambda: text.encode() in visit(host)[1], f"{kind}'s new page")
    seconds = time.monotonic() - begun
    until(lambda: _is_settled(site), "the run's end")
    return seconds


def _is_settled(site: Site) -> bool:
    with unit_of_work() as work:
        found = environments.get_environment(work, f"{site.name}/production")
        return deployments.find_lock(work, found.id) is None


def gone(site: Site) -> None:
    """Take the site's containers and images away: the engine is not ours."""
    orders.place_destroy(f"{site.name}/production", actor="benchmark")

    def is_gone() -> bool:
        with unit_of_work() as work:
            found = environments.list_environments(work, destroyed=True)
            return all(e.status == "destroyed" for e in found if e.project.name == site.name)

    until(is_gone, "the site's end")


def run() -> Line:
    """Deploy both over and over on one platform; the first of each warms the caches."""
    figures: dict[str, list[float]] = {kind: [] for kind in GOALS_SECONDS}
    with running_village(keep_previous_seconds=0) as village:
        for kind, found in figures.items():
            site = village.build(_files(kind, "first"))
            if kind == "docker":
                shutil.copy(needed("busybox"), site.folder / "busybox")
                site.change(_files(kind, "first"))
            site.deploy()
            found += [_deploy(site, kind, f"page {number}") for number in range(ROUNDS)]
            gone(site)
    medians = {kind: statistics.median(found) for kind, found in figures.items()}
    is_met = all(medians[kind] <= goal for kind, goal in GOALS_SECONDS.items())
    return Line(
        "kinds", medians["docker"], "s from ordered to answered: an image, warm cache",
        "a static site, ordered in the same way", medians["static"],
        " and ".join(f"{kind} <= {goal:g} s" for kind, goal in GOALS_SECONDS.items()), is_met,
        {kind: {"median": round(medians[kind], 3), "worst": round(max(found), 3)}
         for kind, found in figures.items()},
    )  # fmt: skip
