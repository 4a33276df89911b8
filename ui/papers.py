"""The pages outside Streamlit: login, password, logout, errors. Plain HTML, one style."""

from __future__ import annotations

import base64
import hashlib
import re
from html import escape
from pathlib import Path

from starlette.responses import HTMLResponse

from greenroom.store.users import MIN_PASSWORD_LENGTH
from ui.who import Viewer

_ASSETS = Path(__file__).with_name("assets")
_STYLE = (_ASSETS / "paper.css").read_text()
_MARK = (_ASSETS / "mark.svg").read_text().strip()
_ICON = "data:image/svg+xml;base64," + base64.b64encode(_MARK.encode()).decode()
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)


def _sentence(text: str) -> str:
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?", ":")) else ".")


def prose(text: str) -> str:
    """Escape a message for HTML; what stands between backquotes becomes code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _alert(message: str, hint: str) -> str:
    if not message:
        return ""
    more = f"<p>{prose(hint)}</p>" if hint else ""
    return f'<div class="alert" role="alert"><b>{prose(_sentence(message))}</b>{more}</div>'


def _page(title: str, body: str, status: int = 200) -> HTMLResponse:
    text = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><title>{escape(title)} · Greenroom</title>
<link rel="icon" href="{_ICON}"><style>{_STYLE}</style></head>
<body><main><div class="brand">{_MARK}<span>Greenroom</span></div>{body}</main></body></html>
"""
    return HTMLResponse(text, status, headers={"content-security-policy": _POLICY})


def login_page(
    target: str, name: str = "", message: str = "", hint: str = "", *, status: int = 200,
    provider: str = "",
) -> HTMLResponse:  # fmt: skip
    """Give the login form, with what was wrong the last time."""
    elsewhere = (
        f'<p class="or"><a class="other" href="/login/provider">Log in with {escape(provider)}</a>'
        "</p>"
        if provider
        else ""
    )
    focus_name, focus_password = ("", " autofocus") if name else (" autofocus", "")
    body = f"""<div class="card"><h1>Log in</h1>
<p>Staging environments for your team.</p>{_alert(message, hint)}
<form method="post" action="/login"><input type="hidden" name="next" value="{escape(target)}">
<label>Name<input name="name" value="{escape(name)}" autocomplete="username" required
 maxlength="100" autocapitalize="none" spellcheck="false"{focus_name}></label>
<label>Password<input name="password" type="password" autocomplete="current-password" required
 maxlength="1024"{focus_password}></label>
<button type="submit">Log in</button></form>{elsewhere}</div>
<p class="foot">First time here? The first start printed the name and a one-time password.</p>"""
    return _page("Log in", body, status)


def code_page(target: str, ticket: str, message: str = "", *, status: int = 200) -> HTMLResponse:
    """Give the form for the code of an app."""
    body = f"""<div class="card"><h1>Your code</h1>
<p>The six digits that your authenticator app shows, or a recovery code.</p>{_alert(message, "")}
<form method="post" action="/login"><input type="hidden" name="next" value="{escape(target)}">
<input type="hidden" name="ticket" value="{escape(ticket)}">
<label>Code<input name="code" autocomplete="one-time-code" required maxlength="40"
 autocapitalize="none" spellcheck="false" autofocus></label>
<button type="submit">Log in</button></form></div>
<p class="foot">Lost the telephone? Use a recovery code, or ask an administrator.
<a href="/login">Begin again</a></p>"""
    return _page("Your code", body, status)


def password_page(
    viewer: Viewer, message: str = "", hint: str = "", *, status: int = 200
) -> HTMLResponse:
    """Give the form for a new password."""
    forced = viewer.must_change_password
    why = (
        "Yours was made for one login. Choose the one you will keep."
        if forced
        else "You stay logged in."
    )
    old = "One-time password" if forced else "Present password"
    foot = (
        '<a href="/logout">Log out</a>' if forced else '<a href="/account">Back to the console</a>'
    )
    body = f"""<div class="card"><h1>Choose a password</h1><p>{why}</p>{_alert(message, hint)}
<form method="post" action="/password">
<input type="hidden" name="name" value="{escape(viewer.name)}" autocomplete="username">
<label>{old}<input name="old" type="password" autocomplete="current-password" required
 maxlength="1024" autofocus></label>
<label>New password<input name="new" type="password" autocomplete="new-password" required
 minlength="{MIN_PASSWORD_LENGTH}" maxlength="1024"></label>
<label>The new one again<input name="again" type="password" autocomplete="new-password" required
 maxlength="1024"></label>
<button type="submit">Save password</button></form></div>
<p class="foot">{MIN_PASSWORD_LENGTH} characters or more; a few words are fine. {foot}</p>"""
    return _page("Choose a password", body, status)


def logout_page() -> HTMLResponse:
    """Ask whether to log out."""
    body = """<div class="card"><h1>Log out?</h1><p>Deployments that run go on.</p>
<form method="post" action="/logout"><button type="submit">Log out</button></form></div>
<p class="foot"><a href="/">Back to the console</a></p>"""
    return _page("Log out", body)


def error_page(status: int, message: str, hint: str = "") -> HTMLResponse:
    """Give any failure as a page."""
    body = f"""<div class="card"><span class="code">{status}</span>
<h1>{escape(_sentence(message))}</h1><p>{prose(hint)}</p></div>
<p class="foot"><a href="/">Try again</a></p>"""
    return _page("Something went wrong", body, status)
