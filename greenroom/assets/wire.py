"""Requests to an S3 API: signed, sent over kept connections, tried again when that may help.

Why not boto3's own client: docs/decisions/0014-a-thin-client-for-buckets.md.
"""

from __future__ import annotations

import http.client
import random
import re
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from html import unescape
from urllib.parse import urlsplit

from greenroom.assets.base import Credentials
from greenroom.assets.places import Bucket
from greenroom.assets.signing import EMPTY_DIGEST, quoted_path, quoted_query, signed_headers
from greenroom.errors import AssetsRefused, AssetsUnavailable, FileGone, NotAllowed

TRIES = 8
LONGEST_PAUSE_SECONDS = 20.0
TIMEOUT_SECONDS = 60.0
READING = frozenset({"GET", "HEAD"})
_AGAIN = frozenset({429, 500, 502, 503, 504})
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidToken"})
_LATER = frozenset({"SlowDown", "RequestTimeout", "RequestTimeTooSkewed", "InternalError"})


@dataclass(frozen=True)
class Answer:
    """What the server said."""

    status: int
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes

    @property
    def etag(self) -> str:
        """The ETag without its quotes."""
        return self.headers.get("etag", "").strip('"')


@dataclass
class Wire:
    """One bucket's requests. Threads may share it: each has its own connection.

    ``may_write`` False refuses, here, every request that could change anything.
    Errors of all requests: AssetsUnavailable (transient), AssetsRefused, FileGone, NotAllowed.
    """

    bucket: Bucket
    may_write: bool
    renew: Callable[[], Credentials] | None = None
    """Gives credentials anew when the old ones have expired."""
    sleep: Callable[[float], None] = time.sleep
    _mine: threading.local = field(default_factory=threading.local, repr=False)
    _opened: list[http.client.HTTPConnection] = field(default_factory=list, repr=False)
    _credentials: Credentials = field(default_factory=Credentials, repr=False)

    def __post_init__(self) -> None:
        self._credentials = self.bucket.credentials
        parts = urlsplit(self.bucket.url)
        self._secure, self._host = parts.scheme == "https", parts.netloc
        self._tls = ssl.create_default_context() if self._secure else None

    def ask(
        self, method: str, key: str = "", query: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None, body: bytes = b"",
    ) -> Answer:  # fmt: skip
        """Send a request and give its answer, tried again while that may help."""
        if not self.may_write and method not in READING:
            raise NotAllowed(
                f"{self.bucket} is production's: it is only ever read",
                hint="Nothing was sent. This is a fault of Greenroom's: please report it.",
            )
        failure = ""
        for attempt in range(TRIES):
            if attempt:
                longest = min(LONGEST_PAUSE_SECONDS, 0.1 * 2**attempt)
                self.sleep(random.uniform(longest / 2, longest))  # noqa: S311 - not a secret
            try:
                answer = self._send(method, key, query, headers or {}, body)
            except (OSError, http.client.HTTPException) as error:
                self._close()
                failure = type(error).__name__
                continue
            if answer.status < 300 or answer.status == 304:
                return answer
            code = code_of(answer)
            if code in _EXPIRED:
                self._take_fresh()
                failure = code
            elif answer.status in _AGAIN or code in _LATER:
                failure = code or str(answer.status)
            else:
                raise self._explained(answer, code, key)
        raise AssetsUnavailable(
            f"{self.bucket} does not serve: {failure}",
            hint="The sync goes on where it was when it is started again.",
        )

    def _take_fresh(self) -> None:
        before = self._credentials
        fresh = self.renew() if self.renew else before
        if fresh == before:
            raise AssetsRefused(
                f"the credentials of {self.bucket} have expired",
                hint="Set new ones: greenroom project set-assets. What was copied stays copied.",
            )
        self._credentials = fresh

    def _send(
        self, method: str, key: str, query: Sequence[tuple[str, str]], headers: Mapping[str, str],
        body: bytes,
    ) -> Answer:  # fmt: skip
        connection: http.client.HTTPConnection | None = getattr(self._mine, "connection", None)
        if connection is None:
            if self._secure:
                connection = http.client.HTTPSConnection(
                    self._host, timeout=TIMEOUT_SECONDS, context=self._tls
                )
            else:
                connection = http.client.HTTPConnection(self._host, timeout=TIMEOUT_SECONDS)
            self._mine.connection = connection
            self._opened.append(connection)
        path, asked = quoted_path(self.bucket.path_name, key), quoted_query(query)
        digest = sha256(body).hexdigest() if body else EMPTY_DIGEST
        made = signed_headers(
            self._credentials, self.bucket.region, datetime.now(UTC), method, path, asked,
            {**headers, "Host": self._host}, digest,
        )  # fmt: skip
        if method in ("PUT", "POST"):
            made["Content-Length"] = str(len(body))
        connection.request(method, f"{path}?{asked}" if asked else path, body or None, made)
        answer = connection.getresponse()
        octets = answer.read()
        if answer.will_close:
            self._close()
        named = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, named, octets)

    def close(self) -> None:
        """Close every thread's connection; the next request opens a new one."""
        while self._opened:
            self._opened.pop().close()

    def _close(self) -> None:
        connection = getattr(self._mine, "connection", None)
        self._mine.connection = None
        if connection is not None:
            connection.close()

    def _explained(self, answer: Answer, code: str, key: str) -> Exception:
        what = f"{self.bucket} answered {code or answer.status}"
        if answer.status in (404, 412) and key:
            return FileGone(f"{what} for {key[:200]!r}")
        if code == "NoSuchBucket" or answer.status == 404:
            return AssetsRefused(what, hint="Is the bucket's name right, and its region?")
        if answer.status in (401, 403):
            return AssetsRefused(
                what, hint="Do the credentials fit, and may they read it? docs/assets.md lists what"
                " they need.",
            )  # fmt: skip
        if answer.status in (301, 307):
            region = answer.headers.get("x-amz-bucket-region", "another")
            return AssetsRefused(what, hint=f"The bucket lies in the region {region}: name it.")
        said = first_text(answer.body, "Message")[:200]
        return AssetsRefused(f"{what}: {said}" if said else what)


def code_of(answer: Answer) -> str:
    """Give the error's code; a HEAD's answer has none."""
    return first_text(answer.body, "Code")


def first_text(body: bytes, tag: str) -> str:
    """Give the text of the first element with this name. Pure."""
    found = re.search(rb"<%b>([^<]*)</%b>" % (tag.encode(), tag.encode()), body)
    return unescape(found[1].decode("utf-8", "replace")) if found else ""
