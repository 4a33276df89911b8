"""Who may look at a preview: passes that the gateway reads, and what a link's fields may be.

A pass is signed for one host and holds no right but to look: nothing of the console accepts it.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlsplit

from greenroom.errors import InvalidInput
from greenroom.secrets import is_same, sign
from greenroom.settings import Settings
from greenroom.store.states import PreviewAccess

PREFIX = "/_greenroom/"
"""Paths of ours on an environment's own host."""
LINK = f"{PREFIX}link/"
ENTER = f"{PREFIX}enter"
OVERLAY = f"{PREFIX}overlay.js"
DEVICES = f"{PREFIX}devices"
BESIDE = f"{PREFIX}beside"
"""A page of the preview beside the same one of today's site."""
TOKEN_HEADER = "X-Greenroom-Token"  # noqa: S105
"""By which a machine shows a link's token; exchanged for a cookie at ``ENTER``."""
COOKIE, SECURE_COOKIE = "greenroom-preview", "__Host-greenroom-preview"
"""Source: RFC 6265bis section 4.1.3.2: a ``__Host-`` cookie is one host's alone, and needs TLS."""
REVIEW = f"{PREFIX}review"
"""Leads to the gateway's own host, where no script of the page can press a button."""
REVIEW_PATH = "/review"
PASS_HOURS = 24
TEAM_HOURS = 12
ENTRY_SECONDS = 60
REVIEW_SECONDS = 3600
BROWSER_SECONDS = 4 * 3600
"""How long our own browser may look: at the end of a long comparison, too."""
_PURPOSE = "preview passes"
_LONGEST_PASS = 1024
LONGEST_LABEL, MOST_PAGES, LONGEST_PATH = 60, 20, 500
LEAST_PASSWORD, LONGEST_PASSWORD = 6, 200
LONGEST_DAYS = 366
_SPAN = re.compile(r"(\d{1,4})\s*([hdw])")
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True)
class Pass:
    """What a cookie says: who looks, and until when."""

    kind: str
    """link, team, entry (exchanged for team), review, browser (our own)."""
    subject: str
    """A link's id, or the fingerprint of a session at the console."""
    expires: int
    """Seconds since 1970."""


def make_pass(host: str, kind: str, subject: str, seconds: float, key: str) -> str:
    """Sign a pass for ``host``, from now on."""
    expires = int(datetime.now(UTC).timestamp() + seconds)
    raw = json.dumps([kind, subject, expires], separators=(",", ":")).encode()
    body = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    return f"{body}.{sign(f'{host} {body}', key, _PURPOSE)}"


def read_pass(host: str, text: str, key: str, now: float) -> Pass | None:
    """Give what a pass says if it was signed for ``host`` and still holds. Pure."""
    body, dot, signature = text.partition(".")
    if not dot or len(text) > _LONGEST_PASS or not text.isascii():
        return None
    if not is_same(signature, sign(f"{host} {body}", key, _PURPOSE)):
        return None
    kind, subject, expires = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return Pass(kind, subject, expires) if expires > now else None


def cookie_name(settings: Settings) -> str:
    """Give the name of the cookie that holds a pass."""
    return SECURE_COOKIE if settings.scheme == "https" else COOKIE


def browser_cookie(settings: Settings, host: str, url: str, key: str) -> dict[str, str]:
    """Give the cookie by which our own browser sees a closed preview, as Playwright takes it."""
    value = make_pass(host, "browser", "greenroom", BROWSER_SECONDS, key)
    return {"name": cookie_name(settings), "value": value, "url": url}


def is_closed(settings: Settings, access: str) -> bool:
    """Whether previews open by a link or to the team alone. Pure.

    Left to itself, that is so wherever others than this machine can reach them.
    """
    name = settings.base_domain
    is_private = name == "localhost" or name.endswith(".localhost")
    return access == PreviewAccess.CLOSED or (access == PreviewAccess.AUTO and not is_private)


def link_url(environment_url: str, token: str) -> str:
    """Give the address that people are sent. Pure."""
    return f"{environment_url}{LINK}{token}"


def gateway_host(settings: Settings) -> str:
    """Give the gateway's own host name. Pure."""
    return f"gateway.{settings.base_domain}"


def entry_url(environment_url: str, host: str, session: str, target: str, key: str) -> str:
    """Give the address by which one of the team enters a preview within the next minute.

    ``session`` is the fingerprint of theirs at the console: as it ends, so does what they entered.
    """
    made = make_pass(host, "entry", session, ENTRY_SECONDS, key)
    return f"{environment_url}{ENTER}?pass={made}&next={quote(safe_path(target), safe='')}"


def state_of(revoked_at: datetime | None, expires_at: datetime | None, now: datetime) -> str:
    """Say whether a link opens: open, revoked, expired. Pure."""
    if revoked_at is not None:
        return "revoked"
    return "expired" if expires_at is not None and expires_at <= now else "open"


def safe_path(target: str) -> str:
    """Give ``target`` if it is a path of its own host, else ``/``. Pure.

    >>> safe_path("/a?b"), safe_path("//evil.test"), safe_path("https://evil.test")
    ('/a?b', '/', '/')
    """
    plain = target.startswith("/") and not target.startswith(("//", "/\\"))
    try:
        is_own = plain and not urlsplit(target).netloc
    except ValueError:
        return "/"
    return target if is_own and target.isprintable() else "/"


def check_label(label: str) -> str:
    """Give a link's label as it is kept.

    Errors: InvalidInput.
    """
    label = " ".join(label.split())
    if not label or len(label) > LONGEST_LABEL or not label.isprintable():
        raise InvalidInput(
            f"a link says for whom it is, in 1 to {LONGEST_LABEL} characters",
            hint="Like: Anna Weber",
        )
    return label


def check_pages(pages: Sequence[str]) -> list[str]:
    """Give the patterns of pages a link shows, as they are kept.

    Errors: InvalidInput.
    """
    kept = [page.strip() for page in pages if page.strip()]
    wrong = [p for p in kept if not p.startswith("/") or len(p) > LONGEST_PATH or "?" in p]
    if wrong or len(kept) > MOST_PAGES:
        raise InvalidInput(
            f"a page's pattern begins with /: {wrong[0]!r}" if wrong else "too many pages",
            hint=f"Up to {MOST_PAGES}, like: / /shop/*",
        )
    return kept


def check_start(start: str) -> str:
    """Give the page that a link opens.

    Errors: InvalidInput.
    """
    if safe_path(start) != start or len(start) > LONGEST_PATH:
        raise InvalidInput(f"{start!r} is no page of the environment", hint="Like: /shop")
    return start


def check_password(password: str) -> str:
    """Give a link's password.

    Errors: InvalidInput.
    """
    if not LEAST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise InvalidInput(f"a link's password has {LEAST_PASSWORD} characters or more")
    return password


def parse_expiry(text: str, now: datetime) -> datetime | None:
    """Read until when a link holds: ``14d``, ``2w``, ``36h``, ``2026-12-24``; ``never``. Pure.

    A date is meant whole: the link holds until its end, in UTC.

    Errors: InvalidInput.
    """
    plain = text.strip().lower()
    if plain in ("", "never"):
        return None
    found = _SPAN.fullmatch(plain)
    try:
        if found is not None:
            until = now + timedelta(**{_UNITS[found[2]]: int(found[1])})
        else:
            until = datetime.strptime(plain, "%Y-%m-%d").replace(tzinfo=UTC) + timedelta(days=1)
    except ValueError as error:
        raise InvalidInput(
            f"{text!r} is no date and no time", hint="Like: 14d, 2w, 36h, 2026-12-24 or never"
        ) from error
    if not now < until <= now + timedelta(days=LONGEST_DAYS):
        raise InvalidInput(
            f"{text!r} is not within a year from now", hint="A link for ever says: never"
        )
    return until
