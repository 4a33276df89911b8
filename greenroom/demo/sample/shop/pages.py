"""The shop's pages, as visitors see them."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import psycopg
from aiohttp import web

from shop import mail
from shop.database import fetch, fetch_one
from shop.keys import CONFIG, DATABASE, TEMPLATES
from shop.migrate import versions
from shop.shopping import (
    CATEGORIES,
    MOST_OF_ONE,
    ORDER_FIELDS,
    TICKET_FIELDS,
    Form,
    Line,
    basket_lines,
    check_form,
    find_order,
    open_ticket,
    order_lines,
    place_order,
    read_basket,
    write_basket,
)

BASKET = "basket"
BASKET_SECONDS = 30 * 24 * 3600
STUDIO = "hello@tolmere.example"

routes = web.RouteTableDef()


def render(request: web.Request, template: str, **values: Any) -> web.Response:
    """Fill a template."""
    basket = read_basket(request.cookies.get(BASKET, ""))
    text = (
        request.app[TEMPLATES]
        .get_template(template)
        .render(path=request.path, in_basket=sum(basket.values()), **values)
    )
    return web.Response(text=text, content_type="text/html")


def _client(request: web.Request) -> str:
    forwarded = request.headers.get("X-Forwarded-For", "").split(",")[0].strip()
    return forwarded[:45] or request.remote or ""


def _keep(request: web.Request, response: web.StreamResponse, basket: dict[str, int]) -> None:
    if not basket:
        response.del_cookie(BASKET)
        return
    response.set_cookie(
        BASKET, write_basket(basket), max_age=BASKET_SECONDS, httponly=True, samesite="Lax",
        secure=request.app[CONFIG].url.startswith("https:"),
    )  # fmt: skip


@routes.get("/")
async def home(request: web.Request) -> web.Response:
    """Welcome the visitor."""
    async with request.app[DATABASE].connection() as connection:
        featured = await fetch(
            connection, "select * from products where featured order by position limit 4"
        )
    return render(request, "home.html", featured=featured)


@routes.get("/collection")
@routes.get("/collection/{category}")
async def collection(request: web.Request) -> web.Response:
    """Show all products, or one category's."""
    category = request.match_info.get("category", "")
    if category and category not in CATEGORIES:
        raise web.HTTPNotFound
    async with request.app[DATABASE].connection() as connection:
        products = await fetch(
            connection,
            "select * from products where category = %s or %s = '' order by position",
            category, category,
        )  # fmt: skip
    return render(request, "collection.html", products=products, category=category)


@routes.get("/pieces/{slug}")
async def piece(request: web.Request) -> web.Response:
    """Show one product."""
    async with request.app[DATABASE].connection() as connection:
        product = await fetch_one(
            connection, "select * from products where slug = %s", request.match_info["slug"]
        )
        if product is None:
            raise web.HTTPNotFound
        others = await fetch(
            connection,
            "select * from products where id <> %s order by category <> %s, position limit 4",
            product["id"], product["category"],
        )  # fmt: skip
    return render(request, "piece.html", product=product, others=others, most=MOST_OF_ONE)


@routes.get("/studio")
async def studio(request: web.Request) -> web.Response:
    """Tell how the pots are made."""
    return render(request, "studio.html")


# --- basket and order -------------------------------------------------------


@routes.get("/basket")
async def basket(request: web.Request) -> web.Response:
    """Show the basket."""
    added = request.query.get("added", "")
    lines = await _lines(request)
    new = next((line.product["name"] for line in lines if line.product["slug"] == added), "")
    return render(
        request, "basket.html", lines=lines, total=_total(lines), added=new, most=MOST_OF_ONE
    )


@routes.post("/basket")
async def change_basket(request: web.Request) -> web.StreamResponse:
    """Add to the basket, or set how many of a product it holds."""
    typed = await request.post()
    slug, action = str(typed.get("slug", "")), str(typed.get("action", "add"))
    count = str(typed.get("quantity", "1"))
    quantity = min(int(count), MOST_OF_ONE) if count.isascii() and count.isdigit() else 1
    held = read_basket(request.cookies.get(BASKET, ""))
    async with request.app[DATABASE].connection() as connection:
        known = await fetch_one(connection, "select 1 from products where slug = %s", slug)
    if known is None:
        raise web.HTTPNotFound
    before = held.get(slug, 0) if action == "add" else 0
    held[slug] = min(before + quantity, MOST_OF_ONE)
    response = web.HTTPSeeOther(f"/basket?added={slug}" if action == "add" else "/basket")
    _keep(request, response, {s: n for s, n in held.items() if n})
    return response


@routes.get("/checkout")
async def checkout(request: web.Request) -> web.Response:
    """Ask where the parcel goes."""
    lines = await _lines(request)
    if not lines:
        raise web.HTTPSeeOther("/basket")
    form = Form(dict.fromkeys(ORDER_FIELDS, "") | {"country": "United Kingdom"})
    return _checkout_page(request, lines, form, uuid4())


@routes.post("/checkout")
async def order(request: web.Request) -> web.StreamResponse:
    """Place the order and confirm it by mail."""
    typed = await request.post()
    form = check_form(ORDER_FIELDS, typed)
    token = _token(str(typed.get("token", "")))
    lines = await _lines(request)
    async with request.app[DATABASE].connection() as connection:
        placed = await find_order(connection, token)
        if placed is None and not lines:
            raise web.HTTPSeeOther("/basket")
        if placed is None and form.errors:
            response = _checkout_page(request, lines, form, token)
            response.set_status(422)
            return response
        if placed is None:
            placed = await place_order(connection, token, form, lines, _client(request))
    if placed.get("new"):
        await _confirm(request, placed, lines)
    answer = web.HTTPSeeOther(f"/orders/{token}")
    _keep(request, answer, {})
    return answer


@routes.get("/orders/{token}")
async def thanks(request: web.Request) -> web.Response:
    """Show an order to whoever knows its token."""
    async with request.app[DATABASE].connection() as connection:
        found = await find_order(connection, _token(request.match_info["token"]))
        if found is None:
            raise web.HTTPNotFound
        lines = await order_lines(connection, found["id"])
    return render(request, "order.html", order=found, lines=lines)


async def _lines(request: web.Request) -> list[Line]:
    held = read_basket(request.cookies.get(BASKET, ""))
    if not held:
        return []
    async with request.app[DATABASE].connection() as connection:
        return await basket_lines(connection, held)


def _total(lines: list[Line]) -> int:
    return sum(line.total_cents for line in lines)


def _token(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise web.HTTPNotFound from None


def _checkout_page(
    request: web.Request, lines: list[Line], form: Form, token: UUID
) -> web.Response:
    return render(
        request, "checkout.html", lines=lines, total=_total(lines), form=form, token=token,
        fields=ORDER_FIELDS,
    )  # fmt: skip


async def _confirm(request: web.Request, placed: dict[str, Any], lines: list[Line]) -> None:
    body = request.app[TEMPLATES].get_template("mail/order.txt").render(order=placed, lines=lines)
    await mail.send(
        request.app[CONFIG], request.app[DATABASE],
        to=placed["email"], subject=f"Your order no. {placed['id']} at Tolmere", body=body,
    )  # fmt: skip


# --- letters ----------------------------------------------------------------


@routes.get("/contact")
async def contact(request: web.Request) -> web.Response:
    """Offer a form to write to us."""
    form = Form(dict.fromkeys(TICKET_FIELDS, ""))
    return render(
        request, "contact.html", form=form, fields=TICKET_FIELDS, sent="sent" in request.query
    )


@routes.post("/contact")
async def write(request: web.Request) -> web.StreamResponse:
    """Keep the letter as a ticket and mail it to the studio."""
    typed = await request.post()
    if typed.get("website"):  # people do not see this field; only machines fill it
        raise web.HTTPSeeOther("/contact?sent")
    form = check_form(TICKET_FIELDS, typed)
    if form.errors:
        response = render(request, "contact.html", form=form, fields=TICKET_FIELDS, sent=False)
        response.set_status(422)
        return response
    async with request.app[DATABASE].connection() as connection:
        number = await open_ticket(connection, form, _client(request))
    values = form.values
    await mail.send(
        request.app[CONFIG], request.app[DATABASE],
        to=STUDIO, subject=f"[Ticket {number}] {values['subject']}", reply_to=values["email"],
        body=f"{values['body']}\n\n{values['full_name']} <{values['email']}>\n",
    )  # fmt: skip
    raise web.HTTPSeeOther("/contact?sent")


# --- machines ---------------------------------------------------------------


@routes.get("/healthz")
async def health(request: web.Request) -> web.Response:
    """Answer 200 when the shop can sell, else 503 and why."""
    config, newest = request.app[CONFIG], versions()[-1]
    answer: dict[str, Any] = {"commit": config.commit, "environment": config.environment}
    problem, counts = "", None
    try:
        async with request.app[DATABASE].connection() as connection:
            counts = await fetch_one(
                connection,
                "select (select count(*) from products) as products,"
                " (select count(*) from customers) as customers,"
                " (select count(*) from orders) as orders,"
                " exists (select from schema_migrations where version = %s) as current",
                newest,
            )
    except psycopg.errors.UndefinedTable:
        problem = "the database has no tables; run python -m shop.migrate"
    except psycopg.Error as error:
        problem = f"the database is not reachable: {type(error).__name__}"
    if counts is not None and not counts.pop("current"):
        problem = f"the database lacks {newest}; run python -m shop.migrate"
    if problem:
        answer |= {"status": "unavailable", "detail": problem}
        return web.json_response(answer, status=503)
    return web.json_response({"status": "ok", "database": "ok", **answer, **(counts or {})})


@routes.get("/favicon.ico")
async def favicon(request: web.Request) -> web.StreamResponse:
    """Send browsers that ask for the old name to the drawing."""
    raise web.HTTPMovedPermanently("/static/mark.svg")
