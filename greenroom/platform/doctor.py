"""What is well and what is not, each with what to do."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import text

from greenroom.binaries import find_binaries
from greenroom.errors import GreenroomError
from greenroom.guarding import installed_guard, why_impossible
from greenroom.programs import Programs
from greenroom.runs import POOL, Runs
from greenroom.settings import Settings
from greenroom.store.migrate import present_revision, wanted_revision
from greenroom.store.work import database_url, unit_of_work

TRIED_ENGINE = "20.10"
"""The Docker Engine that all tests run with. Source: Debian 12's package docker.io."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    grade: str
    """ok, note (works, but less), bad."""
    text: str
    hint: str = ""


def examine(settings: Settings) -> list[Finding]:
    """Look at machine and platform. Changes nothing."""
    looks: list[Callable[[Settings], Iterator[Finding]]] = [
        _machine,
        _git,
        _postgres,
        _docker,
        _guard,
        _accounts,
        _limits,
        _names,
        _platform,
    ]
    found: list[Finding] = []
    for look in looks:
        try:
            found += look(settings)
        except GreenroomError as error:
            found.append(Finding(look.__name__.strip("_"), "bad", error.message, error.hint))
    return found


def _machine(settings: Settings) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("python", "ok", version)
    home = settings.home if settings.home.exists() else settings.home.parent
    free = shutil.disk_usage(home).free / 1e9
    grade = "ok" if free > 5 else "note" if free > 1 else "bad"
    yield Finding(
        "disk",
        grade,
        f"{free:.1f} GB free at {settings.home}",
        "Free some, or move GREENROOM_HOME.",
    )


def _git(settings: Settings) -> Iterator[Finding]:
    if shutil.which("git") is None:
        yield Finding("git", "bad", "not installed", "Install git.")
        return
    done = subprocess.run(["git", "--version"], capture_output=True, text=True)
    yield Finding("git", "ok", done.stdout.strip().removeprefix("git version "))


def _postgres(settings: Settings) -> Iterator[Finding]:
    if settings.database_url is not None:
        yield Finding("postgres", "ok", "a server of yours (GREENROOM_DATABASE_URL)")
        return
    found = find_binaries(settings)
    yield Finding("postgres", "ok", f"{found.major}, from {found.folder}")


def _docker(settings: Settings) -> Iterator[Finding]:
    import docker  # only here: the command line stays light
    import docker.errors
    import requests.exceptions

    try:
        client = (
            docker.DockerClient(base_url=settings.docker_host, timeout=5)
            if settings.docker_host
            else docker.from_env(timeout=5)
        )
        version = client.version()["Version"]
        client.close()
    except (docker.errors.DockerException, requests.exceptions.RequestException):
        yield Finding(
            "docker",
            "note",
            "no engine answers: environments run as `process` or `static` only",
            "Install Docker Engine, or name one in GREENROOM_DOCKER_HOST.",
        )
    else:
        tried = (
            "" if version.startswith(f"{TRIED_ENGINE}.") else f"; tried with {TRIED_ENGINE} only"
        )
        yield Finding("docker", "ok", f"engine {version}{tried}")


def _guard(settings: Settings) -> Iterator[Finding]:
    reason = why_impossible(settings)
    guard = installed_guard(settings)
    if guard is not None:
        yield Finding("egress guard", "ok", f"keeps staging's containers, by {guard.backend}")
    elif not reason:
        yield Finding("egress guard", "ok", "can be had: it stands while the platform runs")
    else:
        grade = "bad" if settings.egress_guard == "required" else "note"
        yield Finding(
            "egress guard",
            grade,
            f"none: {reason}. Staging's containers reach the world, this machine's services and"
            " real mail servers",
            "Run Greenroom as root on Linux, on the Docker Engine's own machine.",
        )
    yield Finding(
        "process isolation",
        "note",
        "`process` environments are not guarded: only mail sent by the usual variables is captured",
        "Use `docker` for applications that must reach nobody.",
    )


def _accounts(settings: Settings) -> Iterator[Finding]:
    if os.geteuid() != 0:
        yield Finding(
            "accounts",
            "note",
            "projects' code runs as your own account: it can read what you can read",
            "On a shared machine run Greenroom as root (it drops rights), or use Docker.",
        )
    elif settings.app_user == "root":
        yield Finding(
            "accounts",
            "note",
            "projects' code runs as root (GREENROOM_APP_USER=root)",
            "Unset it: `nobody` is the default. Only the demo on root's own Python needs this.",
        )
    else:
        yield Finding("accounts", "ok", f"projects' code runs as {settings.app_user or 'nobody'}")


def _limits(settings: Settings) -> Iterator[Finding]:
    if os.geteuid() == 0 and os.access("/sys/fs/cgroup", os.W_OK):
        yield Finding("limits", "ok", "memory and CPU bound by control groups")
    else:
        yield Finding(
            "limits",
            "note",
            "memory and CPU of `process` environments are bound by watching, within 0.25 s",
            "Run as root on Linux for control groups, or use Docker.",
        )


def _names(settings: Settings) -> Iterator[Finding]:
    name = f"doctor.{settings.base_domain}"
    try:
        socket.getaddrinfo(name, 80)
    except OSError:
        grade = "note"
        text = f"{name} does not resolve here; browsers resolve *.localhost by themselves"
        if settings.base_domain != "localhost":
            grade, text = "bad", f"{name} does not resolve"
        yield Finding("names", grade, text, "For other tools: --resolve, or a wildcard DNS record.")
    else:
        yield Finding("names", "ok", f"*.{settings.base_domain} resolves")


def _platform(settings: Settings) -> Iterator[Finding]:
    programs = Programs(settings)
    if not programs.is_alive():
        yield Finding("platform", "note", "not running", "Start it with `greenroom up`.")
        return
    for state in programs.states().values():
        grade = "ok" if state.state == "RUNNING" else "bad"
        yield Finding(state.name, grade, f"{state.state.lower()}, {state.description}")
    with unit_of_work(database_url(settings)) as work:
        work.execute(text("select 1"))  # an error of ours when it does not answer
    present, wanted = present_revision(database_url(settings)), wanted_revision()
    yield Finding(
        "store",
        "ok" if present == wanted else "bad",
        f"schema {present or 'missing'}" + ("" if present == wanted else f", {wanted} is needed"),
        "`greenroom down`, then `greenroom up`, brings it up to date.",
    )
    runs = Runs(settings)
    alive = runs.is_alive()
    yield Finding("prefect api", "ok" if alive else "bad", "answers" if alive else "no answer")
    if alive:
        pool = runs.pool_status(POOL)
        ready = pool["status"] == "READY"
        yield Finding("worker", "ok" if ready else "bad", str(pool["status"]).lower())
