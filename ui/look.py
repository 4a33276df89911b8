"""How things look: the one style, badges, times, the error panel, empty states.

Every function that takes text escapes it: names, branches and messages come from anybody.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st

from greenroom.errors import GreenroomError
from ui.papers import prose

_ASSETS = Path(__file__).with_name("assets")
MARK = str(_ASSETS / "mark.svg")
WORDMARK = str(_ASSETS / "wordmark.svg")
_STYLE = (_ASSETS / "console.css").read_text()
_log = logging.getLogger("greenroom.console")

WORDS = {
    "active": ("active", "good"), "live": ("live", "good"),
    "building": ("building", "busy"), "queued": ("queued", "wait"),
    "releasing": ("releasing", "busy"), "starting": ("starting", "busy"),
    "error": ("error", "bad"), "failed": ("failed", "bad"),
    "sleeping": ("sleeping", "calm"), "retired": ("retired", "calm"),
    "cancelled": ("cancelled", "calm"), "destroyed": ("destroyed", "calm"),
    "running": ("running", "busy"), "done": ("done", "good"),
    "RUNNING": ("running", "good"), "STARTING": ("starting", "busy"),
    "BACKOFF": ("restarting", "bad"), "STOPPING": ("stopping", "busy"),
    "STOPPED": ("stopped", "calm"), "EXITED": ("exited", "bad"), "FATAL": ("failed", "bad"),
}  # fmt: skip
"""The word and the tone of each status."""
NOTHING = '<span class="gr-soft">-</span>'


def lay_style() -> None:
    """Lay the console's style under the page."""
    st.html(f"<style>{_STYLE}</style>")


def signature(name: str) -> None:
    """Show who is logged in, and the way out."""
    st.html(
        f'<div class="gr-who"><span>{escape(name)}</span>'
        '<a href="/logout" target="_self">Log out</a></div>'
    )


def plain(text: str) -> str:
    """Give text that Markdown shows as it is."""
    return "".join(f"\\{c}" if c in r"\`*_{}[]()<>#+-.!|~$:^&\"'=" else c for c in text)


def badge(status: str) -> str:
    """Give a status as HTML: a dot, a colour and a word."""
    word, tone = WORDS.get(status, (status.lower(), "calm"))
    return tagged(word, tone)


def tagged(word: str, tone: str) -> str:
    """Give a word as HTML with a dot in the colour of its tone: good, busy, wait, bad, calm."""
    return f'<span class="gr-badge gr-{tone}"><i></i>{escape(word)}</span>'


def text(value: str) -> str:
    """Give any text as HTML."""
    return escape(value)


def tag(text: str) -> str:
    """Give a small neutral label as HTML."""
    return f'<span class="gr-tag">{escape(text)}</span>'


def code(text: str) -> str:
    """Give a name or hash in the code font as HTML."""
    return f'<code class="gr-code">{escape(text)}</code>' if text else NOTHING


def short_commit(text: str) -> str:
    """Give a commit, short, in one piece, as HTML."""
    short = f'<code class="gr-code gr-whole" title="{escape(text)}">{escape(text[:9])}</code>'
    return short if text else NOTHING


def address(url: str) -> str:
    """Give a link that opens in a new tab as HTML; only http and https become links."""
    shown = escape(url.partition("://")[2] or url)
    if urlsplit(url).scheme not in ("http", "https"):
        return f'<span class="gr-soft">{shown}</span>'
    return f'<a class="gr-link" href="{escape(url)}" target="_blank" rel="noopener">{shown}</a>'


def inner_link(path: str, label: str) -> str:
    """Give a link to a page of this console as HTML."""
    return f'<a class="gr-link" href="{escape(path)}" target="_self">{escape(label)}</a>'


def ago(moment: datetime, now: datetime | None = None) -> str:
    """Give how long ago something was, exact on hover, as HTML."""
    seconds = max(0.0, ((now or datetime.now(UTC)) - moment).total_seconds())
    if seconds < 45:
        text = "just now"
    elif seconds < 3600:
        text = f"{round(seconds / 60)} min ago"
    elif seconds < 86_400:
        text = f"{round(seconds / 3600)} h ago"
    elif seconds < 30 * 86_400:
        text = f"{round(seconds / 86_400)} d ago"
    else:
        text = f"{moment:%d %b %Y}"
    return f'<time title="{moment:%Y-%m-%d %H:%M:%S} UTC">{text}</time>'


def lasting(seconds: float | None) -> str:
    """Give a duration as text."""
    if seconds is None:
        return "-"
    if seconds < 0.1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def heading(title: str, under: str = "") -> None:
    """Show a page's heading."""
    more = f"<p>{escape(under)}</p>" if under else ""
    st.html(f'<div class="gr-heading"><h1>{escape(title)}</h1>{more}</div>')


def section(title: str, beside: str = "") -> None:
    """Show a section's heading; ``beside`` is HTML."""
    st.html(f'<div class="gr-section"><h2>{escape(title)}</h2>{beside}</div>')


def empty_state(icon: str, title: str, text: str, link: tuple[str, str] | None = None) -> None:
    """Show what to do where there is nothing yet."""
    more = ""
    if link is not None:
        target, label = map(escape, link)
        more = f'<a class="gr-button" href="{target}" target="_self">{label}</a>'
    st.html(
        f'<div class="gr-empty"><span class="gr-icon" translate="no">{escape(icon)}</span>'
        f"<h2>{escape(title)}</h2><p>{prose(text)}</p>{more}</div>"
    )


def error_panel(error: Exception, more: str = "") -> None:
    """Show what went wrong and what to do; never a traceback."""
    if isinstance(error, GreenroomError):
        message, hint, name = error.message, error.hint, type(error).__name__
    else:
        message, hint, name = "this page failed", "The console's log says why.", "Unexpected"
    title = message[:1].upper() + message[1:]
    after = "".join(f"<p>{prose(text)}</p>" for text in (hint, more) if text)
    st.html(
        f'<div class="gr-panel gr-bad" role="alert"><h3>{prose(title)}</h3>{after}'
        f"<small>{escape(name)}</small></div>"
    )


@contextmanager
def shown_errors() -> Iterator[None]:
    """Show an error of what is inside by the error panel; the rest of the page goes on."""
    try:
        yield
    except GreenroomError as error:
        error_panel(error)


def flash(text: str) -> None:
    """Say something on the next look, after a rerun or on another page."""
    st.session_state.setdefault("flashes", []).append(text)


def show_flashes() -> None:
    """Show what was flashed."""
    for text in st.session_state.pop("flashes", []):
        st.toast(plain(text), icon=":material/check_circle:")
