"""Git against real repositories and remotes."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from greenroom.errors import InvalidInput, Overtaken, SourceError, UnknownRef
from greenroom.sources import git

pytestmark = pytest.mark.contract
MakeRepository = Callable[..., Any]


@pytest.fixture
def source(git_repository: MakeRepository) -> Any:
    return git_repository()


@pytest.fixture
def checkout(tmp_path: Path) -> Callable[..., Path]:
    """Check a ref out as a deployment does, and give the folder."""
    count = iter(range(1000))

    def run(url: str, ref: str, check: Callable[[], None] = lambda: None) -> Path:
        folder = tmp_path / "sources" / str(next(count))
        commit, full = git.resolve(url, ref)
        found = git.checkout(url, commit, full, tmp_path / "shop.git", folder, check)
        assert found.hash == commit
        return folder

    return run


def test_a_branch_a_tag_and_commits(source: Any, checkout: Callable[..., Path]) -> None:
    first = source.commit({"a.txt": "1"}, "the first")
    source.git("tag", "v1")
    second = source.commit({"a.txt": "2"}, "the second")
    source.git("tag", "--annotate", "v2", "--message", "two")
    third = source.commit({"a.txt": "3", "dir/b.txt": "b"}, "the third")
    for ref, commit, text in (
        ("main", third, "3"),
        ("v1", first, "1"),
        ("v2", second, "2"),
        (first, first, "1"),  # older than any head
        (third, third, "3"),
        (third[:7], third, "3"),
        (first[:10], first, "1"),  # a tag's
    ):
        assert git.resolve(source.url, ref)[0] == commit
        folder = checkout(source.url, ref)
        assert (folder / "a.txt").read_text() == text
        assert (folder / "dir").exists() == (text == "3")
        assert not (folder / ".git").exists()


def test_the_commits_subject_and_author(source: Any, tmp_path: Path) -> None:
    commit = source.commit({"a": "1"}, "Say «hello»\n\nat length")
    found = git.checkout(
        source.url, commit, None, tmp_path / "r.git", tmp_path / "out", lambda: None
    )
    assert (found.subject, found.author) == ("Say «hello»", "Ada")


def test_refs_are_listed_for_the_selector(source: Any) -> None:
    head = source.commit({"a": "1"})
    source.git("branch", "feature/x")
    source.git("tag", "--annotate", "v1", "--message", "one")
    found = [(ref.kind, ref.name, ref.commit) for ref in git.list_refs(source.url)]
    assert found == [
        ("branch", "feature/x", head), ("branch", "main", head), ("tag", "v1", head),
    ]  # fmt: skip
    assert git.default_branch(source.url) == "main"


def test_a_branch_is_over_a_tag_of_the_same_name(source: Any) -> None:
    source.commit({"a": "1"})
    source.git("tag", "same")
    source.git("checkout", "--quiet", "-b", "same")
    branch = source.commit({"a": "2"})
    assert git.resolve(source.url, "same") == (branch, "refs/heads/same")


def test_unknown_refs_are_refused_with_what_there_is(
    source: Any, checkout: Callable[..., Path]
) -> None:
    source.commit({"a": "1"})
    for ref in ("nope", "0123456", "refs/heads/main", "HEAD"):
        with pytest.raises(UnknownRef) as refused:
            git.resolve(source.url, ref)
        assert "main" in refused.value.hint
    with pytest.raises(SourceError):
        checkout(source.url, "0" * 39 + "1")


def test_an_empty_repository_says_so(source: Any) -> None:
    assert git.list_refs(source.url) == []
    with pytest.raises(UnknownRef, match="empty"):
        git.resolve(source.url, "main")
    assert git.default_branch(source.url) == "main"


def test_an_empty_commit_is_an_empty_folder(source: Any, checkout: Callable[..., Path]) -> None:
    source.commit()
    assert list(checkout(source.url, "main").iterdir()) == []


@pytest.mark.parametrize("url", ["{}/nothing", "{}", "file://{}/nothing", "http://127.0.0.1:1/x"])
def test_what_is_no_repository(tmp_path: Path, url: str) -> None:
    with pytest.raises(SourceError) as refused:
        git.list_refs(url.format(tmp_path))
    assert "git" in refused.value.message


@pytest.mark.parametrize(
    "branch",
    ["ünïcode/日本", "a;id", "$(id)", "a'b\"c", "fix#1&2", "a%20b", "-".join("abc"), "x" * 200],
)
def test_odd_but_legal_branches(
    source: Any, checkout: Callable[..., Path], branch: str, tmp_path: Path
) -> None:
    source.commit({"a": "1"})
    source.git("checkout", "--quiet", "-b", branch)
    head = source.commit({"a": branch})
    assert (checkout(source.url, branch) / "a").read_text() == branch
    assert git.resolve(source.url, branch) == (head, f"refs/heads/{branch}")


def test_a_branch_that_became_a_folder_of_branches(
    source: Any, checkout: Callable[..., Path]
) -> None:
    source.commit({"a": "1"})
    source.git("checkout", "--quiet", "-b", "topic")
    source.commit({"a": "2"})
    checkout(source.url, "topic")
    source.git("branch", "--move", "topic", "topic/inner")
    source.commit({"a": "3"})
    assert (checkout(source.url, "topic/inner") / "a").read_text() == "3"


def test_nothing_of_the_repository_is_run(
    source: Any, checkout: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "ran"
    hook = f"#!/bin/sh\ntouch {mark}\n"
    source.commit({"a": "1", ".gitattributes": "* filter=evil diff=evil\n"})
    for name in ("post-checkout", "pre-upload-pack", "post-update", "reference-transaction"):
        file = source.folder / ".git" / "hooks" / name
        file.write_text(hook)
        file.chmod(0o755)
    for key, value in (
        ("core.fsmonitor", f"touch {mark}"),
        ("uploadpack.packObjectsHook", f"touch {mark}; false"),
        ("filter.evil.smudge", f"touch {mark}"),
        ("core.sshCommand", f"touch {mark}"),
        ("core.hooksPath", str(source.folder / ".git" / "hooks")),
    ):
        source.git("config", key, value)
    own = tmp_path / "home"  # nor of whoever runs the platform
    own.mkdir()
    (own / ".gitconfig").write_text(f'[filter "evil"]\nsmudge = touch {mark}\n')
    monkeypatch.setenv("HOME", str(own))
    monkeypatch.setenv("GIT_SSH_COMMAND", f"touch {mark}")
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    assert (checkout(source.url, "main") / "a").read_text() == "1"
    assert not mark.exists()


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../../etc/passwd", "loop"])
def test_a_link_that_leaves_the_repository_is_refused(
    source: Any, checkout: Callable[..., Path], target: str
) -> None:
    (source.folder / "loop").symlink_to(target)
    source.commit()
    with pytest.raises(SourceError, match="loop is a link that leaves"):
        checkout(source.url, "main")


def test_a_manifest_is_read_from_plain_files_only(tmp_path: Path) -> None:
    assert git.read_manifest_text(tmp_path) is None
    (tmp_path / "greenroom.yaml").write_text("version: 1")
    assert git.read_manifest_text(tmp_path) == b"version: 1"
    (tmp_path / "greenroom.yaml").unlink()
    (tmp_path / "greenroom.yaml").symlink_to("/etc/passwd")
    with pytest.raises(SourceError):
        git.read_manifest_text(tmp_path)
    (tmp_path / "greenroom.yaml").unlink()
    os.mkfifo(tmp_path / "greenroom.yaml")
    with pytest.raises(SourceError):
        git.read_manifest_text(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a repository away")
def test_a_repository_of_another_account(
    source: Any, checkout: Callable[..., Path], tmp_path: Path
) -> None:
    source.commit({"a": "1"})
    account = pwd.getpwnam("nobody")
    for path in (source.folder, *source.folder.rglob("*")):
        os.chown(path, account.pw_uid, account.pw_gid)
    assert (checkout(source.url, "main") / "a").read_text() == "1"


def test_submodules_are_left_out(
    git_repository: MakeRepository, checkout: Callable[..., Path]
) -> None:
    inner, outer = git_repository("inner"), git_repository("outer")
    inner.commit({"secret": "1"})
    outer.commit({"a": "1"})
    outer.git("-c", "protocol.file.allow=always", "submodule", "add", "--quiet", inner.url, "sub")
    outer.commit()
    folder = checkout(outer.url, "main")
    assert (folder / "a").exists()
    assert list((folder / "sub").iterdir()) == []


def test_checking_out_again_makes_the_folder_anew(source: Any, tmp_path: Path) -> None:
    commit = source.commit({"a": "1"})
    folder = tmp_path / "out"
    for _ in range(2):
        git.checkout(source.url, commit, None, tmp_path / "r.git", folder, lambda: None)
        assert [path.name for path in folder.iterdir()] == ["a"]
        (folder / "left over").touch()
    shutil.rmtree(source.folder)  # what is known needs no remote
    git.checkout(source.url, commit, None, tmp_path / "r.git", folder, lambda: None)
    assert [path.name for path in tmp_path.glob(".*index*")] == []


def test_environments_of_one_project_check_out_at_once(source: Any, tmp_path: Path) -> None:
    commits = []
    for number in range(6):
        source.git("checkout", "--quiet", "-B", f"branch-{number}")
        commits.append(source.commit({"a": str(number), f"only-{number}": ""}))

    def run(number: int) -> set[str]:
        folder = tmp_path / "out" / str(number)
        git.checkout(source.url, commits[number], None, tmp_path / "r.git", folder, lambda: None)
        assert (folder / "a").read_text() == str(number)
        return {path.name for path in folder.iterdir()}

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(run, range(6)))
    assert found[2] == {"a", "only-0", "only-1", "only-2"}


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A server that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept = []

        def accept() -> None:
            while True:
                try:
                    kept.append(server.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield int(server.getsockname()[1])
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)
        for connection in kept:
            connection.close()


@pytest.mark.parametrize("scheme", ["git", "http"])
def test_a_hanging_remote_is_given_up(
    silent_port: int, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git, "LIST_TIMEOUT_SECONDS", 1.0)
    began = time.monotonic()
    with pytest.raises(SourceError, match="git ls-remote took longer than 1 s"):
        git.list_refs(f"{scheme}://127.0.0.1:{silent_port}/shop")
    assert time.monotonic() - began < 5


def test_a_cancelled_deployment_does_not_wait_for_a_hanging_remote(
    silent_port: int, tmp_path: Path
) -> None:
    began = time.monotonic()

    def check() -> None:
        raise Overtaken

    url = f"http://127.0.0.1:{silent_port}/shop"
    with pytest.raises(Overtaken):
        git.checkout(url, "1" * 40, None, tmp_path / "r.git", tmp_path / "out", check)
    assert time.monotonic() - began < 3


REMOTES = {
    "/private": b"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n",
    "/page": b"HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n<html>\n</html>",
    "/moved": b"HTTP/1.1 301 No\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
    "/broken": b"",
}


@pytest.mark.parametrize("path", REMOTES)
def test_a_remote_that_is_none_or_asks_for_a_password_is_an_error(path: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(REMOTES[path])

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            with pytest.raises(SourceError) as refused:
                git.list_refs(f"http://joe:hunter2@127.0.0.1:{server.getsockname()[1]}{path}")
            assert "hunter2" not in refused.value.message
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def test_transports_that_run_commands_are_not_taken(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    for url in (f"ext::touch {mark}", f"fd::{mark}"):
        with pytest.raises(InvalidInput):
            git.check_source_url(url)
        with pytest.raises(SourceError):
            git.list_refs(url)
    assert not mark.exists()
