"""What the guard of previews says to people: in English, or in German for who asks for it."""

from __future__ import annotations

import html
from collections.abc import Sequence

from aiohttp import web

from greenroom.gateway import pages

_WORDS = {
    "en": {
        "closed": ("This preview is private", "Open it by the link that you were sent."),
        "team": "I belong to the team",
        "unknown": (
            "This link opens nothing",
            ("It is incomplete, or was never given out. Ask "
             "whoever sent it to you."),
        ),
        "revoked": ("This link was taken back", "Ask whoever sent it to you for a new one."),
        "expired": ("This link has expired", "Ask whoever sent it to you for a new one."),
        "moved": (
            "A newer version is here",
            ("This link showed one version, which is not shown any "
             "more. Ask whoever sent it to you for a new one."),
        ),
        "pages": ("This page is not part of the preview", "Your link shows these pages:"),
        "password": ("Please enter the password", "This preview is for {label}."),
        "field": "Password", "open": "Open the preview",
        "wrong": "This password is not right. Please try again.",
        "resting": "Too many wrong passwords. Please try again in a few minutes.",
        "elsewhere": "Please send the form from this page.",
    },
    "de": {
        "closed": (
            "Diese Vorschau ist privat",
            ("Öffnen Sie sie mit dem Link, den Sie bekommen "
             "haben."),
        ),
        "team": "Ich gehöre zum Team",
        "unknown": (
            "Dieser Link öffnet nichts",
            ("Er ist unvollständig oder wurde nie vergeben. "
             "Fragen Sie, wer ihn Ihnen geschickt hat."),
        ),
        "revoked": ("Dieser Link wurde zurückgenommen", "Bitten Sie um einen neuen."),
        "expired": ("Dieser Link ist abgelaufen", "Bitten Sie um einen neuen."),
        "moved": (
            "Es gibt eine neuere Fassung",
            ("Dieser Link zeigte eine Fassung, die nicht mehr "
             "zu sehen ist. Bitten Sie um einen neuen."),
        ),
        "pages": ("Diese Seite gehört nicht zur Vorschau", "Ihr Link zeigt diese Seiten:"),
        "password": ("Bitte geben Sie das Passwort ein", "Diese Vorschau ist für {label}."),
        "field": "Passwort", "open": "Vorschau öffnen",
        "wrong": "Dieses Passwort stimmt nicht. Bitte versuchen Sie es noch einmal.",
        "resting": "Zu viele falsche Passwörter. Bitte versuchen Sie es in einigen Minuten wieder.",
        "elsewhere": "Bitte senden Sie das Formular von dieser Seite aus ab.",
    },
}  # fmt: skip


def language(request: web.BaseRequest) -> str:
    """Choose the language that a browser asks for first: ``de``, else ``en``."""
    return "de" if request.headers.get("Accept-Language", "").strip().lower()[:2] == "de" else "en"


def _say(
    request: web.BaseRequest, status: int, key: str, *, more: str = "", label: str = ""
) -> web.Response:
    lang = language(request)
    title, text = _WORDS[lang][key]
    return pages.answer(
        request, status, title, text.format(label=label) if label else text, more=more, lang=lang
    )


def closed(request: web.BaseRequest, team: str) -> web.Response:
    """Answer a stranger at a closed preview; ``team`` is where the team gets in."""
    words = str(_WORDS[language(request)]["team"])
    more = f'<p><a href="{html.escape(team)}">{words}</a></p>'
    return _say(request, 403, "closed", more=more)


def shut(request: web.BaseRequest, why: str) -> web.Response:
    """Answer a link that does not open, ``why`` being what ``why_shut`` gave."""
    return _say(request, 404 if why == "unknown" else 410, why or "unknown")


def other_pages(request: web.BaseRequest, shown: Sequence[str]) -> web.Response:
    """Answer for a page that a link does not show."""
    plain = dict.fromkeys(page for page in shown if "*" not in page)
    lines = "".join(
        f'<li><a href="{html.escape(page)}">{html.escape(page)}</a></li>' for page in plain
    )
    return _say(request, 403, "pages", more=f"<ul>{lines}</ul>")


def ask_password(request: web.BaseRequest, label: str, wrong: str = "") -> web.Response:
    """Ask for a link's password, with what was wrong the last time."""
    words = _WORDS[language(request)]
    alert = f'<p class="wrong" role="alert">{words[wrong]}</p>' if wrong else ""
    more = f"""{alert}<form method="post"><label for="password">{words["field"]}</label>
<input id="password" name="password" type="password" required autofocus maxlength="200"
 autocomplete="off"><button class="first">{words["open"]}</button></form>"""
    status = {"": 200, "resting": 429, "elsewhere": 403}.get(wrong, 401 if wrong else 200)
    return _say(request, status, "password", more=more, label=label)
