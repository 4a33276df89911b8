"""What every client of an outside service has in common: requests, limits, what refusals mean.

A client speaks to one service with one secret. The secret is in no message, log or ``repr``.
"""

from __future__ import annotations

import abc
import json
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

import httpx

from greenroom import __version__
from greenroom.errors import GreenroomError, InvalidInput
from greenroom.secrets import Redactor

TIMEOUT_SECONDS = 20.0
MAX_ANSWER_BYTES = 16 * 1024 * 1024
PAGE_SIZE = 100
MAX_PAGES = 50
MAX_WAIT_SECONDS = 3600.0


class ServiceClient(abc.ABC):
    """Speaks to one service's JSON API."""

    kind: ClassVar[str] = "service"
    """What the service is, in messages."""
    refusal: ClassVar[type[GreenroomError]]
    """Raised for what the service refuses."""
    unavailable: ClassVar[type[GreenroomError]]
    """Raised where asking again may help; a kind of ``refusal``."""
    hints: ClassVar[dict[int, str]] = {}
    """What to do about a refusal, by status."""

    def __init__(
        self, api_url: str, token: str, *, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        if urlsplit(api_url).scheme not in ("http", "https") or not urlsplit(api_url).hostname:
            raise InvalidInput(f"the {self.kind}'s API address must start with https:// or http://")
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise InvalidInput(f"the {self.kind}'s token is malformed")
        self.api_url = api_url.rstrip("/")
        self._redact = Redactor([token])
        self._timeout_seconds = timeout_seconds
        self._http = httpx.Client(
            headers={"User-Agent": f"greenroom/{__version__}", **self._headers(token)},
            timeout=httpx.Timeout(timeout_seconds, connect=min(5.0, timeout_seconds)),
            follow_redirects=False,  # the token stays with the address it was given for
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.api_url!r})"

    def _redact_also(self, secret: str) -> None:
        """Keep another form of the token out of messages, too."""
        self._redact.learn([secret])

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    @abc.abstractmethod
    def _headers(self, token: str) -> dict[str, str]:
        """Give the headers of every request."""

    def _ask(
        self, method: str, path: str, *, body: Any = None, data: Any = None, **query: Any
    ) -> Any:
        """Give what the service answers to JSON in ``body``, or to a form's ``data``.

        Errors: this client's ``refusal`` and ``unavailable``.
        """
        return self._exchange(method, path, json=body, files=data, params=query or None)

    def _exchange(self, method: str, path: str, **request: Any) -> Any:
        """Send a request as httpx takes it, and give what the service answers.

        Errors: this client's ``refusal`` and ``unavailable``.
        """
        address = f"{self.api_url}/{path}" if path else self.api_url
        try:
            with self._http.stream(method, address, **request) as answer:
                said = self._read(answer)
        except (httpx.HTTPError, OSError) as error:
            raise self.unavailable(
                f"{self._host} does not answer ({type(error).__name__})",
                hint="It is tried again. Is its API's address right?",
            ) from None  # the request, with its headers, hangs on the cause
        if answer.status_code == 204 or (answer.is_success and not said):
            return None
        if not answer.is_success:
            raise self._refusal(method, path, answer, said)
        try:
            return json.loads(said)
        except (ValueError, RecursionError):
            raise self.refusal(
                f"{self._host} answered {method} {path} with something that is not JSON",
                hint="Is it the address of its API, not of its pages?",
            ) from None

    def _read(self, answer: httpx.Response) -> bytes:
        """Read an answer, up to a size and for a time: a service may also send without end."""
        deadline = time.monotonic() + 3 * self._timeout_seconds
        content = bytearray()
        for part in answer.iter_bytes():
            content += part
            if len(content) > MAX_ANSWER_BYTES:
                raise self.refusal(f"{self._host} answered with more than 16 MiB")
            if time.monotonic() > deadline:
                raise self.unavailable(f"{self._host} does not come to an end")
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
            raise self.refusal(f"{self._host} answered {path} with no list")
        return answer

    @property
    def _host(self) -> str:
        return urlsplit(self.api_url).netloc.rpartition("@")[2]

    def _refusal(
        self, method: str, path: str, answer: httpx.Response, content: bytes
    ) -> GreenroomError:
        """Say what an answer that is no success means."""
        status = answer.status_code
        said = self._redact(content[:400].decode("utf-8", "replace"))
        message = f"{self._host} answered {method} {path} with {status}: {said}"
        is_limited = status == 429 or (status == 403 and _is_limited(answer))
        if is_limited or status in (408, 425) or status >= 500:
            wait = _wait_seconds(answer.headers, is_limited=is_limited)
            return self.unavailable(
                message, hint="It is tried again.", status=status, retry_after_seconds=wait
            )
        moved = "Was it moved, or is the API's address another one?"
        hint = moved if 300 <= status < 400 else self.hints.get(status, "")
        return self.refusal(message, hint=hint, status=status)


def _wait_seconds(headers: httpx.Headers, *, is_limited: bool) -> float | None:
    """Give how long the service wants us to wait; None when it does not say.

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
