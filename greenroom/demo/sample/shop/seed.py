"""``python -m shop.seed``: a few invented customers, so that staging does not start empty.

Idempotent: does nothing when there is a customer already.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

import psycopg
from psycopg.types.json import Jsonb

from shop.config import required

# ruff: noqa: E501
# name, e-mail, phone, street, town, postcode, birthday, notes, what they ordered
PEOPLE = [
    ("Ada Demo", "ada@demo.example", "01632 960201", "1 Sample Street", "Testford", "TE5 7AA",
     "1984-05-17", "Likes heavy mugs.", {"harbour-mug": 2, "cove-bowl": 2}),
    ("Björn Muster", "bjoern@demo.example", "01632 960202", "2 Sample Street", "Testford", "TE5 7AB",
     "1991-11-02", None, {"moon-jar": 1}),
    ("Chloé Exemple", "chloe@demo.example", "01632 960203", "3 Mock Lane", "Dummyham", "DU1 1MY",
     "1978-02-28", "Ring before noon.", {"shoal-plate": 6, "ledge-bowl": 6}),
    ("Dara Placeholder", "dara@demo.example", "01632 960204", "4 Mock Lane", "Dummyham", "DU1 1MZ",
     None, None, {"lantern-teapot": 1, "gull-tumblers": 2}),
    ("Emre Örnek", "emre@demo.example", "01632 960205", "5 Fixture Row", "Stubbington-on-Test", "ST0 0BB",
     "1999-08-09", "Collects candlesticks.", {"wick-holder": 4}),
]  # fmt: skip


LETTER = """\
Hello, one of the six plates came with a chip. You can ring me on 01632 960203.

Chloé Exemple"""


def seed(url: str) -> int:
    """Write the customers and their orders; give how many were written."""
    with psycopg.connect(url, application_name="shop.seed") as connection:
        connection.execute("lock table customers in share row exclusive mode")
        there = connection.execute("select exists (select from customers)").fetchone()
        if there is None or there[0]:
            return 0
        now = datetime.now(UTC)
        for number, (name, email, phone, street, city, postcode, born, notes, wanted) in enumerate(
            PEOPLE
        ):
            customer = connection.execute(
                "insert into customers (email, full_name, phone, street, city, postcode, country,"
                " birthday, notes) values (%s, %s, %s, %s, %s, %s, %s, %s, %s) returning id",
                [email, name, phone, street, city, postcode, "United Kingdom", born, notes],
            ).fetchone()
            assert customer is not None
            order = connection.execute(
                "insert into orders (token, customer_id, status, total_cents, ship_name,"
                " ship_address, placed_at) select %s, %s, 'shipped',"
                " (select sum(p.price_cents * w.value::int) from jsonb_each_text(%s) w"
                "  join products p on p.slug = w.key), %s, %s, %s returning id",
                [
                    uuid5(NAMESPACE_URL, email), customer[0], Jsonb(wanted), name,
                    f"{street}, {postcode} {city}, United Kingdom", now - timedelta(days=9 * number + 2),
                ],
            ).fetchone()  # fmt: skip
            assert order is not None
            connection.execute(
                "insert into order_items select %s, p.id, w.value::int, p.price_cents"
                " from jsonb_each_text(%s) w join products p on p.slug = w.key",
                [order[0], Jsonb(wanted)],
            )
            connection.execute(
                "insert into events (kind, payload) values ('order.placed', %s)",
                [
                    Jsonb(
                        {"customer": {"name": name, "email": email}, "client": {"ip": "192.0.2.10"}}
                    )
                ],
            )
        connection.execute(
            "insert into tickets (customer_id, email, subject, body) select id, email, %s, %s"
            " from customers where email = %s",
            [
                "A chip in one of the plates",
                LETTER,
                "chloe@demo.example",
            ],
        )
    return len(PEOPLE)


def main() -> int:
    """Seed the database that DATABASE_URL names."""
    written = seed(required(os.environ, "DATABASE_URL"))
    print(f"seed: {written} demo customers" if written else "seed: there are customers already")
    return 0


if __name__ == "__main__":
    sys.exit(main())
