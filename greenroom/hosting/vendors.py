"""What a host elsewhere can do: take a folder file by file, show it at an address of its own.

Files are named by their digests, so that only those are sent that the vendor lacks.
"""

from __future__ import annotations

import abc
import enum
import hashlib
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, TypeVar
from urllib.parse import urlsplit

from greenroom.errors import HostingError, HostUnavailable, InvalidInput
from greenroom.hosting.base import Check
from greenroom.services import TIMEOUT_SECONDS, ServiceClient

ATTEMPTS = 4
PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 60.0
LOOKED_AT_SECONDS = 1.0
"""How often a vendor is asked whether a deployment is ready."""
MOST_FILES = 25_000
CHUNK_BYTES = 256 * 1024
T = TypeVar("T")


class SentState(enum.StrEnum):
    """How far a deployment is at a vendor."""

    UNDER_WAY = "under way"
    READY = "ready"
    FAILED = "failed"
    GONE = "gone"


@dataclass(frozen=True)
class Sent:
    """A deployment as a vendor tells of it."""

    id: str
    state: SentState
    url: str = ""
    """Where this very deployment is seen, whatever else is published."""
    reason: str = ""
    """Why it failed."""
    missing: tuple[str, ...] = ()
    """Digests of files that it waits for."""


@dataclass(frozen=True)
class File:
    """One file of a release."""

    path: Path
    sha1: str
    size_bytes: int


def list_files(folder: Path, check: Check) -> dict[str, File]:
    """List a folder's files by their paths from it, ``/`` between, with their SHA-1.

    Errors: HostingError for what no vendor takes; Overtaken.
    """
    found: dict[str, File] = {}
    for top, folders, names in os.walk(folder):
        if any((Path(top) / name).is_symlink() for name in folders):
            raise HostingError(
                "the build's output has a link to a folder, and this host takes files only",
                hint="Copy the folder itself there.",
            )
        for name in names:
            check()
            path = Path(top) / name
            place = path.relative_to(folder).as_posix()
            if not place.isprintable() or any(sign in place for sign in "#?\\"):
                raise HostingError(f"this host takes no file of the name {place[:80]!r}")
            digest = hashlib.sha1(usedforsecurity=False)  # the vendors' choice
            with path.open("rb") as file:
                while part := file.read(CHUNK_BYTES):
                    digest.update(part)
            found[place] = File(path, digest.hexdigest(), path.stat().st_size)
    if not found:
        raise HostingError(
            "the build's output is empty", hint="Does build.output name the right folder?"
        )
    if len(found) > MOST_FILES:
        raise HostingError(f"the build's output has more than {MOST_FILES:,} files")
    return found


class Checked:
    """A file that is sent, asking between its parts whether it still is wanted."""

    def __init__(self, file: BinaryIO, check: Check) -> None:
        self._file, self._check = file, check

    def fileno(self) -> int:
        """Give the file's number: its length is read there."""
        return self._file.fileno()

    def __iter__(self) -> Checked:
        return self

    def __next__(self) -> bytes:
        self._check()
        part = self._file.read(CHUNK_BYTES)
        if not part:
            raise StopIteration
        return part


class HostClient(ServiceClient):
    """One site at one vendor."""

    kind = "host"
    refusal = HostingError
    unavailable = HostUnavailable
    usual_url: ClassVar[str]
    name: ClassVar[str]
    """As people say it."""
    site_form: ClassVar[re.Pattern[str]] = re.compile(r"[\w][\w.-]{0,99}", re.ASCII)
    hints: ClassVar[dict[int, str]] = {
        401: "Is the host's token still valid? `greenroom project set-host` takes a new one.",
        403: "May the host's token deploy there? docs/hosts.md names what it needs.",
        404: "Are the site's and the team's names right, and may the token see them?",
    }

    def __init__(
        self, api_url: str, site: str, team: str, token: str, *,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:  # fmt: skip
        for given in filter(None, (site, team)):
            if not self.site_form.fullmatch(given):
                raise InvalidInput(f"{given[:60]!r} is no name of a site or team at {self.name}")
        self.site, self.team = site, team
        super().__init__(api_url, token, timeout_seconds=timeout_seconds)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.api_url!r}, {self.site!r})"

    def _headers(self, token: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {token}"}

    @abc.abstractmethod
    def look_at_site(self) -> str:
        """Give the site's own address.

        Errors: HostingError when there is none, or the token may not see it.
        """

    @abc.abstractmethod
    def find_sent(self, mark: str) -> Sent | None:
        """Find a living deployment that bears a mark: one that was made, but not recorded."""

    @abc.abstractmethod
    def send(
        self, mark: str, files: Mapping[str, File], record: Callable[[str], None], check: Check
    ) -> Sent:
        """Make a deployment of files; only those the vendor lacks are sent.

        ``record`` is told its name as soon as there is one. Errors: Overtaken.
        """

    @abc.abstractmethod
    def send_rest(self, sent: Sent, files: Mapping[str, File], check: Check) -> None:
        """Send what a deployment waits for still. Idempotent."""

    @abc.abstractmethod
    def look(self, vendor_id: str) -> Sent:
        """Tell how far a deployment is; one that is not there is GONE."""

    @abc.abstractmethod
    def read_log(self, vendor_id: str) -> list[str]:
        """Give what the vendor tells of a deployment's making."""

    @abc.abstractmethod
    def cancel(self, vendor_id: str) -> None:
        """End a deployment that is under way. Idempotent."""

    @abc.abstractmethod
    def publish(self, vendor_id: str, *, again: bool) -> None:
        """Make a deployment what the site's own address shows; ``again``: as it did before."""

    @abc.abstractmethod
    def delete(self, vendor_id: str) -> None:
        """Delete a deployment. Idempotent."""

    # For the vendors

    def patiently(self, act: Callable[[], T], check: Check) -> T:
        """Do something idempotent; do it again, after a while, where that may help."""
        for attempt in range(ATTEMPTS):
            try:
                return act()
            except HostUnavailable as error:
                if attempt + 1 == ATTEMPTS:
                    raise
                wait = error.details.get("retry_after_seconds")
                pause = PAUSE_SECONDS * 2**attempt if wait is None else float(wait)
                pause_checking(min(pause, LONGEST_PAUSE_SECONDS), check)
        raise AssertionError  # the last attempt returned or raised

    def _upload(
        self, method: str, path: str, file: File, check: Check,
        headers: Mapping[str, str] | None = None, **query: Any,
    ) -> None:  # fmt: skip
        given = {"Content-Type": "application/octet-stream", **(headers or {})}
        given["Content-Length"] = str(file.size_bytes)

        def put() -> None:
            with file.path.open("rb") as opened:
                self._exchange(
                    method, path, content=Checked(opened, check), headers=given,
                    params=query or None,
                )  # fmt: skip

        self.patiently(put, check)

    def _gone_is_fine(self, act: Callable[[], Any]) -> None:
        try:
            act()
        except HostingError as error:
            if error.details.get("status") not in (404, 410):
                raise

    def _object(self, answer: Any) -> dict[str, Any]:
        if not isinstance(answer, dict):
            raise HostingError(f"{self.name} answered with no object")
        return answer

    def _address(self, url: Any) -> str:
        """Give where a deployment is seen, as the gateway asks there."""
        parts = urlsplit(url if isinstance(url, str) else "")
        is_local = urlsplit(self.api_url).scheme == "http"  # a stand-in on this machine
        if not parts.hostname or parts.scheme not in ("https", "http" if is_local else "https"):
            raise HostingError(f"{self.name} gave no address of the deployment")
        return f"{parts.scheme}://{parts.netloc}"


def pause_checking(seconds: float, check: Check) -> None:
    """Wait, and go on checking meanwhile.

    Errors: Overtaken.
    """
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        check()
        time.sleep(min(0.2, left))
    check()
