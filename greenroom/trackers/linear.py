"""Linear, by its GraphQL API.

Source: Linear Developers, "Getting started", "Attachments", "File storage", "Webhooks".
"""

from __future__ import annotations

import re
import uuid
from typing import Any

import httpx

from greenroom.errors import NotAllowed
from greenroom.trackers.base import (
    Change,
    Draft,
    Issue,
    TrackerClient,
    body_of,
    check_signature,
    dig,
    read_json,
    words_at,
)

OLDEST_SECONDS = 60.0
"""Source: Linear Developers, "Webhooks": an older delivery may be a replay."""
_FIELDS = "id identifier url"
TEAM = "query($key: String!) { teams(filter: {key: {eq: $key}}) { nodes { id } } }"
FIND = (
    "query($filter: IssueFilter) { issues(filter: $filter, first: 1)"
    f" {{ nodes {{ {_FIELDS} }} }} }}"
)
CREATE = (
    "mutation($input: IssueCreateInput!) { issueCreate(input: $input)"
    f" {{ issue {{ {_FIELDS} }} }} }}"
)
COMMENT = "mutation($input: CommentCreateInput!) { commentCreate(input: $input) { success } }"
STATES = (
    "query($id: String!) { issue(id: $id) { state { type }"
    " team { states { nodes { id type position } } } } }"
)
MOVE = (
    "mutation($id: String!, $input: IssueUpdateInput!)"
    " { issueUpdate(id: $id, input: $input) { success } }"
)
UPLOAD = (
    "mutation($type: String!, $name: String!, $size: Int!)"
    " { fileUpload(contentType: $type, filename: $name, size: $size)"
    " { uploadFile { uploadUrl assetUrl headers { key value } } } }"
)
_DONE = ("completed", "canceled")


class LinearIssues(TrackerClient):
    """A team's issues."""

    usual_url = "https://api.linear.app/graphql"
    place_form = re.compile(r"[A-Z][A-Z0-9]{0,9}")
    place_example = "SHOP, the team's key"

    def _headers(self, token: str) -> dict[str, str]:
        return {"Authorization": token, "Accept": "application/json"}

    def _query(self, query: str, **variables: Any) -> Any:
        """Give the data of an answer; an error in it is a refusal, whatever the status says."""
        answer = self._ask("POST", "", body={"query": query, "variables": variables})
        if dig(answer, "errors"):
            said = words_at(answer, "errors", 0, "message")[:300]
            is_limited = words_at(answer, "errors", 0, "extensions", "code") == "RATELIMITED"
            kind = self.unavailable if is_limited else self.refusal
            raise kind(f"{self._host} refused: {self._redact(said)}", hint=self.hints[403])
        return dig(answer, "data")

    def find_issue(self, mark: str) -> Issue | None:
        """Find the issue whose description bears a mark."""
        wanted = {"description": {"contains": mark}, "team": {"key": {"eq": self.place}}}
        first = dig(self._query(FIND, filter=wanted), "issues", "nodes", 0)
        return _issue(first) if first else None

    def _create_issue(self, draft: Draft) -> Issue:
        team = words_at(self._query(TEAM, key=self.place), "teams", "nodes", 0, "id")
        if not team:
            raise self.refusal(f"{self._host} has no team {self.place}", hint=self.hints[404])
        picture = self._upload(draft.picture) if draft.picture is not None else ""
        # Its own comment would be shown, as Linear's Markdown knows none: the mark is a footnote.
        text = body_of(draft, picture).replace(f"<!-- {draft.mark} -->", f"`{draft.mark}`")
        made = {"teamId": team, "title": draft.title, "description": text,
                "id": str(uuid.uuid5(uuid.NAMESPACE_URL, draft.mark))}  # fmt: skip
        return _issue(dig(self._query(CREATE, input=made), "issueCreate", "issue"))

    def _upload(self, picture: bytes) -> str:
        """Give the address of a file that was taken, or none: an issue without it is one, too."""
        asked = self._query(UPLOAD, type="image/png", name="comment.png", size=len(picture))
        file = dig(asked, "fileUpload", "uploadFile")
        headers = {words_at(one, "key"): words_at(one, "value") for one in dig(file, "headers")}
        headers |= {"Content-Type": "image/png", "Cache-Control": "public, max-age=31536000"}
        try:  # without the token: the address is another service's
            sent = httpx.put(
                words_at(file, "uploadUrl"), content=picture, headers=headers,
                timeout=self._timeout_seconds,
            )  # fmt: skip
        except (httpx.HTTPError, httpx.InvalidURL):
            return ""
        return words_at(file, "assetUrl") if sent.is_success else ""

    def add_comment(self, issue: Issue, text: str) -> None:
        """Say something in an issue."""
        self._query(COMMENT, input={"issueId": issue.id, "body": text})

    def set_done(self, issue: Issue, is_done: bool) -> None:
        """Move an issue to the first state that counts as done, or to the first that does not."""
        found = dig(self._query(STATES, id=issue.id), "issue")
        if (words_at(found, "state", "type") in _DONE) == is_done:
            return
        wanted = "completed" if is_done else "unstarted"
        states = [
            state for state in dig(found, "team", "states", "nodes") or []
            if words_at(state, "type") == wanted
        ]  # fmt: skip
        if states:
            first = min(states, key=lambda state: float(dig(state, "position") or 0))
            self._query(MOVE, id=issue.id, input={"stateId": words_at(first, "id")})


def _issue(item: Any) -> Issue:
    return Issue(str(item["identifier"]), str(item["url"]), str(item["id"]))


def read_linear(headers: dict[str, str], body: bytes, secret: str, now: float) -> Change | None:
    """Read webhooks of issues and comments.

    Errors: NotAllowed for what is older than a minute, too.
    """
    check_signature(headers.get("linear-signature", ""), body, secret)
    payload = read_json(body)
    sent = dig(payload, "webhookTimestamp")
    if not isinstance(sent, int | float) or abs(now - sent / 1000) > OLDEST_SECONDS:
        raise NotAllowed("the webhook is too old", hint="Is this machine's clock right?")
    match words_at(payload, "type"), words_at(payload, "action"):
        case "Issue", "update" if "stateId" in (dig(payload, "updatedFrom") or {}):
            kind = words_at(payload, "data", "state", "type")
            return Change(words_at(payload, "data", "id"), is_done=kind in _DONE)
        case "Comment", "create":
            return Change(
                words_at(payload, "data", "issueId") or words_at(payload, "data", "issue", "id"),
                author=words_at(payload, "data", "user", "name"),
                text=words_at(payload, "data", "body"), id=words_at(payload, "data", "id"),
            )  # fmt: skip
    return None
