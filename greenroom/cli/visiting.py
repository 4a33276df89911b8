"""The demo's client: opens a link as a phone's browser would, comments and decides."""

from __future__ import annotations

import http.client
import json
import re
from html import unescape
from urllib.parse import urlencode, urlsplit

from greenroom import previews
from greenroom.cli.stagehands import Answer
from greenroom.errors import PlatformError
from greenroom.settings import Settings

_HEADLINE, _TAG = re.compile(r"<h1[^>]*>(.*?)</h1>", re.DOTALL), re.compile(r"<[^>]+>")
_HIDDEN = re.compile(r'name="release" value="([^"]+)"')
_DOCUMENT = {"Accept": "text/html", "Sec-Fetch-Dest": "document", "User-Agent": "the demo"}


class Client:
    """Somebody with a link and a browser."""

    def __init__(self, settings: Settings, link: str) -> None:
        self._settings = settings
        parts = urlsplit(link)
        self._host = parts.netloc
        opened = self.ask(link)
        self._cookie = opened.headers.get("set-cookie", "").partition(";")[0]
        self.first = opened.headers.get("location", "")

    def ask(self, url: str, body: str | None = None, kind: str = "") -> Answer:
        """Ask the gateway for an address, as the browser that holds the pass."""
        parts = urlsplit(url if "://" in url else f"http://{self._host}{url}")
        headers = {**_DOCUMENT, "Host": parts.netloc, "Cookie": getattr(self, "_cookie", "")}
        if body is not None:
            headers |= {"Content-Type": kind, "Origin": f"http://{parts.netloc}"}
        connection = http.client.HTTPConnection(
            "127.0.0.1", self._settings.gateway_port, timeout=30
        )
        try:
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            connection.request("GET" if body is None else "POST", path, body, headers)
            answer = connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, told, answer.read().decode(errors="replace"))
        except OSError as error:
            raise PlatformError(f"the gateway does not answer: {error}") from error
        finally:
            connection.close()

    def comment(self, page: str, text: str) -> int:
        """Say something about a page's headline; give the status."""
        found = _HEADLINE.search(page)
        headline = " ".join(_TAG.sub(" ", found[1]).split()) if found else ""
        anchor = {
            "tag": "h1", "attributes": {}, "text": unescape(headline), "path": "h1:1",
            "context": "", "card": "", "x": 0, "y": 0,
        }  # fmt: skip
        body = {
            "page": "/", "title": "", "anchor": anchor, "width": 390, "height": 844, "text": text,
        }  # fmt: skip
        return self.ask("/_greenroom/comments", json.dumps(body), "application/json").status

    def approve(self) -> str:
        """Approve what the link shows, on the gateway's own host; give what the page then says."""
        place = self.ask(previews.REVIEW).headers.get("location", "")
        found = _HIDDEN.search(self.ask(place).text)
        form = urlencode({"verdict": "approved", "note": "", "release": found[1] if found else ""})
        self.ask(place, form, "application/x-www-form-urlencoded")
        return self.ask(place).text
