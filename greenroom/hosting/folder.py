"""Builds folders (for ``static`` and ``process``): the build command runs, its output is kept."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from greenroom.errors import BuildFailed, HostingError, LimitReached
from greenroom.hosting.accounts import app_account
from greenroom.hosting.base import Artifact, BuildOrder, Check, Log
from greenroom.hosting.commands import TimedOut, run_streamed
from greenroom.settings import Settings, load_settings, project_environment

FREE_BYTES = 200_000_000
"""Least room on the releases' disk to build with."""


class FolderBuilder:
    """Keeps a build's output under ``<home>/releases``, named by its content."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or load_settings()

    def build(self, order: BuildOrder, log: Log, check: Check) -> Artifact:
        """Build. Idempotent."""
        check_free_bytes(self.settings.path("releases"), FREE_BYTES)
        folder = order.source / order.manifest.root
        if not folder.is_dir():
            raise BuildFailed(f"root: the repository has no folder {order.manifest.root!r}")
        if order.manifest.build.command.strip():
            self._run(order, folder, log, check)
        output = folder / order.manifest.build.output
        if not output.is_dir():
            raise BuildFailed(
                f"build.output: there is no folder {order.manifest.build.output!r} after the build",
                hint="build.output is relative to root; does the build command write there?",
            )
        return self._keep(order, output)

    def _run(self, order: BuildOrder, folder: Path, log: Log, check: Check) -> None:
        account = app_account(self.settings)
        cache = self.settings.path("cache", order.project)
        cache.mkdir(parents=True, exist_ok=True)
        if account:
            for top in (order.source, cache):
                for path in (top, *top.rglob("*")):
                    os.chown(path, account.user_id, account.group_id, follow_symlinks=False)
        log(f"$ {order.manifest.build.command}")
        environment = project_environment(**order.variables, HOME=str(cache), CI="true")
        command = ["/bin/sh", "-c", order.manifest.build.command]
        if account:
            command = [*account.prefix, *command]
        try:
            code = run_streamed(
                command, folder=folder, environment=environment,
                timeout_seconds=order.manifest.build.timeout_seconds, log=log, check=check,
            )  # fmt: skip
        except TimedOut as error:
            raise BuildFailed(
                f"the build ran longer than {order.manifest.build.timeout_seconds} s",
                hint="Raise build.timeout_seconds, or find what waits in the log.",
            ) from error
        except OSError as error:
            raise HostingError(f"the build could not start: {error}") from error
        if code:
            raise BuildFailed(
                f"the build command ended with exit code {code}",
                hint="The log shows its last lines; run the same command in a fresh clone.",
            )

    def _keep(self, order: BuildOrder, output: Path) -> Artifact:
        digest, size = digest_folder(output)
        place = self.settings.path(
            "releases", order.project, f"{order.commit[:12]}-{digest[:12]}"
        )
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            check_free_bytes(place.parent, FREE_BYTES + size)
            made = place.with_name(f".{place.name}.{os.getpid()}")
            try:
                shutil.copytree(output, made, symlinks=True, ignore=shutil.ignore_patterns(".git"))
                made.rename(place)
            except OSError as error:
                if not place.exists():  # else another run was faster; its content is the same
                    raise HostingError(f"the release cannot be kept: {error.strerror}") from error
            finally:
                shutil.rmtree(made, ignore_errors=True)
        return Artifact(f"sha256:{digest}", str(place), size)

    def is_present(self, identity: str, location: str) -> bool:
        """Whether the folder exists (its name ends in its digest)."""
        return Path(location).is_dir() and location.endswith(identity.removeprefix("sha256:")[:12])

    def remove(self, identity: str, location: str) -> None:
        """Delete the folder. Only ever under ``releases``."""
        place = Path(location)
        if place.is_relative_to(self.settings.path("releases")):
            shutil.rmtree(place, ignore_errors=True)


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if ".git" not in path.relative_to(folder).parts:
            yield path


def digest_folder(folder: Path) -> tuple[str, int]:
    """Fingerprint a folder's content: paths, kinds, executable bits, bytes. Give it and the size.

    Errors: BuildFailed for a link that leaves the folder, or a file that is none (pipe, device).
    """
    total, size, root = hashlib.sha256(), 0, folder.resolve()
    for path in _files(folder):
        name = str(path.relative_to(folder)).encode("utf-8", "surrogateescape")
        if path.is_symlink():
            if not path.resolve().is_relative_to(root):
                raise BuildFailed(f"{path.name} is a link that leaves the build's output")
            total.update(b"L%d:%s" % (len(name), name) + os.fsencode(path.readlink()))
        elif path.is_dir():
            total.update(b"D%d:%s" % (len(name), name))
        elif path.is_file():
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").digest()
            state = path.stat()
            size += state.st_size
            mark = b"X" if state.st_mode & 0o100 else b"F"
            total.update(mark + b"%d:%s" % (len(name), name) + content)
        else:
            raise BuildFailed(f"{path.name} is neither file, folder nor link")
    return total.hexdigest(), size


def check_free_bytes(folder: Path, wanted: int) -> None:
    """Return if a folder's disk has room.

    Errors: LimitReached.
    """
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < wanted:
        raise LimitReached(
            f"the disk is nearly full: {free // 1_000_000} MB free, {wanted // 1_000_000} MB needed",
            hint="Destroy environments you no longer need, or lower GREENROOM_KEEP_RELEASES.",
        )
