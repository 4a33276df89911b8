"""The sample shop as a git repository: production on ``main``, one feature branch beside it.

The files come with this package: ``sample/`` is ``main``, and each folder in ``branches/`` holds
the files that a later commit changes. Authors and dates are fixed, so that the same version of
Greenroom makes the same commits everywhere.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from greenroom.errors import SourceError
from greenroom.settings import project_environment

HERE = Path(__file__).resolve().parent
PRODUCTION_BRANCH = "main"
FEATURE_BRANCH = "feature/spring-sale"
_FIRST_COMMIT_AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_BETWEEN_COMMITS = timedelta(hours=7)
_INES = "Ines Maron <ines@tolmere.example>"
_WREN = "Wren Adeyemi <wren@tolmere.example>"
_NOT_COPIED = shutil.ignore_patterns("__pycache__", "*.pyc", ".*_cache", ".git")

# How main came to be: author, message, and what of sample/ the commit adds.
_HISTORY = (
    (_INES, "Photograph the collection", ("shop/static/pictures", "studio")),
    (_WREN, "Keep products, customers and orders", (
        "shop/__init__.py", "shop/config.py", "shop/database.py", "shop/migrate.py",
        "shop/migrations", "shop/catalogue.json", "shop/seed.py", "requirements.txt",
    )),
    (_INES, "Open the shop", ("shop",)),
    (_WREN, "Say how Greenroom runs it", (".",)),
)  # fmt: skip
_SPRING = (
    _INES,
    "Announce the spring sale\n\nA new window, green buttons, and the moon jar for less.",
)
_BROKEN = (_WREN, "Sign the codes of gift cards\n\nSo that nobody can make up their own.")
_FIX = (_WREN, "Do without gift cards where no key is set")


@dataclass(frozen=True)
class SampleRepository:
    """A bare repository with the sample shop; the commits are its branches' present heads."""

    path: Path
    main_commit: str
    feature_branch: str
    feature_commit: str


def create_sample_repository(path: Path) -> SampleRepository:
    """Create the bare repository at ``path``.

    Idempotent: an existing repository is left as it is and its present state given.

    Errors: SourceError when git fails or ``path`` is something else.
    """
    if not (path / "HEAD").exists():
        if path.exists() and any(path.iterdir()):
            raise SourceError(f"{path} is in the way", hint="Move it, or choose another folder.")
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".sample-") as scratch:
            bare = Path(scratch) / "bare"
            _git("init", "--quiet", "--bare", f"--initial-branch={PRODUCTION_BRANCH}", str(bare))
            with _clone(bare) as work:
                for author, message, parts in _HISTORY:
                    for part in parts:
                        _lay(HERE / "sample", work, part)
                    _commit(work, author, message)
                _git("checkout", "--quiet", "-b", FEATURE_BRANCH, folder=work)
                _lay(HERE / "branches" / "feature-spring-sale", work)
                _commit(work, *_SPRING)
                _git("push", "--quiet", "origin", PRODUCTION_BRANCH, FEATURE_BRANCH, folder=work)
            if path.exists():
                path.rmdir()
            bare.rename(path)  # whole or not at all: a killed run leaves only the scratch folder
    return SampleRepository(
        path, _head(path, PRODUCTION_BRANCH), FEATURE_BRANCH, _head(path, FEATURE_BRANCH)
    )


def push_broken_commit(repo: SampleRepository) -> str:
    """Push a commit to the feature branch that ends the shop as it starts; give its hash.

    Idempotent: pushes nothing when the branch is in that state already.

    Errors: SourceError.
    """
    return _push(repo, "broken", *_BROKEN)


def push_fix_commit(repo: SampleRepository) -> str:
    """Push a commit to the feature branch that mends the broken one; give its hash.

    Idempotent: pushes nothing when the branch is in that state already.

    Errors: SourceError.
    """
    return _push(repo, "fix", *_FIX)


def _push(repo: SampleRepository, files: str, author: str, message: str) -> str:
    with _clone(repo.path, repo.feature_branch) as work:
        _lay(HERE / "branches" / files, work)
        if _commit(work, author, message):
            _git("push", "--quiet", "origin", f"HEAD:{repo.feature_branch}", folder=work)
        return _git("rev-parse", "HEAD", folder=work).strip()


def _lay(source: Path, work: Path, part: str = ".") -> None:
    """Copy ``part`` of ``source`` over the work tree."""
    if (source / part).is_dir():
        shutil.copytree(source / part, work / part, ignore=_NOT_COPIED, dirs_exist_ok=True)
    else:
        (work / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / part, work / part)
    for file in (work / part).rglob("*"):  # modes are part of a commit; a wheel's may differ
        file.chmod(0o755 if file.is_dir() else 0o644)


@contextmanager
def _clone(bare: Path, branch: str | None = None) -> Iterator[Path]:
    """Lay a work tree of ``bare`` for the time of the block."""
    with tempfile.TemporaryDirectory(prefix="greenroom-sample-") as scratch:
        work = Path(scratch) / "work"
        chosen = ["--branch", branch] if branch else []
        _git("clone", "--quiet", "--no-hardlinks", *chosen, "--", str(bare), str(work))
        if branch is None:
            _git("symbolic-ref", "HEAD", f"refs/heads/{PRODUCTION_BRANCH}", folder=work)
        yield work


def _commit(work: Path, author: str, message: str) -> bool:
    """Commit everything at the time that follows the commit before; False without a change."""
    _git("add", "--all", folder=work)
    if not _git("status", "--porcelain", folder=work):
        return False
    before = int(_git("rev-list", "--count", "--all", folder=work))
    when = (_FIRST_COMMIT_AT + before * _BETWEEN_COMMITS).isoformat()
    name, _, email = author.rstrip(">").partition(" <")
    _git(
        "commit", "--quiet", "--no-gpg-sign", "--no-verify", "-m", message,
        folder=work,
        GIT_AUTHOR_NAME=name, GIT_AUTHOR_EMAIL=email, GIT_AUTHOR_DATE=when,
        GIT_COMMITTER_NAME=name, GIT_COMMITTER_EMAIL=email, GIT_COMMITTER_DATE=when,
    )  # fmt: skip
    return True


def _head(path: Path, branch: str) -> str:
    return _git("rev-parse", "--verify", f"refs/heads/{branch}^{{commit}}", folder=path).strip()


def _git(*arguments: str, folder: Path | None = None, **more: str) -> str:
    """Run git with no configuration but ours: no hooks, no user's or machine's settings."""
    environment = project_environment(
        GIT_CONFIG_NOSYSTEM="1",
        GIT_CONFIG_GLOBAL="/dev/null",
        GIT_TERMINAL_PROMPT="0",
        HOME="/nonexistent",
        **{"LC_ALL": "C", "TZ": "UTC", **more},
    )
    settings = ("core.hooksPath=/dev/null", "core.autocrlf=false", "safe.directory=*", "gc.auto=0")
    options = [word for setting in settings for word in ("-c", setting)]
    try:
        done = subprocess.run(
            ["git", *options, *arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=60,
        )
    except FileNotFoundError as error:
        raise SourceError("git is not installed", hint="Install git.") from error
    except subprocess.TimeoutExpired as error:
        raise SourceError(f"git {arguments[0]} took longer than 60 s") from error
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise SourceError(f"git {arguments[0]} failed: {lines[-1] if lines else 'no message'}")
    return done.stdout
