"""What of ours lies on this machine's disk and in its engine. Looks, and removes one thing."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from greenroom.errors import HostingError, HostUnavailable
from greenroom.hosting.networks import ENVIRONMENT_LABEL, HOME_LABEL, LABEL
from greenroom.hosting.process import PREFIX
from greenroom.hosting.registry import has_engine
from greenroom.settings import Settings
from greenroom.store import machines

if TYPE_CHECKING:
    from greenroom.hosting.engine import DockerRuntime

Found = tuple[str, str, str, int, float]
"""Kind, name, owner, bytes, seconds since it was changed."""


def size_of(path: Path) -> int:
    """Give the octets on the disk below a path; links are not followed."""
    try:
        if not path.is_dir() or path.is_symlink():
            return path.lstat().st_blocks * 512
        with os.scandir(path) as entries:
            return sum(size_of(Path(entry.path)) for entry in entries)
    except OSError:
        return 0


def _age(path: Path) -> float:
    try:
        return max(0.0, time.time() - path.lstat().st_mtime)
    except OSError:
        return 0.0


def find_on_disk(settings: Settings) -> Iterator[Found]:
    """Find what lies in the home and may be cleared, with what it belongs to."""
    home = settings.path
    for folder in home("releases").glob("*/*-*"):
        if folder.is_dir() and not folder.name.startswith("."):
            yield ("release", str(folder), str(folder), size_of(folder), _age(folder))
    for kind, top in (("build cache", "cache"), ("files' state", "assets"),
                      ("pictures", "comparisons"), ("measurement", "measurements")):  # fmt: skip
        for folder in home(top).glob("*"):
            yield (kind, str(folder), folder.name, size_of(folder), _age(folder))
    for file in home("backups").glob("*/*"):
        yield ("backup", str(file), str(file), size_of(file), _age(file))
    for folder in home("repos").glob("*.git"):
        yield ("repository", str(folder), folder.name[:-4], size_of(folder), _age(folder))
    for file in home("logs").glob(f"{PREFIX}*.log*"):
        owner = file.name.removeprefix(PREFIX).partition(".log")[0]
        yield ("log", str(file), owner, size_of(file), _age(file))


def find_in_engine(settings: Settings) -> Iterator[Found]:
    """Find the images, networks and volumes that carry this home's label, at the hosts, too.

    What is at a host elsewhere is named ``<name>@<host>``; one that does not answer is left out.
    """
    from greenroom.hosting.engine import DockerRuntime  # the SDK loads only where it is used

    if has_engine(settings):
        yield from _find_at(DockerRuntime(settings), settings)
    for host in machines.list_hosts():
        with contextlib.suppress(HostUnavailable):
            for kind, name, owner, size, age in _find_at(DockerRuntime(settings, host), settings):
                yield (kind, f"{name}@{host.name}", owner, size, age)


def _find_at(runtime: DockerRuntime, settings: Settings) -> Iterator[Found]:

    mine = f"{HOME_LABEL}={settings.home}"
    with runtime.explained("the engine's storage"):
        client = runtime.client
        for image in client.images.list(filters={"label": [f"{LABEL}=image", mine]}):
            made = image.attrs.get("Created", "")
            size = int(image.attrs.get("Size") or 0)
            yield ("image", str(image.id), str(image.id), size, _since(made))
        labelled = {"label": [mine, ENVIRONMENT_LABEL]}
        for network in client.networks.list(filters=labelled):
            labels = network.attrs.get("Labels") or {}
            made = network.attrs.get("Created", "")
            yield ("network", str(network.id), labels[ENVIRONMENT_LABEL], 0, _since(made))
        for volume in client.volumes.list(filters=labelled):
            labels = volume.attrs.get("Labels") or {}
            made = volume.attrs.get("CreatedAt", "")
            yield ("volume", str(volume.name), labels[ENVIRONMENT_LABEL], 0, _since(made))


def _since(stamp: str) -> float:
    try:
        made = datetime.fromisoformat(stamp)
    except ValueError:
        return 0.0
    return max(0.0, time.time() - made.timestamp())


def remove_from_disk(settings: Settings, name: str) -> None:
    """Delete a file or folder of the home's. Idempotent.

    Errors: HostingError for what is not in the home, or stays.
    """
    path = Path(name)
    tops = (
        "releases",
        "cache",
        "assets",
        "comparisons",
        "measurements",
        "backups",
        "logs",
        "repos",
    )
    is_inside = any(settings.path(top) in path.parents and ".." not in path.parts for top in tops)
    if not is_inside:
        raise HostingError(f"{name} is not in the home: it stays")
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
    if path.exists():
        raise HostingError(f"{name} could not be deleted")


def remove_from_engine(settings: Settings, kind: str, name: str) -> None:
    """Remove an image, a network or a volume, if it carries this home's label. Idempotent.

    Errors: HostingError; one that is in use stays.
    """
    import docker.errors

    from greenroom.hosting.placed import runtime_at

    name, _, machine = name.partition("@")
    runtime = runtime_at(settings, machine)
    with runtime.explained(f"the {kind}"):
        client = runtime.client
        try:
            if kind == "image":
                image = client.images.get(name)
                if image.labels.get(HOME_LABEL) != str(settings.home):
                    raise HostingError(f"the image {name} is another's: it stays")
                client.images.remove(name, force=False)
                return
            found = (client.networks if kind == "network" else client.volumes).get(name)
            labels = found.attrs.get("Labels") or {}
            if labels.get(HOME_LABEL) != str(settings.home):
                raise HostingError(f"the {kind} {name} is another's: it stays")
            found.remove()
        except docker.errors.NotFound:
            return
        except docker.errors.APIError as error:
            raise HostingError(f"the {kind} stays: {error.explanation}") from error


def engine_cache_bytes(settings: Settings) -> int | None:
    """Give what the engine's build cache holds that no build uses; None where none answers.

    Whose build made it, the engine does not say: labels of images are not kept on it.
    Source: Docker Engine API v1.41, SystemDataUsage, BuildPrune.
    """
    if not has_engine(settings):
        return None
    from greenroom.hosting.engine import connect, explained

    try:
        with explained("the engine's storage"):
            api: Any = connect(settings).api
            told = api._result(api._get(api._url("/system/df?type=build-cache")), json=True)
    except HostingError:
        return None
    records = told.get("BuildCache") or ()
    return sum(int(one.get("Size") or 0) for one in records
               if not one.get("InUse") and not one.get("Shared"))  # fmt: skip


def clear_engine_cache(settings: Settings) -> None:
    """Clear what no build uses of the engine's build cache, whoever built. Idempotent.

    Errors: HostingError.
    """
    from greenroom.hosting.engine import connect, explained

    with explained("the engine's build cache"):
        connect(settings).api.prune_builds(all=True)
