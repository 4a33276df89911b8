"""The beginning of an HTML document as it streams by: where a script goes, which policies it has.

Octets are compared as ASCII, so every encoding that extends ASCII passes unread and unchanged.
Source: WHATWG HTML, section 13.2 (parsing).
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable

MOST_PROLOG = 64 * 1024
"""A document that has not begun by then is left alone."""
MOST_HEAD = 1 << 20
_MOST_TAG = 16 * 1024
_BOM = b"\xef\xbb\xbf"
_ATTRIBUTES = rb"""(?:[^>"']|"[^"]*"|'[^']*')*>"""
_TAG_END = re.compile(_ATTRIBUTES)
_PROLOG = re.compile(
    rb"(?P<space>[ \t\r\n\f]+)|(?P<comment><!--)|(?P<doctype><!doctype(?=[\s>]))"
    rb"|(?P<other><[?!])|(?P<html><html(?=[\s/>]))|(?P<head><head(?=[\s/>]))",
    re.IGNORECASE,
)
_BEGINNINGS = (b"<!--", b"<!doctype ", b"<html ", b"<head ")
_IN_HEAD = re.compile(
    rb"<!--|<(?P<raw>script|style|title|textarea|noscript|template|iframe|xmp)(?=[\s/>])"
    rb"|(?P<meta><meta(?=[\s/>]))|(?P<end></head(?=[\s/>])|<body(?=[\s/>]))",
    re.IGNORECASE,
)
_LONGEST = 12
"""Octets of the longest beginning that ``_IN_HEAD`` looks for."""
_IS_CSP = re.compile(
    rb"""http-equiv\s*=\s*["']?\s*content-security-policy\s*(?:["'\s/>])""", re.IGNORECASE
)
_CONTENT = re.compile(
    rb"""(?P<before>[\s"'/]content\s*=\s*)(?P<value>"[^"]*"|'[^']*'|[^\s>"']+)""", re.IGNORECASE
)


class HtmlHead:
    """Puts ``script`` behind a document's ``<head>`` and passes its policies through ``admit``."""

    def __init__(self, script: bytes, admit: Callable[[str], str]) -> None:
        self._script, self._admit = script, admit
        self._held = b""
        self._until = b""
        """What ends the comment or the raw text that is passing by."""
        self._passed = 0
        self.is_document: bool | None = None
        """Whether it is one; None until that is known."""
        self._is_head = True

    def feed(self, data: bytes) -> bytes:
        """Take a part and give what can go on; nothing while ``is_document`` is None."""
        if self.is_document and not self._is_head:
            return data
        data, self._held = self._held + data, b""
        if self.is_document is None:
            begin = self._find_place(data)
            if begin is None:
                self._held = data
                if len(data) > MOST_PROLOG:
                    self.is_document = False
                return b""
            return data[:begin] + self._script + self._feed_head(data[begin:])
        return self._feed_head(data)

    def end(self) -> bytes:
        """Give what was held back."""
        data, self._held = self._held, b""
        return data

    def _find_place(self, data: bytes) -> int | None:
        if len(data) < len(_BOM) and _BOM.startswith(data):
            return None
        at, is_begun = len(_BOM) if data.startswith(_BOM) else 0, False
        while at < len(data):
            found = _PROLOG.match(data, at)
            if found is None:
                rest = data[at : at + _LONGEST].lower()
                if any(begin.startswith(rest) for begin in _BEGINNINGS):
                    return None
                self.is_document = is_begun  # else it is a fragment
                return at if is_begun else None
            if found["space"]:
                at = found.end()
                continue
            if found["comment"]:
                end = data.find(b"-->", found.end())
                end = end + 3 if end >= 0 else -1
            else:
                closing = _TAG_END.match(data, found.end())
                end = closing.end() if closing else -1
            if end < 0:
                return None
            if found["head"]:
                self.is_document = True
                return end
            is_begun = is_begun or bool(found["html"] or found["doctype"])
            at = end
        return None

    def _feed_head(self, data: bytes) -> bytes:
        out: list[bytes] = []
        at = 0
        while self._is_head:
            if self._until:
                end = data.lower().find(self._until, at)
                if end < 0:
                    keep = max(at, len(data) - len(self._until) + 1)
                    return self._hold(out, data, at, keep)
                end += len(self._until)
                out.append(data[at:end])
                at, self._until = end, b""
                continue
            found = _IN_HEAD.search(data, at)
            if found is None:
                keep = data.rfind(b"<", max(at, len(data) - _LONGEST))
                return self._hold(out, data, at, keep if keep >= 0 else len(data))
            if found["end"]:
                self._is_head = False
            elif found["meta"] or found["raw"]:
                closing = _TAG_END.match(data, found.end())
                if closing is None:
                    if len(data) - found.start() > _MOST_TAG:
                        self._is_head = False
                        break
                    return self._hold(out, data, at, found.start())
                tag = data[found.start() : closing.end()]
                out += [data[at : found.start()], self._meta(tag) if found["meta"] else tag]
                at = closing.end()
                if found["raw"]:
                    self._until = b"</" + found["raw"].lower()
            else:
                out.append(data[at : found.end()])
                at, self._until = found.end(), b"-->"
        out.append(data[at:])
        return b"".join(out)

    def _hold(self, out: list[bytes], data: bytes, at: int, keep: int) -> bytes:
        self._held = data[keep:]
        out.append(data[at:keep])
        done = b"".join(out)
        self._passed += len(done)
        if self._passed > MOST_HEAD:
            self._is_head = False
            done, self._held = done + self._held, b""
        return done

    def _meta(self, tag: bytes) -> bytes:
        if not _IS_CSP.search(tag):
            return tag
        found = _CONTENT.search(tag)
        if found is None:
            return tag
        value = found["value"]
        value = value[1:-1] if value[:1] in (b'"', b"'") else value
        policy = html.unescape(value.decode("latin-1"))
        told = html.escape(self._admit(policy)).encode("latin-1", "xmlcharrefreplace")
        return tag[: found.start()] + found["before"] + b'"' + told + b'"' + tag[found.end() :]
