"""The demo's sample repository: real git, the same commits everywhere."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from greenroom.demo.repository import (
    HERE,
    SampleRepository,
    create_sample_repository,
    push_broken_commit,
    push_fix_commit,
)
from greenroom.errors import SourceError
from greenroom.manifest import parse_manifest


def git(repository: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "--git-dir", str(repository), *arguments],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> SampleRepository:
    return create_sample_repository(tmp_path_factory.mktemp("sample") / "deep" / "shop.git")


@pytest.fixture
def repository(made_once: SampleRepository, tmp_path: Path) -> SampleRepository:
    """Give a copy of the repository, to be pushed to."""
    shutil.copytree(made_once.path, tmp_path / "shop.git")
    return replace(made_once, path=tmp_path / "shop.git")


def test_it_is_bare_with_two_branches(repository: SampleRepository) -> None:
    assert git(repository.path, "rev-parse", "--is-bare-repository") == "true"
    branches = git(repository.path, "for-each-ref", "--format=%(refname:short)", "refs/heads")
    assert branches.splitlines() == ["feature/spring-sale", "main"]
    assert git(repository.path, "symbolic-ref", "HEAD") == "refs/heads/main"
    assert git(repository.path, "rev-parse", "main") == repository.main_commit
    assert (
        git(repository.path, "merge-base", "main", "feature/spring-sale") == repository.main_commit
    )


def test_it_leaves_nothing_beside_it(made_once: SampleRepository) -> None:
    assert list(made_once.path.parent.iterdir()) == [made_once.path]


def test_its_commits_are_the_same_everywhere(
    repository: SampleRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hooks").mkdir()
    config = tmp_path / "gitconfig"
    config.write_text(
        f"[core]\nhooksPath = {tmp_path / 'hooks'}\nautocrlf = true\n[commit]\ngpgSign = true\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Somebody Else")
    monkeypatch.setenv("GIT_DIR", str(tmp_path))
    other = create_sample_repository(tmp_path / "other.git")
    assert other.main_commit == repository.main_commit
    assert other.feature_commit == repository.feature_commit
    assert push_broken_commit(other) == push_broken_commit(repository)


def test_a_second_call_gives_the_present_state(repository: SampleRepository) -> None:
    assert create_sample_repository(repository.path) == repository
    broken = push_broken_commit(repository)
    again = create_sample_repository(repository.path)
    assert (again.main_commit, again.feature_commit) == (repository.main_commit, broken)


def test_broken_and_fix_follow_each_other(repository: SampleRepository) -> None:
    broken = push_broken_commit(repository)
    assert push_broken_commit(repository) == broken, "idempotent"
    assert git(repository.path, "rev-parse", f"{broken}^") == repository.feature_commit
    fix = push_fix_commit(repository)
    assert push_fix_commit(repository) == fix
    assert git(repository.path, "rev-parse", f"{fix}^") == broken
    once_more = push_broken_commit(repository)
    assert once_more not in (broken, fix)
    assert git(repository.path, "rev-parse", "feature/spring-sale") == once_more
    assert git(repository.path, "rev-parse", "main") == repository.main_commit


def test_it_holds_the_packaged_files_and_no_others(repository: SampleRepository) -> None:
    listed = set(git(repository.path, "ls-tree", "-r", "--name-only", "main").splitlines())
    packaged = {
        str(file.relative_to(HERE / "sample"))
        for file in (HERE / "sample").rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
        and not any(part.endswith("_cache") for part in file.parts)
    }  # fmt: skip
    assert listed == packaged
    modes = {line.split()[0] for line in git(repository.path, "ls-tree", "-r", "main").splitlines()}
    assert modes == {"100644"}


def test_every_changed_file_really_changes_something(repository: SampleRepository) -> None:
    broken = push_broken_commit(repository)
    fix = push_fix_commit(repository)
    steps = [
        ("feature-spring-sale", repository.main_commit, repository.feature_commit),
        ("broken", repository.feature_commit, broken),
        ("fix", broken, fix),
    ]
    for folder, before, after in steps:
        changed = git(repository.path, "diff", "--name-only", before, after).splitlines()
        held = [
            str(file.relative_to(HERE / "branches" / folder))
            for file in (HERE / "branches" / folder).rglob("*")
            if file.is_file() and "__pycache__" not in file.parts
        ]
        assert sorted(changed) == sorted(held), folder


def test_the_branches_differ_from_main_only_where_they_mean_to(
    repository: SampleRepository,
) -> None:
    """The folders in ``branches/`` hold whole files: a change to the sample must reach them too."""
    fix = push_fix_commit(repository)
    lost = git(
        repository.path, "diff", "--numstat", repository.main_commit, fix,
        "--", "shop/templates/base.html", "shop/config.py", "shop/catalogue.json",
    )  # fmt: skip
    removed = {line.split("\t")[2]: int(line.split("\t")[1]) for line in lost.splitlines()}
    assert removed == {
        "shop/templates/base.html": 0, "shop/config.py": 0, "shop/catalogue.json": 1,
    }  # fmt: skip


def test_its_manifest_is_one_that_greenroom_accepts(repository: SampleRepository) -> None:
    manifest = parse_manifest(git(repository.path, "show", "main:greenroom.yaml"))
    assert manifest.runtime == "process"
    assert manifest.database.engine == "postgres"
    assert "shop.migrate" in manifest.run.release
    assert manifest.health.path == "/healthz"


def test_a_folder_in_the_way_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "letter.txt").write_text("mine")
    with pytest.raises(SourceError, match="in the way"):
        create_sample_repository(tmp_path / "taken")
    assert (tmp_path / "taken" / "letter.txt").read_text() == "mine"
