"""What every forge's client has in common: requests, limits, errors, the one comment."""

from __future__ import annotations

import abc
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from greenroom import __version__
from greenroom.errors import ForgeError, ForgeUnavailable, InvalidInput
from greenroom.secrets import Redactor
from greenroom.sources.git import SHA
from greenroom.sources.reporting import Report

TIMEOUT_SECONDS = 20.0
MAX_ANSWER_BYTES = 16 * 1024 * 1024
PAGE_SIZE = 100
MAX_PAGES = 50
MAX_WAIT_SECONDS = 3600.0
_PATH = re.compile(r"[A-Za-z0-9_~{][A-Za-z0-9_.~{}-]*(/[A-Za-z0-9_~{][A-Za-z0-9_.~{}-]*)+")


@dataclass(frozen=True)
class Comment:
    """A comment on a pull request."""

    id: int
    text: str


class ForgeClient(abc.ABC):
    """Speaks to one repository's API. The token is in no message, log or ``repr``."""

    def __init__(
        self, api_url: str, repository: str, token: str, *,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:  # fmt: skip
        if urlsplit(api_url).scheme not in ("http", "https") or not urlsplit(api_url).hostname:
            raise InvalidInput("the forge's API address must start with https:// or http://")
        if not _PATH.fullmatch(repository):
            raise InvalidInput(f"{repository!r} is no repository", hint="Give owner/name.")
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise InvalidInput("the forge's token is malformed")
        self.api_url, self.repository = api_url.rstrip("/"), repository
        self._redact = Redactor([token])
        self._timeout_seconds = timeout_seconds
        self._http = httpx.Client(
            headers={"User-Agent": f"greenroom/{__version__}", **self._headers(token)},
            timeout=httpx.Timeout(timeout_seconds, connect=min(5.0, timeout_seconds)),
            follow_redirects=False,  # the token stays with the address it was given for
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.api_url!r}, {self.repository!r})"

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    # What each forge says for itself

    @abc.abstractmethod
    def _headers(self, token: str) -> dict[str, str]:
        """Give the headers of every request."""

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

    # Requests

    def _ask(self, method: str, path: str, *, body: Any = None, **query: Any) -> Any:
        """Give what the forge answers.

        Errors: ForgeError, ForgeUnavailable.
        """
        address = f"{self.api_url}/{path}"
        try:
            with self._http.stream(method, address, json=body, params=query or None) as answer:
                content = self._read(answer)
        except (httpx.HTTPError, OSError) as error:
            raise ForgeUnavailable(
                f"{self._host} does not answer ({type(error).__name__})",
                hint="It is tried again. Is the forge's API address right?",
            ) from None  # the request, with its headers, hangs on the cause
        if answer.status_code == 204 or (answer.is_success and not content):
            return None
        if not answer.is_success:
            raise self._refusal(method, path, answer, content)
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            raise ForgeError(
                f"{self._host} answered {method} {path} with something that is not JSON",
                hint="Is it the address of its API, not of its pages?",
            ) from None

    def _read(self, answer: httpx.Response) -> bytes:
        """Read an answer, up to a size and for a time: a forge may also send without end."""
        deadline = time.monotonic() + 3 * self._timeout_seconds
        content = bytearray()
        for part in answer.iter_bytes():
            content += part
            if len(content) > MAX_ANSWER_BYTES:
                raise ForgeError(f"{self._host} answered with more than 16 MiB")
            if time.monotonic() > deadline:
                raise ForgeUnavailable(f"{self._host} does not come to an end")
        return bytes(content)

    def _pages(self, path: str, **query: Any) -> Iterator[list[Any]]:
        """Give a list's pages; stop at one that brings nothing new, as some know no pages."""
        seen: set[Any] = set()
        for page in range(1, MAX_PAGES + 1):
            answer = self._ask("GET", path, page=page, **query)
            items = self._list(answer, path)
            fresh = [item for item in items if item["id"] not in seen]
            seen.update(item["id"] for item in fresh)
            if fresh:
                yield fresh
            if not fresh or self._is_last(answer, len(items)):
                return

    def _is_last(self, answer: Any, count: int) -> bool:
        """Tell whether a page is a list's last."""
        return count < PAGE_SIZE

    def _list(self, answer: Any, path: str) -> list[Any]:
        if not isinstance(answer, list) or not all(
            isinstance(item, dict) and isinstance(item.get("id"), int) for item in answer
        ):
            raise ForgeError(f"{self._host} answered {path} with no list")
        return answer

    @property
    def _host(self) -> str:
        return urlsplit(self.api_url).netloc.rpartition("@")[2]

    def _refusal(
        self, method: str, path: str, answer: httpx.Response, content: bytes
    ) -> ForgeError:
        """Say what an answer that is no success means."""
        status = answer.status_code
        said = self._redact(content[:400].decode("utf-8", "replace"))
        message = f"{self._host} answered {method} {path} with {status}: {said}"
        is_limited = status == 429 or (status == 403 and _is_limited(answer))
        if is_limited or status in (408, 425) or status >= 500:
            wait = _wait_seconds(answer.headers, is_limited=is_limited)
            return ForgeUnavailable(
                message, hint="It is tried again.", status=status, retry_after_seconds=wait
            )
        hints = {
            401: "Is the project's forge token still valid?",
            403: "Give the project's forge token the rights that docs/forges names.",
            404: "Is the repository's name right, and may the token see it?",
        }
        moved = "Was the repository moved, or is the API's address another one?"
        hint = moved if 300 <= status < 400 else hints.get(status, "")
        return ForgeError(message, hint=hint, status=status)


def _wait_seconds(headers: httpx.Headers, *, is_limited: bool) -> float | None:
    """Give how long the forge wants us to wait; None when it does not say.

    Source: RFC 9110 section 10.2.3; GitHub's ``x-ratelimit-reset``, GitLab's ``RateLimit-Reset``.
    """
    given = headers.get("retry-after", "").strip()
    try:
        if given.isascii() and given.isdigit():
            wait = float(given[:9])
        elif given:
            wait = parsedate_to_datetime(given).timestamp() - time.time()
        elif not is_limited:
            return None
        else:
            reset = headers.get("x-ratelimit-reset") or headers.get("ratelimit-reset") or ""
            wait = float(reset) - time.time()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(wait, 0.0), MAX_WAIT_SECONDS)


def _is_limited(answer: httpx.Response) -> bool:
    """Tell a limit from a missing right: GitHub answers both with 403."""
    return "retry-after" in answer.headers or answer.headers.get("x-ratelimit-remaining") == "0"


def check_commit(commit: str) -> str:
    """Return a full commit hash.

    Errors: InvalidInput.
    """
    if not SHA.fullmatch(commit):
        raise InvalidInput(f"{commit[:60]!r} is no full commit hash")
    return commit
