"""What every forge's client has in common: requests, limits, errors, the one comment."""

from __future__ import annotations

import abc
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from greenroom.errors import ForgeError, ForgeUnavailable, InvalidInput
from greenroom.services import TIMEOUT_SECONDS, ServiceClient
from greenroom.sources.git import SHA
from greenroom.sources.level import Pull
from greenroom.sources.reporting import Report

_PATH = re.compile(r"[A-Za-z0-9_~{][A-Za-z0-9_.~{}-]*(/[A-Za-z0-9_~{][A-Za-z0-9_.~{}-]*)+")


@dataclass(frozen=True)
class Comment:
    """A comment on a pull request."""

    id: int
    text: str


class ForgeClient(ServiceClient):
    """Speaks to one repository's API."""

    kind = "forge"
    refusal = ForgeError
    unavailable = ForgeUnavailable
    hints: ClassVar[dict[int, str]] = {
        401: "Is the project's forge token still valid?",
        403: "Give the project's forge token the rights that docs/forges names.",
        404: "Is the repository's name right, and may the token see it?",
    }

    def __init__(
        self, api_url: str, repository: str, token: str, *,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:  # fmt: skip
        if not _PATH.fullmatch(repository):
            raise InvalidInput(f"{repository!r} is no repository", hint="Give owner/name.")
        self.repository = repository
        super().__init__(api_url, token, timeout_seconds=timeout_seconds)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.api_url!r}, {self.repository!r})"

    @abc.abstractmethod
    def set_status(self, report: Report) -> None:
        """Set the status of the report's commit."""

    @abc.abstractmethod
    def _comments(self, number: int) -> Iterator[Comment]:
        """List a pull request's comments, oldest first."""

    @abc.abstractmethod
    def _create_comment(self, number: int, text: str) -> None:
        """Write a comment."""

    @abc.abstractmethod
    def _edit_comment(self, number: int, comment: int, text: str) -> None:
        """Replace a comment's text."""

    @abc.abstractmethod
    def _delete_comment(self, number: int, comment: int) -> None:
        """Delete a comment."""

    @abc.abstractmethod
    def list_pulls(self) -> list[Pull]:
        """List the open pull requests."""

    def _hide(self, marker: str) -> str:
        """Give what bears a marker in Markdown and is not shown."""
        return f"<!-- {marker} -->"

    # The one comment

    def put_comment(self, number: int, marker: str, text: str) -> None:
        """Bring the one comment that bears ``marker`` to ``text``; write it if it is missing.

        The oldest is kept: two writers at the same moment may have left another, and a later
        copy of our marker is not ours.
        """
        hidden = self._hide(marker)
        wanted = f"{text}\n\n{hidden}"
        found = [comment for comment in self._comments(number) if hidden in comment.text]
        if not found:
            self._create_comment(number, wanted)
            return
        if found[0].text.replace("\r\n", "\n").strip() != wanted:
            self._edit_comment(number, found[0].id, wanted)
        for surplus in found[1:]:
            self._drop(
                number, surplus, but=(403, 404)
            )  # a stranger's copy may not be ours to touch

    def remove_comment(self, number: int, marker: str) -> None:
        """Delete the comment that bears ``marker``, if there is one."""
        hidden = self._hide(marker)
        found = [comment for comment in self._comments(number) if hidden in comment.text]
        for comment in found[:1]:
            self._drop(number, comment, but=(404,))
        for surplus in found[1:]:
            self._drop(number, surplus, but=(403, 404))

    def _drop(self, number: int, comment: Comment, *, but: tuple[int, ...]) -> None:
        try:
            self._delete_comment(number, comment.id)
        except ForgeError as error:
            if error.details.get("status") not in but:
                raise


def check_commit(commit: str) -> str:
    """Return a full commit hash.

    Errors: InvalidInput.
    """
    if not SHA.fullmatch(commit):
        raise InvalidInput(f"{commit[:60]!r} is no full commit hash")
    return commit
