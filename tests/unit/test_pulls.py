"""Open pull requests, as each forge lists them. The lists are cut to what is read of them."""

from __future__ import annotations

from typing import Any

import pytest

from greenroom.sources.clients import open_client
from greenroom.sources.level import Pull

pytestmark = pytest.mark.unit
SHA = "c" * 40


def pull(number: int, repository: int | None = 1, **more: Any) -> dict[str, Any]:
    """Give a pull request as GitHub and Gitea write it."""
    head = {"ref": f"b{number}", "sha": SHA, "repo": {"id": repository} if repository else None}
    return {"id": 100 + number, "number": number, "head": head,
            "base": {"ref": "main", "repo": {"id": 1}}, **more}  # fmt: skip


LISTS: dict[str, Any] = {
    "github": [
        pull(7, draft=True, labels=[{"name": "preview"}]), pull(8, repository=2),
        pull(9, repository=None, labels=[]),
    ],
    "gitea": [
        pull(7, draft=True, labels=[{"name": "preview"}]), pull(8, repository=2),
        pull(9, repository=None, labels=None),
    ],
    "gitlab": [
        {"id": 1, "iid": 7, "source_branch": "b7", "sha": SHA, "target_branch": "main",
         "source_project_id": 1, "target_project_id": 1, "draft": True, "labels": ["preview"]},
        {"id": 2, "iid": 8, "source_branch": "b8", "sha": SHA, "target_branch": "main",
         "source_project_id": 2, "target_project_id": 1, "draft": False, "labels": []},
        {"id": 3, "iid": 9, "source_branch": "b9", "sha": SHA, "target_branch": "main",
         "source_project_id": None, "target_project_id": 1, "labels": None},
    ],
    "bitbucket": {"values": [
        {"id": number, "draft": number == 7,
         "source": {"branch": {"name": f"b{number}"}, "repository": repository},
         "destination": {"branch": {"name": "main"}, "repository": {"uuid": "{1}"}}}
        for number, repository in ((7, {"uuid": "{1}"}), (8, {"uuid": "{2}"}), (9, None))
    ]},
}  # fmt: skip
REFS = {"github": "refs/pull/{}/head", "gitea": "refs/pull/{}/head",
        "gitlab": "refs/merge-requests/{}/head", "bitbucket": ""}  # fmt: skip


@pytest.mark.parametrize("forge", LISTS)
def test_each_forges_list_is_read(forge: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client = open_client(forge, "acme/shop", "token", api_url="https://forge.example/api")
    pages = iter([LISTS[forge], [] if forge != "bitbucket" else {"values": []}])
    monkeypatch.setattr(client, "_ask", lambda *_, **__: next(pages))
    labels = () if forge == "bitbucket" else ("preview",)
    commit = "" if forge == "bitbucket" else SHA

    def ref(number: int) -> str:
        return REFS[forge].format(number)

    assert client.list_pulls() == [
        Pull(7, "b7", commit, "main", is_draft=True, labels=labels, pull_ref=ref(7)),
        Pull(8, "b8", commit, "main", from_fork=True, pull_ref=ref(8)),
        Pull(9, "b9", commit, "main", from_fork=True, pull_ref=ref(9)),
    ]
    client.close()
