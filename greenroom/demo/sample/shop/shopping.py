"""What a visitor does: look, fill a basket, order, write to us. Queries and rules, no pages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from shop.database import Connection, Row, fetch, fetch_one

CATEGORIES = {"table": "For the table", "drink": "For drinking", "home": "For the house"}
MOST_OF_ONE = 12
_LINE = re.compile(r"([a-z0-9-]{1,60})\.(\d{1,2})")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")

LOCK_ORDER = "select pg_advisory_xact_lock(hashtextextended(%s, 0))"

ORDER_FIELDS = {
    "full_name": ("Name", 120),
    "email": ("E-mail", 200),
    "phone": ("Phone", 40),
    "street": ("Street and number", 200),
    "postcode": ("Postcode", 20),
    "city": ("Town", 120),
    "country": ("Country", 80),
    "gift_note": ("A note for the parcel", 500),
}
TICKET_FIELDS = {
    "full_name": ("Name", 120),
    "email": ("E-mail", 200),
    "subject": ("Subject", 160),
    "body": ("Message", 5000),
}
OPTIONAL = {"phone", "gift_note"}


def money(cents: int) -> str:
    """Write an amount: £26, £26.50, £1,204."""
    pounds, pence = divmod(cents, 100)
    return f"£{pounds:,}" + (f".{pence:02}" if pence else "")


# --- basket: a cookie such as ``harbour-mug.2_cove-bowl.1`` -----------------


def read_basket(cookie: str) -> dict[str, int]:
    """Read the basket's cookie; whatever is malformed is left out."""
    lines = (_LINE.fullmatch(line) for line in cookie[:2000].split("_"))
    return {m[1]: min(int(m[2]), MOST_OF_ONE) for m in lines if m and int(m[2])}


def write_basket(basket: Mapping[str, int]) -> str:
    """Write the basket's cookie."""
    return "_".join(f"{slug}.{quantity}" for slug, quantity in basket.items() if quantity > 0)


@dataclass(frozen=True)
class Line:
    """One product in the basket."""

    product: Row
    quantity: int

    @property
    def total_cents(self) -> int:
        """Price of the line."""
        return int(self.product["price_cents"]) * self.quantity


async def basket_lines(connection: Connection, basket: Mapping[str, int]) -> list[Line]:
    """Look up what is in the basket; products that are gone are left out."""
    rows = await fetch(connection, "select * from products where slug = any(%s)", list(basket))
    known = {row["slug"]: row for row in rows}
    return [Line(known[slug], count) for slug, count in basket.items() if slug in known]


# --- forms ------------------------------------------------------------------


@dataclass
class Form:
    """What was typed, and what is wrong with it."""

    values: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


def check_form(fields: Mapping[str, tuple[str, int]], typed: Mapping[str, Any]) -> Form:
    """Check a form's fields; ``fields`` gives each one's label and greatest length."""
    form = Form()
    for name, (label, longest) in fields.items():
        raw = typed.get(name, "")
        value = raw.replace("\0", "").strip() if isinstance(raw, str) else ""
        if name not in ("body", "gift_note"):
            value = " ".join(value.split())
        form.values[name] = value[:longest]
        if not value and name not in OPTIONAL:
            form.errors[name] = f"{label} is missing."
        elif len(value) > longest:
            form.errors[name] = f"{label} is too long: {longest} letters at most."
    email = form.values.get("email", "")
    if email and not _EMAIL.fullmatch(email):
        form.errors["email"] = "This does not look like an e-mail address."
    return form


# --- orders -----------------------------------------------------------------


async def place_order(
    connection: Connection, token: UUID, form: Form, lines: list[Line], client: str
) -> Row:
    """Write the order, its customer and the event, all or nothing.

    Idempotent: the same ``token`` gives the same order, so that a form sent twice orders once.
    """
    values = form.values
    async with connection.transaction():
        await connection.execute(LOCK_ORDER, [token.hex])
        if (there := await find_order(connection, token)) is not None:
            return there
        customer = await fetch_one(
            connection,
            "insert into customers (full_name, email, phone, street, postcode, city, country)"
            " values (%s, %s, nullif(%s, ''), %s, %s, %s, %s)"
            " on conflict (lower(email)) do update set email = customers.email returning id",
            *(values[name] for name in ORDER_FIELDS if name != "gift_note"),
        )
        assert customer is not None
        total = sum(line.total_cents for line in lines)
        address = f"{values['street']}, {values['postcode']} {values['city']}, {values['country']}"
        order = await fetch_one(
            connection,
            "insert into orders"
            " (token, customer_id, total_cents, ship_name, ship_address, gift_note)"
            " values (%s, %s, %s, %s, %s, nullif(%s, '')) returning id",
            token, customer["id"], total, values["full_name"], address, values["gift_note"],
        )  # fmt: skip
        assert order is not None
        for line in lines:
            await connection.execute(
                "insert into order_items values (%s, %s, %s, %s)",
                [order["id"], line.product["id"], line.quantity, line.product["price_cents"]],
            )
        await record_event(
            connection, "order.placed", values, client,
            order={"id": order["id"], "total_cents": total, "lines": len(lines)},
        )  # fmt: skip
        placed = await find_order(connection, token)
    assert placed is not None
    return {**placed, "new": True}


async def find_order(connection: Connection, token: UUID) -> Row | None:
    """Find an order by the token in its address."""
    return await fetch_one(
        connection,
        "select o.*, c.email, c.full_name from orders o join customers c on c.id = o.customer_id"
        " where o.token = %s",
        token,
    )


async def order_lines(connection: Connection, order_id: int) -> list[Line]:
    """Give what was ordered, at the price of that day."""
    rows = await fetch(
        connection,
        "select p.slug, p.name, p.glaze, p.picture_alt, i.quantity, i.price_cents"
        " from order_items i join products p on p.id = i.product_id"
        " where i.order_id = %s order by p.position",
        order_id,
    )
    return [Line(row, row["quantity"]) for row in rows]


async def record_event(
    connection: Connection, kind: str, values: Mapping[str, str], client: str, **more: Any
) -> None:
    """Note what happened, and who did it."""
    payload = {
        "customer": {"name": values["full_name"], "email": values["email"]},
        "client": {"ip": client},
        **more,
    }
    await connection.execute(
        "insert into events (kind, payload) values (%s, %s)", [kind, Jsonb(payload)]
    )


async def open_ticket(connection: Connection, form: Form, client: str) -> int:
    """Keep a letter to us; give its number."""
    values = form.values
    async with connection.transaction():
        row = await fetch_one(
            connection,
            "insert into tickets (customer_id, email, subject, body) values"
            " ((select id from customers where lower(email) = lower(%s)), %s, %s, %s) returning id",
            values["email"], values["email"], values["subject"],
            f"{values['body']}\n\n{values['full_name']}",
        )  # fmt: skip
        assert row is not None
        await record_event(connection, "ticket.opened", values, client, ticket={"id": row["id"]})
    return int(row["id"])
