"""Netlify: a site takes deploys by the digests of their files.

Source: Netlify's API description (npm ``@netlify/open-api``); Netlify Docs, "Deploy via API".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from greenroom.errors import HostingError
from greenroom.hosting.base import Check
from greenroom.hosting.vendors import File, HostClient, Sent, SentState
from greenroom.services import PAGE_SIZE

PAGES_LOOKED_AT = 3
_ENDED = {"ready": SentState.READY, "error": SentState.FAILED, "rejected": SentState.FAILED}


class Netlify(HostClient):
    """A Netlify site. Deploys are drafts until one is published; each has an address of its own."""

    usual_url = "https://api.netlify.com/api/v1"
    name = "Netlify"

    @property
    def _site(self) -> str:
        return f"sites/{quote(self.site, safe='')}"

    def look_at_site(self) -> str:
        """Give the site's own address."""
        found = self._object(self._ask("GET", self._site))
        return str(found.get("ssl_url") or found.get("url") or "")

    def _deploys(self) -> Iterator[dict[str, Any]]:
        for page in range(1, PAGES_LOOKED_AT + 1):
            found = self._ask("GET", f"{self._site}/deploys", page=page, per_page=PAGE_SIZE)
            if not isinstance(found, list):
                raise HostingError(f"{self.name} gave no list of deploys")
            yield from (one for one in found if isinstance(one, dict))
            if len(found) < PAGE_SIZE:
                return

    def find_sent(self, mark: str) -> Sent | None:
        """Find the deploy whose title is the mark."""
        found = (self._sent(one) for one in self._deploys() if one.get("title") == mark)
        return next((one for one in found if one.state != SentState.FAILED), None)

    def send(
        self, mark: str, files: Mapping[str, File], record: Callable[[str], None], check: Check
    ) -> Sent:
        """Make a draft, then send what it requires."""
        digests = {f"/{place}": file.sha1 for place, file in files.items()}
        body = {"files": digests, "draft": True, "async": False}
        made = self._sent(self._ask("POST", f"{self._site}/deploys", body=body, title=mark))
        record(made.id)
        self.send_rest(made, files, check)
        return made

    def send_rest(self, sent: Sent, files: Mapping[str, File], check: Check) -> None:
        """Send one file of each digest that a deploy requires."""
        by_digest = {file.sha1: (place, file) for place, file in files.items()}
        for digest in sent.missing:
            if digest not in by_digest:
                raise HostingError(f"{self.name} requires a file that is not in the release")
            place, file = by_digest[digest]
            self._upload("PUT", f"deploys/{quote(sent.id)}/files/{quote(place)}", file, check)

    def look(self, vendor_id: str) -> Sent:
        """Tell how far a deploy is."""
        try:
            return self._sent(self._ask("GET", f"{self._site}/deploys/{quote(vendor_id)}"))
        except HostingError as error:
            if error.details.get("status") in (404, 410):
                return Sent(vendor_id, SentState.GONE)
            raise

    def read_log(self, vendor_id: str) -> list[str]:
        """Give why it failed: Netlify's API tells nothing else of a deploy."""
        reason = self.look(vendor_id).reason
        return [f"{self.name}: {line}" for line in reason.splitlines()]

    def cancel(self, vendor_id: str) -> None:
        """End a deploy that is under way."""
        self._gone_is_fine(lambda: self._ask("POST", f"deploys/{quote(vendor_id)}/cancel"))

    def publish(self, vendor_id: str, *, again: bool) -> None:
        """Publish a deploy; an older one is published the same way."""
        self._ask("POST", f"{self._site}/deploys/{quote(vendor_id)}/restore")

    def delete(self, vendor_id: str) -> None:
        """Delete a deploy."""
        path = f"{self._site}/deploys/{quote(vendor_id)}"
        self._gone_is_fine(lambda: self._ask("DELETE", path))

    def _sent(self, answer: Any) -> Sent:
        found = self._object(answer)
        if not isinstance(found.get("id"), str) or not found["id"]:
            raise HostingError(f"{self.name} gave a deploy without a name")
        state = _ENDED.get(str(found.get("state")), SentState.UNDER_WAY)
        return Sent(
            found["id"], state,
            self._address(found.get("deploy_ssl_url") or found.get("deploy_url"))
            if state == SentState.READY else "",
            self._redact(str(found.get("error_message") or "")[:2000]),
            tuple(str(one) for one in found.get("required") or ()),
        )  # fmt: skip
