from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenroom.errors import InvalidInput
from greenroom.sources.git import (
    check_new_source,
    check_ref,
    check_source_url,
    refuse_escaping_links,
)
from greenroom.store.projects import suggest_project_name

REFS = [
    "main", "feature/nice", "v1.2.3", "a" * 250, "dependabot/npm_and_yarn/x-1.2", "fix#12", "ü/本",
    "a@b", "a-", "user/a.b.c", "refs/heads/main", "a" * 40, "$(id)", "a;rm", "a'b", 'a"b', "a&b|c",
]  # fmt: skip
BAD_REFS = [
    "", "-x", "--upload-pack=id", "/a", "a/", ".a", "a/.b", "a..b", "a b", "a\tb", "a\nb", "a\0b",
    "a~1", "a^", "a:b", "a?", "a*", "a[b", "a\\b", "a@{1}", "@", "a.", "a.lock", "a.lock/b", "a//b",
    "a\x7fb", "a\ud800b", "a" * 251, "+refs/heads/*:refs/heads/*",
]  # fmt: skip


@pytest.mark.parametrize("ref", REFS)
def test_refs_that_git_takes(ref: str) -> None:
    assert check_ref(ref) == ref


@pytest.mark.parametrize("ref", BAD_REFS)
def test_refs_that_are_refused(ref: str) -> None:
    with pytest.raises(InvalidInput):
        check_ref(ref)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.sampled_from(list("ab/.@{}-~^:?*[\\ lock\x00é")), max_size=12))
def test_what_we_take_git_takes(ref: str) -> None:
    try:
        check_ref(ref)
    except InvalidInput:
        return
    done = subprocess.run(["git", "check-ref-format", "--allow-onelevel", ref], check=False)
    assert done.returncode == 0


URLS = [
    "https://github.com/acme/shop.git",
    "https://user:token@github.com/acme/shop",
    "http://localhost:3000/acme/shop",
    "ssh://git@github.com:22/acme/shop.git",
    "git://example.org/shop",
    "file:///srv/shop.git",
    "git@github.com:acme/shop.git",
    "deploy_1@10.0.0.1:~/shop",
]
BAD_URLS = [
    "", "-oProxyCommand=id", "--upload-pack=id", "ext::sh -c id", "fd::17/foo", "ftp://a/b",
    "javascript://x", "https://a\nb", "https://a b/c", "https://a\0b", "a\0b", "https://",
    "ssh://-oProxyCommand=id/x", "ssh://git@-oProxyCommand=id/x", "git@-oProxyCommand=id:x",
    "-git@host:x", "git@host:-x", "https://a\ud800b", "/nonexistent/folder", "nowhere", "\ud800",
    "x" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("url", URLS)
def test_urls_that_git_may_get(url: str) -> None:
    assert check_source_url(url) == url


@pytest.mark.parametrize("url", BAD_URLS)
def test_urls_that_are_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        check_source_url(url)


def test_a_path_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "link").symlink_to("shop")
    (tmp_path / "loop").symlink_to("loop")
    monkeypatch.chdir(tmp_path)
    assert check_source_url("shop") == str(tmp_path / "shop")
    assert check_source_url("./link") == str(tmp_path / "shop")
    with pytest.raises(InvalidInput):
        check_source_url("loop")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://github.com/acme/My_Shop.git", "my-shop"),
        ("git@github.com:shop.git", "shop"),
        ("/srv/shop/", "shop"),
    ],
)
def test_a_projects_name_is_suggested(url: str, name: str) -> None:
    assert suggest_project_name(url) == name


@pytest.mark.parametrize("target", ["/etc/passwd", "../outside", "sub/../../x", "link"])
def test_links_that_leave_a_tree_are_refused(tmp_path: Path, target: str) -> None:
    from greenroom.errors import SourceError

    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "link").symlink_to(target)
    with pytest.raises(SourceError, match="link is a link that leaves"):
        refuse_escaping_links(tree)


def test_links_inside_a_tree_are_fine(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "link").symlink_to("../file")
    (tmp_path / "dangling").symlink_to("nothing")
    refuse_escaping_links(tmp_path)


@pytest.mark.parametrize(
    "url",
    ["https://u:p@git.test/x", "https://u:p@ss@git.test/x", "HTTPS://u:@git.test/x",
     " ssh://u:p@git.test/x", "https://u:p@[git.test/x"],
)  # fmt: skip
def test_a_repository_is_not_added_with_its_password(url: str) -> None:
    with pytest.raises(InvalidInput, match="holds a password"):
        check_new_source(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://git.test:8443/a:b@c",
        "ssh://git@git.test:22/x",
        "git@git.test:team/x",
        "https://[::1/",
    ],
)
def test_a_repository_is_added_by_any_other_address(url: str) -> None:
    assert check_new_source(f" {url}\n") == url
