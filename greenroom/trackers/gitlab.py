"""GitLab's issues.

Source: GitLab Docs, "Issues API", "Notes API", "Project Markdown uploads API", "Webhook events".
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from greenroom.errors import NotAllowed
from greenroom.secrets import is_same
from greenroom.trackers.base import (
    LABEL,
    Change,
    Draft,
    Issue,
    TrackerClient,
    body_of,
    read_json,
    words_at,
)


class GitLabIssues(TrackerClient):
    """A project's issues."""

    usual_url = "https://gitlab.com/api/v4"
    place_form = re.compile(r"[\w.-]+(/[\w.-]+)+", re.ASCII)
    place_example = "acme/shop"

    def _headers(self, token: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {token}", "Accept": "application/json"}

    @property
    def _project(self) -> str:
        return f"projects/{quote(self.place, safe='')}"

    def find_issue(self, mark: str) -> Issue | None:
        """Find the issue whose description bears a mark."""
        query = {"labels": LABEL, "search": mark, "in": "description"}
        found = self._ask("GET", f"{self._project}/issues", **query) or []
        return next((_issue(item) for item in found if mark in str(item.get("description"))), None)

    def _create_issue(self, draft: Draft) -> Issue:
        picture = ""
        if draft.picture is not None:
            files = {"file": ("comment.png", draft.picture, "image/png")}
            picture = str(self._ask("POST", f"{self._project}/uploads", data=files)["url"])
        body = {"title": draft.title, "description": body_of(draft, picture), "labels": LABEL}
        return _issue(self._ask("POST", f"{self._project}/issues", body=body))

    def add_comment(self, issue: Issue, text: str) -> None:
        """Say something in an issue."""
        self._ask("POST", f"{self._project}/issues/{issue.key}/notes", body={"body": text})

    def set_done(self, issue: Issue, is_done: bool) -> None:
        """Close an issue, or open it again."""
        body = {"state_event": "close" if is_done else "reopen"}
        self._ask("PUT", f"{self._project}/issues/{issue.key}", body=body)


def _issue(item: Any) -> Issue:
    return Issue(str(int(item["iid"])), str(item["web_url"]))


def read_gitlab(headers: dict[str, str], body: bytes, secret: str, now: float) -> Change | None:
    """Read ``Issue Hook`` and ``Note Hook`` webhooks."""
    if not is_same(headers.get("x-gitlab-token", "").encode("utf-8", "replace"), secret.encode()):
        raise NotAllowed(
            "the webhook's secret token does not fit",
            hint="Set the tracker's webhook secret: `greenroom tracker show` tells it.",
        )
    payload = read_json(body)
    match words_at(payload, "object_kind"):
        case "issue":
            action = words_at(payload, "object_attributes", "action")
            if action in ("close", "reopen"):
                key = words_at(payload, "object_attributes", "iid")
                return Change(key, is_done=action == "close")
        case "note" if words_at(payload, "object_attributes", "noteable_type") == "Issue":
            return Change(
                words_at(payload, "issue", "iid"), author=words_at(payload, "user", "name"),
                text=words_at(payload, "object_attributes", "note"),
                id=words_at(payload, "object_attributes", "id"),
            )  # fmt: skip
    return None
