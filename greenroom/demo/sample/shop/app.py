"""The web application: routes, templates, headers and the pages for when things go wrong."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from shop import pages, staff
from shop.config import Config
from shop.database import Database
from shop.keys import CONFIG, DATABASE, TEMPLATES
from shop.shopping import CATEGORIES, money

HERE = Path(__file__).parent
LARGEST_FORM_BYTES = 64 * 1024
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'"
    ),
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "X-Content-Type-Options": "nosniff",
}
WENT_WRONG = {
    404: ("Lost at sea", "There is nothing at this address. It may have been sold, or never made."),
    405: ("Not like this", "This address does not answer that kind of request."),
    413: ("Too much clay", "What was sent is larger than we can take."),
    500: (
        "A crack in the glaze",
        "Something broke on our side. It has been noted; please try again.",
    ),
    503: (
        "The kiln is cooling",
        "The shop cannot reach its shelves just now. Please try again shortly.",
    ),
}

log = logging.getLogger("shop")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@cache
def asset(path: str) -> str:
    """Give the address of a file in ``static/``, which changes when the file does."""
    digest = hashlib.sha256((HERE / "static" / path).read_bytes()).hexdigest()
    return f"/static/{path}?v={digest[:10]}"


def day(moment: datetime) -> str:
    """Write a date: 4 March 2026."""
    return f"{moment.day} {moment:%B %Y}"


def make_templates(config: Config) -> Environment:
    """Prepare the templates and what all of them may use."""
    templates = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    templates.filters.update(money=money, day=day)
    templates.globals.update(asset=asset, config=config, categories=CATEGORIES)
    return templates


@web.middleware
async def explain_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever goes wrong into a page that says so."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        response = error_page(request, error.status)
        response.headers.extend(
            {k: v for k, v in error.headers.items() if k in ("Allow", "WWW-Authenticate")}
        )
        return response
    except (psycopg.OperationalError, psycopg.errors.UndefinedTable) as error:
        log.warning("database: %s", str(error).strip())
        return error_page(request, 503)
    except Exception:
        log.exception("%s %s failed", request.method, request.path)
        return error_page(request, 500)


def error_page(request: web.Request, status: int) -> web.Response:
    """Write the page for an error's status."""
    title, text = WENT_WRONG.get(
        status, ("That did not work", "The request cannot be carried out.")
    )
    response = pages.render(request, "error.html", status=status, title=title, text=text)
    response.set_status(status)
    return response


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add what every answer carries; a file asked for by its digest may be kept for good."""
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    if request.path.startswith("/static/"):
        lasting = "v" in request.query and response.status in (200, 206, 304)
        response.headers["Cache-Control"] = (
            "public, max-age=31536000, immutable" if lasting else "public, max-age=300"
        )
    else:
        response.headers.setdefault("Cache-Control", "no-store")


async def keep_database(app: web.Application) -> AsyncIterator[None]:
    """Hold the connections for as long as the application lives."""
    yield
    await app[DATABASE].close()


def make_app(config: Config) -> web.Application:
    """Put the shop together. Nothing is connected to until the first request needs it."""
    app = web.Application(middlewares=[explain_errors], client_max_size=LARGEST_FORM_BYTES)
    app[CONFIG] = config
    app[DATABASE] = Database(config.database_url)
    app[TEMPLATES] = make_templates(config)
    app.cleanup_ctx.append(keep_database)
    app.on_response_prepare.append(add_headers)
    routes: list[Any] = [*pages.routes, *staff.routes]
    app.add_routes(routes)
    app.router.add_static("/static/", HERE / "static")
    return app
