"""The gateway's own answers: small, self-contained, for people or for machines."""

from __future__ import annotations

import html
import json
from uuid import UUID

from aiohttp import web

NOINDEX = "noindex, nofollow, noarchive"
"""Source: Google Search Central, robots meta tag and X-Robots-Tag specifications."""

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'self'"
)
_PAGE = """<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="robots" content="noindex">
{refresh}<style>
:root{{color-scheme:light dark;
--ink:#1c2321;--soft:#5c6663;--line:#dfe4e1;--ground:#f6f7f5;--leaf:#2f7d5b}}
@media(prefers-color-scheme:dark){{:root{{
--ink:#e8ecea;--soft:#9aa5a1;--line:#2c3532;--ground:#141917;--leaf:#6fc79d}}}}
body{{margin:0;min-height:100vh;display:grid;place-items:center;
background:var(--ground);color:var(--ink);
font:16px/1.6 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}}
main{{max-width:34rem;padding:2rem 1.5rem}}
small{{color:var(--leaf);font-weight:600;letter-spacing:.04em}}
h1{{font-size:1.7rem;line-height:1.25;margin:.4rem 0 .8rem;text-wrap:balance}}
p{{color:var(--soft);margin:.4rem 0;overflow-wrap:anywhere}}
hr{{border:0;border-top:1px solid var(--line);margin:1.6rem 0 1rem}}
a{{color:var(--leaf)}}
label{{display:block;margin:1rem 0 .3rem;font-weight:600}}
input,textarea,select{{box-sizing:border-box;width:100%;padding:.7rem .8rem;font:inherit;
color:inherit;background:transparent;border:1px solid var(--soft);border-radius:8px}}
button{{min-height:44px;padding:.6rem 1.2rem;margin:1rem .6rem 0 0;font:inherit;font-weight:600;
border:1px solid var(--leaf);border-radius:8px;background:transparent;color:var(--leaf);
cursor:pointer}}
button.first{{background:var(--leaf);color:var(--ground)}}
:focus-visible{{outline:3px solid var(--leaf);outline-offset:2px}}
.wrong{{border-left:3px solid #c0492f;padding-left:.8rem;color:var(--ink)}}
.good{{border-left:3px solid var(--leaf);padding-left:.8rem;color:var(--ink)}}
ul{{padding-left:1.2rem;color:var(--soft)}}
.bar{{height:3px;border-radius:2px;background:linear-gradient(90deg,transparent,var(--leaf),transparent);
background-size:50% 100%;background-repeat:no-repeat;animation:run 1.6s infinite linear}}
@keyframes run{{from{{background-position:-60% 0}}to{{background-position:160% 0}}}}
@media(prefers-reduced-motion:reduce){{.bar{{animation:none;background-position:50% 0}}}}
</style></head><body><main><small>{status}</small><h1>{title}</h1><p>{text}</p>{bar}{more}
<hr><p>Greenroom</p></main></body></html>"""


def serving(instance_id: UUID | None) -> web.Response:
    """Tell which copy serves, for a deployment that waits until every request goes to its own."""
    return web.json_response({"serving": str(instance_id or "")}, headers={"X-Robots-Tag": NOINDEX})


def answer(
    request: web.BaseRequest,
    status: int,
    title: str,
    text: str,
    *,
    hint: str = "",
    retry_seconds: int | None = None,
    is_busy: bool = False,
    more: str = "",
    lang: str = "en",
) -> web.Response:
    """Make an answer of our own: JSON when the client prefers it, else a page.

    ``more`` is HTML; everything else is text.
    """
    headers = {
        "X-Robots-Tag": NOINDEX, "Cache-Control": "no-store", "X-Greenroom": "gateway",
        "Content-Security-Policy": POLICY, "Referrer-Policy": "strict-origin",
    }  # fmt: skip
    if retry_seconds is not None:
        headers["Retry-After"] = str(retry_seconds)
    accepted = request.headers.get("Accept", "")
    if "text/html" not in accepted and "json" in accepted:
        body = json.dumps({"error": title, "detail": text, "hint": hint})
        return web.Response(
            status=status, text=body, content_type="application/json", headers=headers
        )
    page = _PAGE.format(
        title=html.escape(title),
        text=html.escape(text),
        status="" if status < 300 else status,
        more=more,
        lang=lang,
        refresh='<meta http-equiv="refresh" content="2">' if is_busy else "",
        bar='<div class="bar" role="progressbar" aria-label="Working"></div>' if is_busy else "",
    )
    return web.Response(status=status, text=page, content_type="text/html", headers=headers)


def unknown_host(request: web.BaseRequest) -> web.Response:
    """Answer for a host that is no environment."""
    return answer(
        request, 404, "Nothing lives here",
        "There is no environment with this address. It may have been taken away.",
    )  # fmt: skip


def nothing_serves(request: web.BaseRequest, status: str, reason: str) -> web.Response:
    """Answer for an environment where nothing serves yet, or any more."""
    if status == "building":
        return answer(
            request, 503, "Almost there", "The first version is being built. This page reloads.",
            retry_seconds=2, is_busy=True,
        )  # fmt: skip
    del reason  # it may quote a log: that is for the console, behind its login
    return answer(
        request, 503, "This environment has a problem",
        "No version of it is running. Its team sees why in the console.", retry_seconds=30,
    )  # fmt: skip


def wakes(request: web.BaseRequest) -> web.Response:
    """Tell somebody who opens a page that the environment wakes, and look again."""
    return answer(
        request, 503, "Waking up",
        "Nobody was here for a while, so it slept. It is being started; this page reloads.",
        retry_seconds=2, is_busy=True,
    )  # fmt: skip


def does_not_wake(request: web.BaseRequest) -> web.Response:
    """Answer when what slept cannot be started; it is made anew within a minute."""
    return answer(
        request, 503, "It does not wake",
        "It slept and could not be started. It is tried again within a minute.", retry_seconds=30,
    )  # fmt: skip


def not_reached(request: web.BaseRequest) -> web.Response:
    """Answer when the environment's process cannot be reached."""
    return answer(
        request, 502, "The application does not answer",
        "It may be restarting. Try again in a moment.", retry_seconds=2,
    )  # fmt: skip


def too_slow(request: web.BaseRequest) -> web.Response:
    """Answer when the environment's process took too long."""
    return answer(
        request, 504, "The application took too long", "It has the request, but did not answer.",
    )  # fmt: skip


def not_allowed(request: web.BaseRequest, allowed: str, why: str) -> web.Response:
    """Refuse a method; name those that are allowed. Source: RFC 9110 section 15.5.6."""
    refused = answer(request, 405, "Not that way", why)
    refused.headers["Allow"] = allowed
    return refused


def too_large(request: web.BaseRequest, allowed: int) -> web.Response:
    """Refuse an upload; close the connection, which may hold much of it."""
    refused = answer(
        request, 413, "This upload is too large", f"At most {allowed:,} bytes are passed on.",
    )  # fmt: skip
    refused.force_close()
    return refused


def bad_request(request: web.BaseRequest, why: str) -> web.Response:
    """Refuse a request that is not HTTP as it should be; close the connection."""
    refused = answer(request, 400, "This request is malformed", why)
    refused.force_close()
    return refused


def robots() -> web.Response:
    """Give the robots.txt of everything that is not production."""
    return web.Response(
        text="User-agent: *\nDisallow: /\n",
        headers={"X-Robots-Tag": NOINDEX, "Cache-Control": "max-age=300"},
    )
