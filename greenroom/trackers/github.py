"""GitHub Issues.

Source: GitHub Docs, "REST API endpoints for issues", "Webhook events and payloads".
"""

from __future__ import annotations

import re
from typing import Any

from greenroom.services import PAGE_SIZE
from greenroom.trackers.base import (
    LABEL,
    Change,
    Draft,
    Issue,
    TrackerClient,
    body_of,
    check_signature,
    read_json,
    words_at,
)

MOST_LOOKED_AT = 300


class GitHubIssues(TrackerClient):
    """A repository's issues. Files cannot be sent: the picture is shown by its address."""

    usual_url = "https://api.github.com"
    place_form = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
    place_example = "acme/shop"

    def _headers(self, token: str) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }

    @property
    def _issues(self) -> str:
        return f"repos/{self.place}/issues"

    def find_issue(self, mark: str) -> Issue | None:
        """Find the issue that bears a mark among the newest of ours."""
        seen = 0
        query = {"labels": LABEL, "state": "all", "sort": "created", "direction": "desc"}
        for page in self._pages(self._issues, per_page=PAGE_SIZE, **query):
            for item in page:
                if mark in str(item.get("body") or ""):
                    return _issue(item)
            seen += len(page)
            if seen >= MOST_LOOKED_AT:
                break
        return None

    def _create_issue(self, draft: Draft) -> Issue:
        body = {
            "title": draft.title, "body": body_of(draft, draft.picture_url), "labels": [LABEL]
        }  # fmt: skip
        return _issue(self._ask("POST", self._issues, body=body))

    def add_comment(self, issue: Issue, text: str) -> None:
        """Say something in an issue."""
        self._ask("POST", f"{self._issues}/{issue.key}/comments", body={"body": text})

    def set_done(self, issue: Issue, is_done: bool) -> None:
        """Close an issue, or open it again."""
        body = {"state": "closed" if is_done else "open"}
        self._ask("PATCH", f"{self._issues}/{issue.key}", body=body)


def _issue(item: Any) -> Issue:
    return Issue(str(int(item["number"])), str(item["html_url"]))


def read_github(headers: dict[str, str], body: bytes, secret: str, now: float) -> Change | None:
    """Read ``issues`` and ``issue_comment`` webhooks."""
    check_signature(headers.get("x-hub-signature-256", "").removeprefix("sha256="), body, secret)
    payload = read_json(body)
    key, action = words_at(payload, "issue", "number"), words_at(payload, "action")
    match headers.get("x-github-event"), action:
        case "issues", "closed" | "reopened":
            return Change(key, is_done=action == "closed")
        case "issue_comment", "created":
            return Change(
                key, author=words_at(payload, "comment", "user", "login"),
                text=words_at(payload, "comment", "body"), id=words_at(payload, "comment", "id"),
            )  # fmt: skip
    return None
