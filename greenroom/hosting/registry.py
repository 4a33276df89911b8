"""Which builder and which runtime do a project's work."""

from __future__ import annotations

from pathlib import Path

from greenroom.errors import InvalidManifest
from greenroom.hosting.base import Builder, Check, Log, Runtime, nothing, silent
from greenroom.hosting.folder import FolderBuilder
from greenroom.hosting.process import ProcessRuntime
from greenroom.hosting.static import StaticRuntime
from greenroom.manifest import VENDORS, Manifest
from greenroom.settings import Settings, load_settings

RUNTIMES = ("static", "process", "docker", *VENDORS)


def choose_runtime(
    manifest: Manifest, project_runtime: str, *, has_dockerfile: bool, has_engine: bool
) -> str:
    """Choose the runtime: the project's own, else the manifest's, else by what is there. Pure.

    Errors: InvalidManifest when nothing fits.
    """
    wanted = project_runtime if project_runtime != "auto" else manifest.runtime
    if wanted != "auto":
        return wanted
    if has_dockerfile and has_engine:
        return "docker"
    if manifest.run.command.strip():
        return "process"
    if has_dockerfile:
        raise InvalidManifest(
            "the repository has a Dockerfile, but no Docker Engine answers",
            hint="Start Docker, or give run.command so that it can run as a process.",
        )
    return "static"


def has_dockerfile(source: Path, manifest: Manifest) -> bool:
    """Whether a checkout has the manifest's Dockerfile."""
    return (source / manifest.root / manifest.build.dockerfile).is_file()


def has_engine(settings: Settings | None = None) -> bool:
    """Whether a Docker Engine answers."""
    from greenroom.hosting.engine import is_available  # the SDK loads only where it is used

    return is_available(settings or load_settings())


def builder_for(runtime: str, settings: Settings | None = None) -> Builder:
    """Give the builder of a runtime."""
    if runtime == "docker":
        from greenroom.hosting.placed import PlacedBuilder

        return PlacedBuilder(settings)
    if runtime in VENDORS:
        from greenroom.hosting.elsewhere import SentBuilder

        return SentBuilder(runtime, settings)
    return FolderBuilder(settings)


def runtime_for(
    runtime: str, settings: Settings | None = None, log: Log = silent, check: Check = nothing
) -> Runtime:
    """Give a runtime; it tells ``log`` of what takes long, and asks ``check`` meanwhile."""
    if runtime in VENDORS:
        from greenroom.hosting.elsewhere import ElsewhereRuntime

        return ElsewhereRuntime(log, check)
    if runtime == "docker":
        from greenroom.hosting.placed import PlacedRuntime

        return PlacedRuntime(settings, log, check)
    return StaticRuntime(settings) if runtime == "static" else ProcessRuntime(settings)
