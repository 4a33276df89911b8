"""Fill the sample shop's production database with people who do not exist."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import unicodedata
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
from psycopg import sql

from greenroom.demo.people import (
    AGENTS,
    COUNTRIES,
    DOMAINS,
    GIFTS,
    KINDS,
    LETTERS,
    NAMES,
    NETWORKS,
    NOTES,
)
from greenroom.errors import DatabaseUnavailable, PlatformError
from greenroom.settings import project_environment

SAMPLE = Path(__file__).resolve().parent / "sample"
TABLES = ("products", "customers", "orders", "order_items", "tickets", "events", "outbox")
_NEWEST = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)
"""Fixed, so that the same seed gives the same rows on any day."""
_SECONDS = 3 * 365 * 24 * 3600
_ROWS_A_COPY = 2000
_LOCK = 0x70716


@dataclass(frozen=True, slots=True)
class _Person:
    id: int
    given: str
    name: str
    email: str
    phone: str
    street: str
    city: str
    postcode: str
    country: str
    born: date | None
    joined: datetime


def fill_production(
    dsn: str,
    customers: int = 20_000,
    seed: int = 7,
    progress: Callable[[float], None] | None = None,
) -> dict[str, int]:
    """Fill the shop's database up to ``customers`` customers; give the rows of each table.

    Creates the tables first where they are missing, by the shop's own migrations. Twice as many
    orders as customers, 15 tickets and 100 events to a hundred of them. The same ``seed`` gives
    the same rows. ``progress`` is told the share that is done, 0 to 1.

    Idempotent: all rows are written in one transaction, and none when that many are there.
    Locks: one advisory lock, so that two fillings at a time write once.

    Errors: DatabaseUnavailable; PlatformError when the migrations fail.
    """
    tell = progress or (lambda _ratio: None)
    tell(0.0)
    try:
        with psycopg.connect(dsn, connect_timeout=10, application_name="greenroom-demo") as there:
            ready = there.execute("select to_regclass('events') is not null").fetchone()
        if not ready or not ready[0]:
            _migrate(dsn)
        with psycopg.connect(dsn, application_name="greenroom-demo") as connection:
            connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
            missing = customers - _count(connection, "customers")
            if missing > 0:
                dice = random.Random(seed)  # noqa: S311
                _Filling(connection, missing, dice, tell).write()
        with psycopg.connect(dsn, autocommit=True) as connection:
            if missing > 0:
                connection.execute("analyze")
            counts = {table: _count(connection, table) for table in TABLES}
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(
            f"the production database does not answer: {str(error).strip().splitlines()[0]}"
        ) from error
    tell(1.0)
    return counts


def _count(connection: psycopg.Connection[tuple[int]], table: str) -> int:
    query = sql.SQL("select count(*) from {}").format(sql.Identifier(table))
    row = connection.execute(query).fetchone()
    return row[0] if row else 0


def _migrate(dsn: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "shop.migrate"],
        cwd=SAMPLE,
        env=project_environment(DATABASE_URL=dsn, PYTHONDONTWRITEBYTECODE="1"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    if done.returncode:
        raise PlatformError(
            f"the sample shop's migrations failed: {done.stderr.strip().splitlines()[-1]}"
        )


class _Filling:
    """One run of the filling: the dice, the people met so far, and where rows go."""

    def __init__(
        self,
        connection: psycopg.Connection[tuple[int]],
        missing: int,
        dice: random.Random,
        tell: Callable[[float], None],
    ) -> None:
        self.connection, self.missing, self.dice, self.tell = connection, missing, dice, tell
        self.total = missing * 4 + missing * 15 // 100
        """Rows that count for progress: customers, orders, events, tickets."""
        self.done = 0
        self.people: list[_Person] = []
        self.orders: list[tuple[int, _Person, datetime]] = []

    def write(self) -> None:
        """Write all tables, parents first."""
        self._copy(
            "customers (id, email, full_name, phone, street, city, postcode, country, birthday,"
            " notes, created_at)",
            self._customers(self._next("customers")),
        )
        products = [
            (int(row[0]), str(row[1]), int(row[2]))  # type: ignore[misc]
            for row in self.connection.execute(
                "select id, name, price_cents from products order by id"
            )
        ]
        items: list[tuple[object, ...]] = []
        self._copy(
            "orders (id, token, customer_id, status, total_cents, ship_name, ship_address,"
            " gift_note, placed_at)",
            self._orders(self._next("orders"), products, items),
        )
        self._copy(
            "order_items (order_id, product_id, quantity, price_cents)", iter(items), count=False
        )
        self._copy(
            "tickets (customer_id, email, subject, body, status, created_at)",
            self._tickets(products),
        )
        self._copy("events (kind, payload, occurred_at)", self._events())
        for table in ("customers", "orders"):
            query = "select setval(pg_get_serial_sequence({}, 'id'), (select max(id) from {}))"
            self.connection.execute(
                sql.SQL(query).format(sql.Literal(table), sql.Identifier(table))
            )

    def _copy(self, target: str, rows: Iterator[tuple[object, ...]], *, count: bool = True) -> None:
        with self.connection.cursor().copy(f"copy {target} from stdin".encode()) as copy:
            for number, row in enumerate(rows, 1):
                copy.write_row(row)
                if count and number % _ROWS_A_COPY == 0:
                    self.tell((self.done + number) / self.total * 0.98)
        if count:
            self.done += number

    def _next(self, table: str) -> int:
        query = sql.SQL("select coalesce(max(id), 0) + 1 from {}")
        row = self.connection.execute(query.format(sql.Identifier(table))).fetchone()
        return row[0] if row else 1

    def _digits(self, pattern: str) -> str:
        while "#" in pattern:
            pattern = pattern.replace("#", str(self.dice.randrange(10)), 1)
        while "@" in pattern:
            pattern = pattern.replace("@", self.dice.choice("ABDEFHJLNPRSTUWX"), 1)
        return pattern

    def _moment(self, after: datetime | None = None) -> datetime:
        span = _SECONDS if after is None else max(1, int((_NEWEST - after).total_seconds()))
        return _NEWEST - timedelta(seconds=int(span * self.dice.random()))

    def _customers(self, first: int) -> Iterator[tuple[object, ...]]:
        dice = self.dice
        names = [(given.split(), family.split()) for given, family in NAMES]
        weights = [country.weight for country in COUNTRIES]
        for number in range(first, first + self.missing):
            country = dice.choices(COUNTRIES, weights)[0]
            givens, families = dice.choice(names)
            given, family = (
                dice.choice(givens),
                dice.choice(families).replace("Ní-", "Ní ").replace("Ó-", "Ó "),
            )
            town, postcode = dice.choice(country.towns)
            person = _Person(
                id=number,
                given=given,
                name=f"{given} {family}",
                email=f"{_plain(given)}.{_plain(family)}{number}@{dice.choice(DOMAINS)}",
                phone=self._digits(dice.choice(country.phones)),
                street=dice.choice(country.streets).format(dice.randrange(1, 180)),
                city=town,
                postcode=self._digits(postcode),
                country=country.name,
                born=date(1940, 1, 1) + timedelta(days=dice.randrange(24_500))
                if dice.random() < 0.7
                else None,
                joined=self._moment(),
            )
            note = self._said(dice.choice(NOTES), person) if dice.random() < 0.08 else None
            self.people.append(person)
            yield (
                person.id, person.email, person.name,
                person.phone if dice.random() < 0.92 else None,
                person.street, person.city, person.postcode, person.country, person.born, note,
                person.joined,
            )  # fmt: skip

    def _orders(
        self, first: int, products: list[tuple[int, str, int]], items: list[tuple[object, ...]]
    ) -> Iterator[tuple[object, ...]]:
        dice = self.dice
        for number in range(first, first + 2 * self.missing):
            person = dice.choice(self.people)
            total = 0
            for product, _, price in dice.sample(products, dice.choice((1, 1, 2, 2, 3))):
                quantity = dice.choice((1, 1, 1, 2, 2, 4, 6))
                items.append((number, product, quantity, price))
                total += quantity * price
            placed = self._moment(after=person.joined)
            self.orders.append((number, person, placed))
            recent = (_NEWEST - placed).days < 9
            status = (
                dice.choice(("received", "packed"))
                if recent
                else dice.choice(("shipped",) * 24 + ("returned",))
            )
            yield (
                number, uuid.UUID(int=dice.getrandbits(128), version=4), person.id, status, total,
                person.name, f"{person.street}, {person.postcode} {person.city}, {person.country}",
                self._said(dice.choice(GIFTS), person) if dice.random() < 0.1 else None, placed,
            )  # fmt: skip

    def _tickets(self, products: list[tuple[int, str, int]]) -> Iterator[tuple[object, ...]]:
        dice = self.dice
        for _ in range(self.missing * 15 // 100):
            order, person, placed = dice.choice(self.orders)
            subject, body = dice.choice(LETTERS)
            product = dice.choice(products)[1]
            written = self._moment(after=placed)
            status = (
                dice.choice(("open", "answered")) if (_NEWEST - written).days < 30 else "closed"
            )
            yield (
                person.id, person.email, self._said(subject, person, product, order),
                self._said(body, person, product, order), status, written,
            )  # fmt: skip

    def _events(self) -> Iterator[tuple[object, ...]]:
        dice = self.dice
        for _ in range(self.missing):
            order, person, placed = dice.choice(self.orders)
            kind = dice.choice(KINDS)
            payload: dict[str, object] = {
                "customer": {"id": person.id, "name": person.name, "email": person.email},
                "client": {
                    "ip": f"{dice.choice(NETWORKS)}.{dice.randrange(1, 255)}",
                    "agent": dice.choice(AGENTS),
                },
            }
            if kind.startswith(("order.", "mail.")):
                payload["order"] = {
                    "id": order,
                    "ship_to": {"name": person.name, "city": person.city, "phone": person.phone},
                }
            yield kind, json.dumps(payload, ensure_ascii=False), placed

    def _said(self, text: str, person: _Person, product: str = "", order: int = 0) -> str:
        return text.format(
            given=person.given, name=person.name, email=person.email, phone=person.phone,
            street=person.street, city=person.city, postcode=person.postcode,
            born=person.born.isoformat() if person.born else "long ago",
            neighbour=self.dice.choice(self.people).name if self.people else person.name,
            product=product, order=order,
        )  # fmt: skip


_LETTERS_WITHOUT_MARKS = str.maketrans(
    {"ß": "ss", "ø": "oe", "Ø": "oe", "æ": "ae", "å": "aa", "ł": "l", "Ł": "l", "\u0131": "i"}
    | dict.fromkeys(" '-", "")
)


def _plain(name: str) -> str:
    """Write a name as an e-mail address has it."""
    split = unicodedata.normalize("NFD", name.translate(_LETTERS_WITHOUT_MARKS))
    return split.encode("ascii", "ignore").decode().lower()
