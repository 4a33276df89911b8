"""Bitbucket Cloud's REST API, version 2.0.

Source: Atlassian Developer, "The Bitbucket Cloud REST API": commit statuses, pull requests.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

from greenroom.errors import ForgeError
from greenroom.services import PAGE_SIZE
from greenroom.sources.clients.base import Comment, ForgeClient, check_commit
from greenroom.sources.level import Pull
from greenroom.sources.reporting import Report, State

API_URL = "https://api.bitbucket.org/2.0"
MAX_KEY = 40
"""How long a status's key may be."""
_STATUSES = {
    State.PENDING: "INPROGRESS",
    State.SUCCESS: "SUCCESSFUL",
    State.FAILURE: "FAILED",
    State.CANCELLED: "STOPPED",
}


class BitbucketClient(ForgeClient):
    """Reports to Bitbucket: status and comment.

    The token is a repository's or workspace's access token, or ``address:api-token``.
    """

    def _headers(self, token: str) -> dict[str, str]:
        if ":" in token:
            basic = base64.b64encode(token.encode()).decode()
            return {"Authorization": f"Basic {basic}", "Accept": "application/json"}
        return {"Authorization": f"Bearer {token}", "Accept": "application/json"}

    def _hide(self, marker: str) -> str:
        """Name a link that nothing refers to: Bitbucket shows HTML comments."""
        return f"[{marker}]: #"

    @property
    def _repo(self) -> str:
        return f"repositories/{self.repository}"

    def set_status(self, report: Report) -> None:
        """Set the status of the report's commit. Bitbucket wants an address with it."""
        self._ask(
            "POST",
            f"{self._repo}/commit/{check_commit(report.commit)}/statuses/build",
            body={
                "key": _key(report.context),
                "name": report.context,
                "state": _STATUSES[report.state],
                "description": report.summary,
                "url": report.log_url or report.url or "https://bitbucket.org/" + self.repository,
            },
        )

    def _thread(self, number: int) -> str:
        return f"{self._repo}/pullrequests/{number}/comments"

    def _list(self, answer: Any, path: str) -> list[Any]:
        if not isinstance(answer, dict):
            raise ForgeError(f"{self._host} answered {path} with no list")
        return super()._list(answer.get("values"), path)

    def _is_last(self, answer: Any, count: int) -> bool:
        """Tell by the link to the next page: it is counted on to, never followed."""
        return not answer.get("next")

    def list_pulls(self) -> list[Pull]:
        """List the open pull requests. Bitbucket gives no full hash, and no ref of a fork's."""
        return [
            Pull(
                int(item["id"]), str(item["source"]["branch"]["name"]), "",
                str(item["destination"]["branch"]["name"]), from_fork=_is_fork(item),
                is_draft=bool(item.get("draft")),
            )
            for page in self._pages(f"{self._repo}/pullrequests", state="OPEN", pagelen=50)
            for item in page
        ]  # fmt: skip

    def _comments(self, number: int) -> Iterator[Comment]:
        for page in self._pages(self._thread(number), pagelen=PAGE_SIZE, sort="created_on"):
            for item in page:
                if not item.get("deleted"):
                    yield Comment(item["id"], str((item.get("content") or {}).get("raw") or ""))

    def _create_comment(self, number: int, text: str) -> None:
        self._ask("POST", self._thread(number), body={"content": {"raw": text}})

    def _edit_comment(self, number: int, comment: int, text: str) -> None:
        body = {"content": {"raw": text}}
        self._ask("PUT", f"{self._thread(number)}/{comment}", body=body)

    def _delete_comment(self, number: int, comment: int) -> None:
        self._ask("DELETE", f"{self._thread(number)}/{comment}")


def _key(context: str) -> str:
    """Cut a name to a key; a cut one ends in a hash, so that two stay two."""
    if len(context) <= MAX_KEY:
        return context
    tail = hashlib.sha256(context.encode()).hexdigest()[:8]
    return f"{context[: MAX_KEY - 9]}-{tail}"


def _is_fork(pull: dict[str, Any]) -> bool:
    """Whether a pull request comes from another repository, or from one that is gone."""
    source = (pull["source"].get("repository") or {}).get("uuid")
    return source is None or source != (pull["destination"].get("repository") or {}).get("uuid")
