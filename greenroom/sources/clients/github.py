"""GitHub's REST API, version 2022-11-28.

Source: GitHub Docs, "Commit statuses", "Issue comments", "Deployments", "Deployment statuses".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from greenroom.services import PAGE_SIZE
from greenroom.sources.clients.base import Comment, ForgeClient, check_commit
from greenroom.sources.level import Pull
from greenroom.sources.reporting import Report, State

API_URL = "https://api.github.com"
"""Of GitHub itself; an own GitHub Enterprise Server's is ``https://<host>/api/v3``."""
_STATUSES = {State.CANCELLED: "error"}
_DEPLOYMENTS = {State.PENDING: "in_progress", State.CANCELLED: "inactive"}
_OWN = "greenroom"
"""Says of a deployment that it is ours: others may record theirs under the same name."""


class GitHubClient(ForgeClient):
    """Reports to GitHub: status, comment, deployment."""

    def _headers(self, token: str) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }

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
                "target_url": report.log_url or report.url or None,
                "description": report.summary,
                "context": report.context,
            },
        )

    def record_deployment(self, report: Report) -> None:
        """Bring the deployment of the report's commit to the report's state.

        GitHub itself ends the earlier ones when one succeeds: therefore they are not transient.
        """
        query = {"environment": report.environment, "sha": check_commit(report.commit)}
        path = f"{self._repo}/deployments"
        found = self._list(self._ask("GET", path, per_page=1, task=f"deploy:{_OWN}", **query), path)
        deployment = found[0]["id"] if found else self._create_deployment(report)
        self._ask(
            "POST",
            f"{path}/{deployment}/statuses",
            body={
                "state": _DEPLOYMENTS.get(report.state, report.state.value),
                "description": report.summary,
                "environment_url": report.url,
                "log_url": report.log_url,
                "auto_inactive": True,
            },
        )

    def _create_deployment(self, report: Report) -> int:
        path = f"{self._repo}/deployments"
        made = self._ask(
            "POST",
            path,
            body={
                "ref": report.commit,
                "task": f"deploy:{_OWN}",
                "environment": report.environment,
                "description": report.summary,
                "auto_merge": False,
                "required_contexts": [],  # a preview is there before the checks have passed
                "production_environment": report.is_production,
            },
        )
        return int(self._list([made], path)[0]["id"])

    def end_deployments(self, environment: str) -> None:
        """Say of our deployments of an environment that they are no more."""
        path = f"{self._repo}/deployments"
        query = {"environment": environment, "task": f"deploy:{_OWN}"}
        for page in self._pages(path, per_page=PAGE_SIZE, **query):
            for deployment in page:
                statuses = f"{path}/{deployment['id']}/statuses"
                newest = self._list(self._ask("GET", statuses, per_page=1), statuses)
                if not newest or newest[0].get("state") != "inactive":
                    self._ask("POST", statuses, body={"state": "inactive"})

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
            for page in self._pages(f"{self._repo}/pulls", state="open", per_page=PAGE_SIZE)
            for item in page
        ]  # fmt: skip

    def _comments(self, number: int) -> Iterator[Comment]:
        path = f"{self._repo}/issues/{number}/comments"
        for page in self._pages(path, per_page=PAGE_SIZE):
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
