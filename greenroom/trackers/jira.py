"""Jira, Cloud and Data Center, by its REST API version 2, whose texts are plain.

Source: Atlassian Developer, "The Jira Cloud platform REST API" (v2), "Webhooks" (signed by
``X-Hub-Signature``, WebSub section 7).
"""

from __future__ import annotations

import base64
import re
from typing import Any

from greenroom.errors import GreenroomError
from greenroom.trackers.base import (
    LABEL,
    Change,
    Draft,
    Issue,
    TrackerClient,
    check_signature,
    dig,
    read_json,
    words_at,
)

_BARE = re.compile(r"[{}\[\]|*_\\^~!]")


class JiraIssues(TrackerClient):
    """A project's issues. The token is ``<e-mail>:<API token>`` on Cloud, else a personal one."""

    place_form = re.compile(r"[A-Z][A-Z0-9_]{0,19}(/[^/]{1,60})?")
    place_example = "SHOP, or SHOP/Bug for another kind of issue than Task"

    def _headers(self, token: str) -> dict[str, str]:
        is_cloud = ":" in token
        known = base64.b64encode(token.encode()).decode() if is_cloud else token
        self._redact_also(known)
        return {
            "Authorization": f"{'Basic' if is_cloud else 'Bearer'} {known}",
            "Accept": "application/json",
            "X-Atlassian-Token": "no-check",  # asked for with files
        }

    def find_issue(self, mark: str) -> Issue | None:
        """Find the issue that bears a mark as a label."""
        query = {"jql": f'project = "{self._key}" and labels = "{mark}"', "fields": "summary"}
        try:
            found = self._ask("GET", "rest/api/2/search/jql", **query)
        except GreenroomError as error:
            if error.details.get("status") not in (404, 405):
                raise
            found = self._ask("GET", "rest/api/2/search", **query)  # Data Center has no other
        first = dig(found, "issues", 0)
        return self._issue(first) if isinstance(first, dict) else None

    @property
    def _key(self) -> str:
        return self.place.partition("/")[0]

    def _issue(self, item: Any) -> Issue:
        key = str(item["key"])
        return Issue(key, f"{self.api_url}/browse/{key}", str(item["id"]))

    def _create_issue(self, draft: Draft) -> Issue:
        fields = {
            "project": {"key": self._key},
            "issuetype": {"name": self.place.partition("/")[2] or "Task"},
            "summary": draft.title,
            "description": _plain(draft.text),
            "labels": [LABEL, draft.mark],
        }
        made = self._issue(self._ask("POST", "rest/api/2/issue", body={"fields": fields}))
        if draft.picture is not None:
            files = {"file": ("comment.png", draft.picture, "image/png")}
            self._ask("POST", f"rest/api/2/issue/{made.key}/attachments", data=files)
        return made

    def add_comment(self, issue: Issue, text: str) -> None:
        """Say something in an issue."""
        body = {"body": _plain(text)}
        self._ask("POST", f"rest/api/2/issue/{issue.key}/comment", body=body)

    def set_done(self, issue: Issue, is_done: bool) -> None:
        """Move an issue to a status that its workflow counts as done, or to one that it does not.

        A workflow that allows no such step is no failure: its people decide.
        """
        path = f"rest/api/2/issue/{issue.key}"
        now = self._ask("GET", path, fields="status")
        if (_category(dig(now, "fields", "status")) == "done") == is_done:
            return
        steps = dig(self._ask("GET", f"{path}/transitions"), "transitions") or []
        for step in steps:
            if (_category(dig(step, "to")) == "done") == is_done:
                body = {"transition": {"id": str(step["id"])}}
                self._ask("POST", f"{path}/transitions", body=body)
                return


def _category(status: Any) -> str:
    return words_at(status, "statusCategory", "key")


def _plain(text: str) -> str:
    """Give Markdown of ours as plain words: Jira's wiki text has signs of its own."""
    text = re.sub(r"\\(.)", r"\1", text).replace("**", "")
    return _BARE.sub(lambda sign: f"\\{sign[0]}", text)


def read_jira(headers: dict[str, str], body: bytes, secret: str, now: float) -> Change | None:
    """Read ``jira:issue_updated`` and ``comment_created`` webhooks."""
    check_signature(headers.get("x-hub-signature", "").removeprefix("sha256="), body, secret)
    payload = read_json(body)
    key = words_at(payload, "issue", "key")
    match words_at(payload, "webhookEvent"):
        case "jira:issue_updated":
            items = dig(payload, "changelog", "items")
            is_moved = isinstance(items, list) and any(
                words_at(item, "field") == "status" for item in items
            )
            category = _category(dig(payload, "issue", "fields", "status"))
            return Change(key, is_done=category == "done") if is_moved else None
        case "comment_created":
            return Change(
                key, author=words_at(payload, "comment", "author", "displayName"),
                text=words_at(payload, "comment", "body"), id=words_at(payload, "comment", "id"),
            )  # fmt: skip
    return None
