"""Pages for the people who run the shop: customers and their letters."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Awaitable, Callable
from functools import wraps

from aiohttp import web

from shop.database import Row, fetch, fetch_one
from shop.keys import CONFIG, DATABASE
from shop.pages import render

PER_PAGE = 25

# Each gives the number of all that match in every row, and a row even for an empty page.
CUSTOMERS = """
with asked as (select %s::text as word, %s::text as pattern),
matching as (select c.* from customers c, asked where asked.word = ''
    or c.full_name ilike pattern or c.email ilike pattern or c.city ilike pattern),
page as (select * from matching order by id limit %s offset %s)
select (select count(*) from matching) as total,
    page.id, page.full_name, page.email, page.city, page.country, page.phone,
    latest.placed_at, latest.total_cents
from (select) as one left join page on true
left join lateral (select o.placed_at, o.total_cents from orders o
    where o.customer_id = page.id order by o.placed_at desc limit 1) latest on true
order by page.id
"""
TICKETS = """
with asked as (select %s::text as word, %s::text as pattern),
matching as (select t.* from tickets t, asked where asked.word = ''
    or t.subject ilike pattern or t.body ilike pattern or t.email ilike pattern),
page as (select * from matching order by created_at desc, id desc limit %s offset %s)
select (select count(*) from matching) as total, page.*, c.full_name
from (select) as one left join page on true left join customers c on c.id = page.customer_id
order by page.created_at desc, page.id desc
"""

routes = web.RouteTableDef()
Page = Callable[[web.Request], Awaitable[web.Response]]


def for_staff(page: Page) -> Page:
    """Ask for the staff's password where one is set; never let a page be kept or indexed."""

    @wraps(page)
    async def guarded(request: web.Request) -> web.Response:
        wanted = request.app[CONFIG].staff_password
        if wanted and not hmac.compare_digest(_password(request), wanted.encode()):
            refused = web.HTTPUnauthorized()
            refused.headers["WWW-Authenticate"] = 'Basic realm="Tolmere staff", charset="UTF-8"'
            raise refused
        response = await page(request)
        response.headers["X-Robots-Tag"] = "noindex"
        return response

    return guarded


def _password(request: web.Request) -> bytes:
    kind, _, coded = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "basic":
        return b""
    try:
        return base64.b64decode(coded, validate=True).partition(b":")[2]
    except binascii.Error:
        return b""


def _page_number(request: web.Request) -> int:
    text = request.query.get("page", "1")
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 7 else 1


def _search(request: web.Request) -> str:
    return " ".join(request.query.get("q", "").replace("\0", "").split())[:80]


def _pattern(text: str) -> str:
    return "%" + text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_") + "%"


def _window(request: web.Request) -> tuple[str, str, int, int]:
    search = _search(request)
    return search, _pattern(search), PER_PAGE, (_page_number(request) - 1) * PER_PAGE


def _list_page(request: web.Request, template: str, found: list[Row]) -> web.Response:
    total = found[0]["total"] if found else 0
    return render(
        request, template, rows=[row for row in found if row["id"]], total=total,
        number=_page_number(request), search=_search(request), pages=max(1, -(-total // PER_PAGE)),
    )  # fmt: skip


@routes.get("/customers")
@for_staff
async def customers(request: web.Request) -> web.Response:
    """List the customers, with what they ordered last."""
    async with request.app[DATABASE].connection() as connection:
        found = await fetch(connection, CUSTOMERS, *_window(request))
    return _list_page(request, "staff/customers.html", found)


@routes.get(r"/customers/{id:\d{1,15}}")
@for_staff
async def customer(request: web.Request) -> web.Response:
    """Show all that is known of one customer."""
    number = int(request.match_info["id"])
    async with request.app[DATABASE].connection() as connection:
        found = await fetch_one(connection, "select * from customers where id = %s", number)
        if found is None:
            raise web.HTTPNotFound
        orders = await fetch(
            connection,
            "select * from orders where customer_id = %s order by placed_at desc limit 20",
            number,
        )
        letters = await fetch(
            connection,
            "select * from tickets where customer_id = %s order by created_at desc limit 10",
            number,
        )
    return render(request, "staff/customer.html", customer=found, orders=orders, letters=letters)


@routes.get("/tickets")
@for_staff
async def tickets(request: web.Request) -> web.Response:
    """List the letters, newest first."""
    async with request.app[DATABASE].connection() as connection:
        found = await fetch(connection, TICKETS, *_window(request))
    return _list_page(request, "staff/tickets.html", found)
