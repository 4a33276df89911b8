"""Gitea's and Forgejo's REST API, version 1.

Source: Gitea's and Forgejo's ``/swagger.v1.json``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from greenroom.services import PAGE_SIZE
from greenroom.sources.clients.base import Comment, ForgeClient, check_commit
from greenroom.sources.level import Pull
from greenroom.sources.reporting import Report, State

_STATUSES = {State.CANCELLED: "error"}


class GiteaClient(ForgeClient):
    """Reports to Gitea or Forgejo: status and comment."""

    def _headers(self, token: str) -> dict[str, str]:
        return {"Authorization": f"token {token}", "Accept": "application/json"}

    @property
    def _repo(self) -> str:
        return f"repos/{self.repository}"

    def set_status(self, report: Report) -> None:
        """Set the status of the report's commit."""
        self._ask(
            "POST",
            f"{self._repo}/statuses/{check_commit(report.commit)}",
            body={
                "state": _STATUSES.get(report.state, report.state.value),
                "target_url": report.log_url or report.url,
                "description": report.summary,
                "context": report.context,
            },
        )

    def _is_last(self, answer: Any, count: int) -> bool:
        """Tell nothing: a server may cap its pages, and may know none."""
        return False

    def list_pulls(self) -> list[Pull]:
        """List the open pull requests."""
        return [
            Pull(
                int(item["number"]), str(item["head"]["ref"]), str(item["head"]["sha"]),
                str(item["base"]["ref"]), from_fork=_is_fork(item),
                is_draft=bool(item.get("draft")),
                labels=tuple(str(label["name"]) for label in item.get("labels") or ()),
                pull_ref=f"refs/pull/{item['number']}/head",
            )
            for page in self._pages(f"{self._repo}/pulls", state="open", limit=PAGE_SIZE)
            for item in page
        ]  # fmt: skip

    def _comments(self, number: int) -> Iterator[Comment]:
        for page in self._pages(f"{self._repo}/issues/{number}/comments", limit=PAGE_SIZE):
            yield from (Comment(item["id"], str(item.get("body") or "")) for item in page)

    def _create_comment(self, number: int, text: str) -> None:
        self._ask("POST", f"{self._repo}/issues/{number}/comments", body={"body": text})

    def _edit_comment(self, number: int, comment: int, text: str) -> None:
        self._ask("PATCH", f"{self._repo}/issues/comments/{comment}", body={"body": text})

    def _delete_comment(self, number: int, comment: int) -> None:
        self._ask("DELETE", f"{self._repo}/issues/comments/{comment}")


def _is_fork(pull: dict[str, Any]) -> bool:
    """Whether a pull request comes from another repository, or from one that is gone."""
    head, base = pull["head"].get("repo"), pull["base"].get("repo")
    return not head or not base or head.get("id") != base.get("id")
