"""GitLab's REST API, version 4.

Source: GitLab Docs, "Commits API", "Notes API".
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from greenroom.errors import ForgeError
from greenroom.services import PAGE_SIZE
from greenroom.sources.clients.base import Comment, ForgeClient, check_commit
from greenroom.sources.level import Pull
from greenroom.sources.reporting import Report, State

API_URL = "https://gitlab.com/api/v4"
_STATUSES = {State.PENDING: "running", State.FAILURE: "failed", State.CANCELLED: "canceled"}


class GitLabClient(ForgeClient):
    """Reports to GitLab: status and comment."""

    def _headers(self, token: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {token}", "Accept": "application/json"}

    @property
    def _project(self) -> str:
        return f"projects/{quote(self.repository, safe='')}"

    def set_status(self, report: Report) -> None:
        """Set the status of the report's commit.

        GitLab refuses a status that a commit has already; that is no failure.
        """
        body = {
            "state": _STATUSES.get(report.state, report.state.value),
            "name": report.context,
            "description": report.summary,
        }
        if report.log_url or report.url:
            body["target_url"] = report.log_url or report.url
        try:
            commit = check_commit(report.commit)
            self._ask("POST", f"{self._project}/statuses/{commit}", body=body)
        except ForgeError as error:
            is_there = "Cannot transition status" in error.message
            if error.details.get("status") != 400 or not is_there:
                raise

    def _notes(self, number: int) -> str:
        return f"{self._project}/merge_requests/{number}/notes"

    def list_pulls(self) -> list[Pull]:
        """List the open merge requests."""
        path = f"{self._project}/merge_requests"
        return [
            Pull(
                int(item["iid"]), str(item["source_branch"]), str(item.get("sha") or ""),
                str(item["target_branch"]),
                from_fork=item.get("source_project_id") != item.get("target_project_id"),
                is_draft=bool(item.get("draft")), labels=tuple(map(str, item.get("labels") or ())),
                pull_ref=f"refs/merge-requests/{item['iid']}/head",
            )
            for page in self._pages(path, state="opened", per_page=PAGE_SIZE)
            for item in page
        ]  # fmt: skip

    def _comments(self, number: int) -> Iterator[Comment]:
        query = {"per_page": PAGE_SIZE, "sort": "asc", "order_by": "created_at"}
        for page in self._pages(self._notes(number), **query):
            for item in page:
                if not item.get("system"):
                    yield Comment(item["id"], str(item.get("body") or ""))

    def _create_comment(self, number: int, text: str) -> None:
        self._ask("POST", self._notes(number), body={"body": text})

    def _edit_comment(self, number: int, comment: int, text: str) -> None:
        self._ask("PUT", f"{self._notes(number)}/{comment}", body={"body": text})

    def _delete_comment(self, number: int, comment: int) -> None:
        self._ask("DELETE", f"{self._notes(number)}/{comment}")
