"""Builds folders (for ``static`` and ``process``): the build command runs, its output is kept."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from greenroom.errors import BuildFailed, HostingError, LimitReached
from greenroom.hosting.accounts import Account, app_account
from greenroom.hosting.base import Artifact, BuildOrder, Check, Log
from greenroom.hosting.commands import TimedOut, run_streamed
from greenroom.hosting.shell import Limits, Shell
from greenroom.settings import Settings, load_settings, project_environment

BUILD_PROCESSES = 4096
"""A fork bomb ends here."""


class FolderBuilder:
    """Keeps a build's output under ``<home>/releases``, named by its content."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or load_settings()

    def build(self, order: BuildOrder, log: Log, check: Check) -> Artifact:
        """Build. Idempotent."""
        check_free_bytes(self.settings.path("releases"), self.settings.least_free_bytes)
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
        if not output.resolve().is_relative_to(order.source.resolve()):
            raise BuildFailed(
                f"build.output {order.manifest.build.output!r} is a link that leaves the repository"
            )
        return self._keep(order, output.resolve())

    def _run(self, order: BuildOrder, folder: Path, log: Log, check: Check) -> None:
        cache = self.settings.path("cache", order.project)
        cache.mkdir(parents=True, exist_ok=True)
        account = app_account(self.settings)
        if account:
            _give(account, cache)  # what is in it, builds have made
            for path in (order.source, *order.source.rglob("*")):
                _give(account, path)
        command = order.manifest.build.command
        log(f"$ {command}")
        shell = Shell.attended(self.settings, f"build-{order.project}-{order.commit[:12]}")
        given = {"CI": "true", **order.variables, "HOME": str(cache), "TMPDIR": str(shell.scratch)}
        shell.write(
            command=command,
            folder=folder,
            environment=project_environment(**given),
            limits=Limits(memory_bytes=None, cpu=None, processes=BUILD_PROCESSES),
        )
        try:
            code = run_streamed(
                shell.argv(), folder=None, environment=project_environment(),
                timeout_seconds=order.manifest.build.timeout_seconds, log=log, check=check,
            )  # fmt: skip
        except TimedOut as error:
            raise BuildFailed(
                f"the build ran longer than {order.manifest.build.timeout_seconds} s",
                hint="Raise build.timeout_seconds, or find what waits in the log.",
            ) from error
        except OSError as error:
            raise HostingError(f"the build could not start: {error}") from error
        finally:
            shell.clear()
        if code:
            raise BuildFailed(
                f"the build command ended with exit code {code}",
                hint="The log shows its last lines; run the same command in a fresh clone.",
            )

    def _keep(self, order: BuildOrder, output: Path) -> Artifact:
        account = app_account(self.settings) if order.manifest.build.command.strip() else None
        digest, size = digest_folder(output, account.user_id if account else None)
        place = self.settings.path("releases", order.project, f"{order.commit[:12]}-{digest[:12]}")
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            check_free_bytes(place.parent, self.settings.least_free_bytes + size)
            made = place.with_name(f".{place.name}.{os.getpid()}")
            try:
                shutil.copytree(output, made, symlinks=True, ignore=shutil.ignore_patterns(".git"))
                _open_to_read(made)
                made.rename(place)
            except (OSError, shutil.Error) as error:
                if not place.exists():  # else another run was faster; its content is the same
                    why = getattr(error, "strerror", None) or str(error)[:200]
                    raise HostingError(f"the release cannot be kept: {why}") from error
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


def _give(account: Account, path: Path) -> None:
    """Give a path to the account; never what has a second name, which may lie elsewhere."""
    state = path.lstat()
    if state.st_uid != account.user_id and (stat.S_ISDIR(state.st_mode) or state.st_nlink == 1):
        os.chown(path, account.user_id, account.group_id, follow_symlinks=False)


def _open_to_read(folder: Path) -> None:
    """Let the account that runs the project read its release, and nobody gain rights by it.

    A copy made by root would keep a set-user-id bit and belong to root.
    """
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            runs = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            path.chmod(0o755 if runs else 0o644)


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if ".git" not in path.relative_to(folder).parts:
            yield path


def digest_folder(folder: Path, owner: int | None = None) -> tuple[str, int]:
    """Fingerprint a folder's content: paths, kinds, executable bits, bytes. Give it and the size.

    Errors: BuildFailed for a link that leaves the folder, a file that is none (pipe, device), or
    one that is not ``owner``'s: a build can link to another's file that we, as root, may read.
    """
    total, size, root = hashlib.sha256(), 0, folder.resolve()
    for path in _files(folder):
        name = str(path.relative_to(folder)).encode("utf-8", "surrogateescape")
        if path.is_symlink():
            if not _stays_inside(path, root):
                raise BuildFailed(
                    f"{path.relative_to(folder)} is a link that leaves the build's output",
                    hint="Copy the file itself there. For Python packages:"
                    " python3 -m pip install --target lib -r requirements.txt",
                )
            total.update(b"L%d:%s" % (len(name), name) + os.fsencode(path.readlink()))
        elif path.is_dir():
            total.update(b"D%d:%s" % (len(name), name))
        elif path.is_file():
            with path.open("rb") as file:
                state = os.fstat(file.fileno())
                if owner is not None and state.st_uid != owner:
                    raise BuildFailed(f"{path.name} belongs to another account")
                content = hashlib.file_digest(file, "sha256").digest()
            size += state.st_size
            mark = b"X" if state.st_mode & 0o100 else b"F"
            total.update(mark + b"%d:%s" % (len(name), name) + content)
        else:
            raise BuildFailed(f"{path.name} is neither file, folder nor link")
    return total.hexdigest(), size


def _stays_inside(link: Path, root: Path) -> bool:
    """Whether a link's target is inside, and will be inside wherever the folder is moved."""
    if link.readlink().is_absolute():
        return False
    try:
        return link.resolve().is_relative_to(root)
    except (OSError, RuntimeError):  # it leads to itself
        return False


def check_free_bytes(folder: Path, wanted: int) -> None:
    """Return if a folder's disk has room.

    Errors: LimitReached.
    """
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < wanted:
        raise LimitReached(
            f"the disk is nearly full: {free // 1_000_000} MB free,"
            f" {wanted // 1_000_000} MB needed",
            hint="Destroy environments you no longer need, or lower GREENROOM_KEEP_RELEASES.",
        )
