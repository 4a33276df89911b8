"""Git, by its own command line; safe against hooks, prompts, and hostile names and trees."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from greenroom.errors import InvalidInput, SourceError, UnknownRef
from greenroom.secrets import Redactor
from greenroom.settings import project_environment

SHA = re.compile(r"[0-9a-f]{40}")
SHORT_SHA = re.compile(r"[0-9a-f]{7,40}")
CONFIGURATION = Path(__file__).with_name("git.ini")
_SCHEMES = ("https://", "http://", "ssh://", "git://", "file://")
_SCP_LIKE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*@[A-Za-z0-9][A-Za-z0-9.-]*:[^\s-]\S*")
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f\ud800-\udfff]")
_WITH_PASSWORD = re.compile(r"\s*[a-z+]+://[^/@]*:[^/]*@", re.IGNORECASE)
TIMEOUT_SECONDS = 300.0
LIST_TIMEOUT_SECONDS = 60.0
Log = Callable[[str], None]
Check = Callable[[], None]


@dataclass(frozen=True)
class Ref:
    """A branch or tag of a repository."""

    name: str
    kind: str
    """``branch`` or ``tag``."""
    commit: str


@dataclass(frozen=True)
class Commit:
    """A resolved commit."""

    hash: str
    subject: str
    author: str
    author_address: str


def check_new_source(url: str) -> str:
    """Return the URL or path of a repository that is added, as ``check_source_url`` does.

    Errors: InvalidInput, also where it holds a password: people are shown it.
    """
    if _WITH_PASSWORD.match(url):
        raise InvalidInput(
            "the URL holds a password",
            hint="It is shown to people. Give this account an SSH key, and the SSH address here.",
        )
    return check_source_url(url.strip())


def check_source_url(url: str) -> str:
    """Return a URL or path that git may be given, paths made absolute.

    Errors: InvalidInput.
    """
    wrong = InvalidInput(f"{url!r} is no git URL or path")
    if not url or url.startswith("-") or "\0" in url or "\n" in url:
        raise wrong
    if url.startswith(_SCHEMES):
        host = url.split("://", 1)[1].rsplit("@", 1)[-1]
        if _UNPRINTABLE.search(url) or host.startswith("-") or "://-" in url or not host:
            raise wrong
        return url
    if _SCP_LIKE.fullmatch(url) and not _UNPRINTABLE.search(url):
        return url
    if "::" in url or "://" in url:
        raise InvalidInput(
            f"git transport of {url!r} is not allowed", hint="Use https, ssh or a path."
        )
    try:
        path = Path(url).expanduser().resolve()
        is_folder = path.is_dir()
    except (OSError, RuntimeError, UnicodeError) as error:
        raise wrong from error
    if not is_folder:
        raise InvalidInput(f"{path} is no folder", hint="Give a git URL or a path to a repository.")
    return str(path)


def check_ref(ref: str) -> str:
    """Return a branch, tag or commit name that is safe to give to git.

    Errors: InvalidInput. Source: git-check-ref-format(1).
    """
    wrong = re.search(
        r"[\x00-\x20\x7f\ud800-\udfff~^:?*\[\\]|\.\.|@\{|//|\.lock(/|$)|/\.|\.$|/$|^[-./]", ref
    )
    if not ref or wrong or len(ref) > 250 or ref == "@":
        raise InvalidInput(
            f"{ref!r} is no branch, tag or commit", hint="`git check-ref-format` tells the rules."
        )
    return ref


def _git(
    *arguments: str,
    repository: Path | None = None,
    folder: Path | None = None,
    index: Path | None = None,
    timeout: float = TIMEOUT_SECONDS,
    check: Check | None = None,
) -> str:
    environment = project_environment(
        GIT_TERMINAL_PROMPT="0",
        GIT_CONFIG_NOSYSTEM="1",
        GIT_CONFIG_GLOBAL=CONFIGURATION,
        GIT_ASKPASS="true",
        GIT_SSH_COMMAND="ssh -o BatchMode=yes -o ConnectTimeout=10",
        GIT_LFS_SKIP_SMUDGE="1",
        HOME="/nonexistent",
        LC_ALL="C",
    )
    if repository is not None:
        environment["GIT_DIR"] = str(repository)
    if folder is not None:
        environment["GIT_WORK_TREE"] = str(folder)
    if index is not None:
        environment["GIT_INDEX_FILE"] = str(index)
    process = subprocess.Popen(
        ["git", *arguments], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
        start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + timeout
    try:
        while True:
            try:
                out, err = process.communicate(timeout=0.2)
                break
            except subprocess.TimeoutExpired:
                if check is not None:
                    check()
                if time.monotonic() > deadline:
                    raise SourceError(
                        f"git {arguments[0]} took longer than {timeout:.0f} s",
                        hint="Is the repository reachable from this machine?",
                    ) from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # its helpers hold the pipes, too
            process.communicate()
    if process.returncode:
        raise _explain(err, arguments)
    return out


def _explain(stderr: str, arguments: tuple[str, ...]) -> SourceError:
    lines = [line for line in stderr.strip().splitlines() if line.strip()]
    last = Redactor()(lines[-1] if lines else "no message")
    text = stderr.lower()
    if "couldn't find remote ref" in text or "not our ref" in text or "no such ref" in text:
        return UnknownRef(f"the repository has no such ref: {last}")
    if "authentication" in text or "permission denied" in text or "terminal prompts" in text:
        return SourceError(
            f"the repository refuses access: {last}",
            hint="Is it private? Give the SSH key of the account that runs Greenroom read access,"
            " and name the repository by its SSH address.",
        )
    if "does not appear to be a git repository" in text or "not found" in text:
        return SourceError(f"there is no git repository: {last}", hint="Check the URL or path.")
    return SourceError(f"git {arguments[0]} failed: {last}")


def list_refs(url: str) -> list[Ref]:
    """List a repository's branches and tags; empty for an empty repository.

    Errors: SourceError.
    """
    out = _git("ls-remote", "--heads", "--tags", "--", url, timeout=LIST_TIMEOUT_SECONDS)
    refs: dict[tuple[str, str], Ref] = {}
    for line in out.splitlines():
        commit, _, name = line.partition("\t")
        for prefix, kind in (("refs/heads/", "branch"), ("refs/tags/", "tag")):
            if name.startswith(prefix):
                short = name.removeprefix(prefix).removesuffix("^{}")  # ^{}: an annotated tag's
                refs[kind, short] = Ref(short, kind, commit)
    return sorted(refs.values(), key=lambda ref: (ref.kind, ref.name))


def resolve(url: str, ref: str) -> tuple[str, str | None]:
    """Resolve a branch, tag or commit to ``(commit, full ref or None)``.

    A short commit is only resolved when it is the head of a branch or tag.

    Errors: UnknownRef, with names that are near; SourceError; InvalidInput.
    """
    check_ref(ref)
    if SHA.fullmatch(ref):
        return ref, None
    refs = list_refs(url)
    if not refs:
        raise UnknownRef("the repository is empty", hint="Push a first commit, then deploy again.")
    for kind, prefix in (("branch", "refs/heads/"), ("tag", "refs/tags/")):
        for found in refs:
            if found.kind == kind and found.name == ref:
                return found.commit, prefix + ref
    if SHORT_SHA.fullmatch(ref):
        heads = {found.commit for found in refs if found.commit.startswith(ref)}
        if len(heads) == 1:
            return heads.pop(), None
    names = ", ".join(found.name for found in refs[:12])
    raise UnknownRef(
        f"the repository has no branch, tag or head commit {ref!r}",
        hint=f"It has: {names}{' …' if len(refs) > 12 else ''}. Give older commits in full.",
    )


def default_branch(url: str) -> str:
    """Give the branch that the repository's HEAD names; ``main`` when it says nothing.

    Errors: SourceError.
    """
    out = _git("ls-remote", "--symref", "--", url, "HEAD", timeout=LIST_TIMEOUT_SECONDS)
    found = re.search(r"^ref: refs/heads/(\S+)\tHEAD", out, re.MULTILINE)
    return found[1] if found else "main"


def checkout(
    url: str, commit: str, full_ref: str | None, repository: Path, folder: Path, check: Check
) -> Commit:
    """Fetch ``commit`` into the bare ``repository`` and lay its files into a new ``folder``.

    Shallow. The tree is refused if it holds a link that leaves it.

    Idempotent. Errors: UnknownRef, SourceError. Locks: the repository, while it fetches.
    """
    with _locked(repository, check):
        if not (repository / "HEAD").exists():
            _git("init", "--quiet", "--bare", "--", str(repository))
        if not _has_commit(repository, commit):
            try:
                _fetch(url, commit, commit, repository, check)
            except SourceError:
                if full_ref is None:
                    raise
                _fetch(url, full_ref, commit, repository, check)  # servers that refuse a commit
                if not _has_commit(repository, commit):
                    raise
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    index = folder.with_name(f".{folder.name}.index")
    index.unlink(missing_ok=True)
    try:
        _git("read-tree", commit, repository=repository, index=index)
        _git(
            "checkout-index", "--all", "--force", "--quiet",
            repository=repository, folder=folder, index=index, check=check,
        )  # fmt: skip
    finally:
        index.unlink(missing_ok=True)
    refuse_escaping_links(folder)
    shown = _git("show", "-s", "--format=%s%x00%an%x00%ae", commit, repository=repository)
    subject, author, address = [*shown.strip("\n").split("\0"), "", ""][:3]
    return Commit(commit, subject[:200], author[:100], address[:200])


def merge_base(url: str, one: str, other: str, repository: Path, check: Check) -> str | None:
    """Give the commit that two commits have in common, None where they have none.

    Fetches the history without its files into the bare ``repository``, used for that alone.

    Errors: SourceError. Locks: the repository.
    """
    with _locked(repository, check):
        if not (repository / "HEAD").exists():
            _git("init", "--quiet", "--bare", "--", str(repository))
        for wanted in (one, other):
            if not _has_commit(repository, wanted):
                _git(
                    "fetch", "--quiet", "--filter=tree:0", "--no-tags", "--no-write-fetch-head",
                    "--", url, f"+{wanted}:refs/greenroom/{wanted}", "+refs/heads/*:refs/heads/*",
                    repository=repository, check=check,
                )  # fmt: skip
        try:
            return _git("merge-base", one, other, repository=repository).strip() or None
        except SourceError:
            return None


@contextlib.contextmanager
def _locked(repository: Path, check: Check) -> Iterator[None]:
    """Hold a project's repository: two fetches into one at a time get in each other's way."""
    repository.mkdir(parents=True, exist_ok=True)
    with (repository / "greenroom.lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                check()
                time.sleep(0.05)
        yield


def _has_commit(repository: Path, commit: str) -> bool:
    try:
        _git("cat-file", "-e", f"{commit}^{{commit}}", repository=repository)
    except SourceError:
        return False
    return True


def _fetch(url: str, wanted: str, commit: str, repository: Path, check: Check) -> None:
    _git(
        "fetch", "--quiet", "--depth", "1", "--no-tags", "--no-recurse-submodules",
        "--no-write-fetch-head", "--", url, f"+{wanted}:refs/greenroom/{commit}",
        repository=repository, check=check,
    )  # fmt: skip


def refuse_escaping_links(folder: Path) -> None:
    """Refuse a tree with a symbolic link to somewhere outside of it.

    Errors: SourceError, naming the link.
    """
    root = folder.resolve()
    for path in folder.rglob("*"):
        if path.is_symlink() and not _stays_inside(path, root):
            raise SourceError(
                f"{path.relative_to(folder)} is a link that leaves the repository",
                hint="Commit the file itself, or a link to a file inside the repository.",
            )


def _stays_inside(link: Path, root: Path) -> bool:
    try:
        return link.resolve().is_relative_to(root)
    except (OSError, RuntimeError):  # it leads to itself
        return False


def read_manifest_text(folder: Path, root: str = ".") -> bytes | None:
    """Give the octets of the checkout's manifest, None without one; never follows a link.

    Errors: SourceError when it is no plain file.
    """
    file = folder / root / "greenroom.yaml"
    if file.is_symlink() or (file.exists() and not file.is_file()):
        raise SourceError("greenroom.yaml must be a plain file")
    if not file.exists():
        return None
    with file.open("rb") as opened:
        return opened.read(1_000_000)
