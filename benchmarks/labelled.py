"""Schemas with a label for every column, their values generated: nobody in them exists."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from faker import Faker

from greenroom.data.schema import Column, Schema, Table

FOLDER = Path(__file__).resolve().parent / "columns"
ROWS = 60
_ENTRY = re.compile(r"(?P<name>\w+)=(?P<values>\w+)(?:/(?P<type>\w+))?(?:!(?P<label>[\w|]+))?")
_TYPES = {"text": "text", "varchar": "character varying"}


@dataclass(frozen=True)
class Labelled:
    """A column, what its values are, and every method that is right for it."""

    table: str
    column: str
    values: str
    label: frozenset[str]


@dataclass(frozen=True)
class Set:
    """All labelled columns, and what discovery would read of them."""

    schema: Schema
    samples: dict[tuple[str, str], list[str]]
    columns: list[Labelled]
    empty_tables: frozenset[str]


class Values:
    """Makes values of one locale."""

    def __init__(self, locale: str, seed: int) -> None:
        self.fake = Faker(locale)
        self.fake.seed_instance(seed)
        self.dice = random.Random(seed)
        self.row = 1000

    def text(self, pattern: str) -> str:
        return str(self.fake.bothify(pattern))

    def talk(self) -> str:
        fake, first = self.fake, self.fake.sentence(nb_words=9)
        return str(self.dice.choice([
            f"{first} {fake.name()} called from {fake.phone_number()}.", first,
            f"Please write to {fake.email()}. {first}", f"{fake.first_name()} said: {first}",
        ]))  # fmt: skip

    def document(self) -> str:
        return json.dumps({"user": {"name": self.fake.name(), "email": self.fake.email()}})

    def address(self) -> str:
        fake = self.fake
        return f"{fake.street_address()}, {fake.postcode()} {fake.city()}"

    def bcrypt(self) -> str:
        letters = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
        return "$2b$12$" + "".join(self.dice.choices(letters, k=53))

    def when(self) -> str:
        return self.fake.date_time_between("-3y").strftime("%Y-%m-%d %H:%M:%S.%f+00")


def _one_of(*words: str) -> Callable[[Values], str]:
    return lambda values: values.dice.choice(words)


def _like(pattern: str) -> Callable[[Values], str]:
    return lambda values: values.text(pattern)


def _digits(count: int) -> Callable[[Values], str]:
    return lambda values: values.text("%" + "#" * (count - 1))


def _fake(name: str) -> Callable[[Values], str]:
    return lambda values: str(getattr(values.fake, name)())


def _serial(values: Values) -> str:
    values.row += 1
    return str(values.row)


_BLURBS = (
    "Solid oak, oiled by hand, for indoor use.", "Washes at forty degrees; dries fast.",
    "How satisfied are you with the delivery?", "Take with water after a meal.",
    "For teams that ship every day.", "A classic, in four colours.",
)  # fmt: skip
_PRODUCTS = ("Oak table", "Desk lamp", "Cotton towel", "Steel pan", "Blue mug", "Garden chair")
_CODES = ("A1", "web", "B-204", "std", "EU1", "x9", "mail", "R2D", "north", "k3s")
_SAMPLED = frozenset({"_text", "bpchar", "inet", "jsonb", "text", "varchar"})
_SECRET = "token"
_KEPT_TEXT = "keep|text"
"""Words about things: to be read for people is as right as to be kept."""
_ANY_NUMBER = "national_id|digits|token"
_KINDS: dict[str, tuple[str, str, Callable[[Values], str]]] = {
    # people
    "first": ("varchar", "first_name", _fake("first_name")),
    "last": ("varchar", "last_name", _fake("last_name")),
    "name": ("varchar", "full_name", _fake("name")),
    "login": ("varchar", "username", _fake("user_name")),
    "email": ("varchar", "email", _fake("email")),
    "emails": ("_text", "email|text", lambda v: f"{{{v.fake.email()},{v.fake.email()}}}"),
    "phone": ("varchar", "phone", _fake("phone_number")),
    "street": ("varchar", "street", _fake("street_address")),
    "address": ("varchar", "street|text", Values.address),
    "flat": ("varchar", "street|text", _like("Apt. ##")),
    "house": ("varchar", "street|text|keep|digits", _like("%#")),
    "city": ("varchar", "city", _fake("city")),
    "zip": ("varchar", "postcode", _fake("postcode")),
    "company": ("varchar", "company", _fake("company")),
    "birth": ("date", "birth_date|date|year", lambda v: v.fake.date_of_birth().isoformat()),
    "ip": ("varchar", "ip", _fake("ipv4")),
    "inet": ("inet", "ip", _fake("ipv4")),
    "mac": ("varchar", "mac|token", _fake("mac_address")),
    "iban": ("varchar", "iban", _fake("iban")),
    "bic": ("varchar", "token|national_id|keep|digits", _fake("swift")),
    "card": ("varchar", "card", _fake("credit_card_number")),
    "last4": ("varchar", "digits|token|card", _like("####")),
    "ssn": ("varchar", _ANY_NUMBER, _like("%##-##-####")),
    "dni": ("varchar", _ANY_NUMBER, _like("########?")),
    "vat": ("varchar", _ANY_NUMBER, _like("DE%########")),
    "passport": ("varchar", _ANY_NUMBER, _like("?%#######")),
    "lat": ("numeric", "coordinates", lambda v: f"{v.dice.uniform(-60, 60):.6f}"),
    "lon": ("numeric", "coordinates", lambda v: f"{v.dice.uniform(-60, 60):.6f}"),
    "avatar": ("varchar", "url|keep|token|text", lambda v: f"/avatars/{v.fake.user_name()}.png"),
    "agent": ("varchar", "token|text|keep", _fake("user_agent")),
    "initials": ("varchar", "text|keep|username", _like("???")),
    # secrets
    "bcrypt": ("varchar", _SECRET, Values.bcrypt),
    "pbkdf2": ("varchar", _SECRET, lambda v: f"pbkdf2_sha256$260000${v.fake.sha1()}"),
    "hex": ("varchar", _SECRET, _fake("sha1")),
    "stripe": ("varchar", "token", lambda v: "cus_" + v.fake.sha1()[:14]),
    # texts and documents, which are read for people
    "talk": ("text", "text", Values.talk),
    "document": ("jsonb", "json", Values.document),
    "octets": ("bytea", "binary|null|empty", lambda v: "\\x" + v.fake.sha1()),
    "file": ("varchar", _KEPT_TEXT, lambda v: v.fake.file_name()),
    # things
    "blurb": ("text", _KEPT_TEXT, lambda v: v.dice.choice(_BLURBS)),
    "product": ("varchar", _KEPT_TEXT, lambda v: v.dice.choice(_PRODUCTS)),
    "category": ("varchar", _KEPT_TEXT, _one_of("Garden", "Kitchen tools", "Books", "Toys")),
    "course": ("varchar", _KEPT_TEXT, _one_of("Matemáticas", "Lengua", "Historia", "Física")),
    "campaign": ("varchar", _KEPT_TEXT, _one_of("Spring sale", "Newsletter 12", "Webinar May")),
    "deal": ("varchar", _KEPT_TEXT, _one_of("Renewal 2026", "Upsell seats", "New logo, Q3")),
    "project": ("varchar", _KEPT_TEXT, _one_of("website", "billing api", "data lake", "mobile")),
    "app": ("varchar", _KEPT_TEXT, _one_of("Zapier", "CI robot", "Mobile app", "Export tool")),
    "sensor": ("varchar", _KEPT_TEXT, _like("probe ##?")),
    "place": ("varchar", _KEPT_TEXT, _fake("city")),
    "badge": ("varchar", _KEPT_TEXT, _one_of("First post", "Nice answer", "Veteran", "Editor")),
    "permission": ("varchar", _KEPT_TEXT, _one_of("Can add user", "Can view order")),
    "role": ("varchar", _KEPT_TEXT, _one_of("admin", "editor", "Reader", "support")),
    "job": ("varchar", _KEPT_TEXT, _one_of("Engineer", "Head of sales", "Nurse", "Lead designer")),
    "relation": ("varchar", _KEPT_TEXT, _one_of("mother", "father", "spouse", "friend")),
    "blood": ("varchar", _KEPT_TEXT, _one_of("A+", "B-", "0+", "AB+")),
    "ethnic": ("varchar", _KEPT_TEXT, _one_of("A", "B", "C", "N", "Z")),
    "dose": ("varchar", _KEPT_TEXT, _one_of("5 mg twice a day", "10 ml", "1 tablet")),
    "language": ("varchar", _KEPT_TEXT, _one_of("English", "French", "German", "Dutch")),
    "country": ("varchar", _KEPT_TEXT, _one_of("Germany", "France", "Spain", "Italy", "Norway")),
    "salutation": ("varchar", _KEPT_TEXT, _one_of("Mr", "Ms", "Dr", "Mx")),
    "sex": ("varchar", _KEPT_TEXT, _one_of("f", "m", "x")),
    "tags": ("_text", _KEPT_TEXT, _one_of("{bug,ui}", "{billing}", "{}", "{urgent,api}")),
    "domain": ("varchar", _KEPT_TEXT, lambda v: v.fake.domain_name()),
    "link": ("varchar", "url|keep|text", _fake("url")),
    # ids, numbers, times, codes: never to be touched
    "serial": ("int8", "keep", _serial),
    "bigserial": ("int8", "keep", _digits(10)),
    "uuid": ("uuid", "keep", lambda v: v.fake.uuid4()),
    "count": ("int4", "keep", lambda v: str(v.dice.randrange(40))),
    "money": ("numeric", "keep", lambda v: f"{v.dice.uniform(1, 5000):.2f}"),
    "flag": ("bool", "keep", _one_of("true", "false")),
    "when": ("timestamptz", "keep", Values.when),
    "day": ("date", "keep", lambda v: v.fake.date_between("-3y").isoformat()),
    "clock": ("time", "keep", _like("1#:00:00")),
    "epoch": ("int8", "keep", _like("17########")),
    "stamp": ("varchar", "keep", _like("2024####1%####")),
    "expiry": ("varchar", "keep", _like("0%/2%")),
    "order_no": ("varchar", "keep", _like("ORD-2024-%#####")),
    "sku": ("varchar", "keep", _like("??-####")),
    "ean": ("varchar", "keep", _fake("ean13")),
    "tracking": ("varchar", "keep", _like("1Z%####???########")),
    "code": ("varchar", "keep", lambda v: v.dice.choice(_CODES)),
    "status": ("varchar", "keep", _one_of("new", "open", "paid", "closed", "on_hold")),
    "class": ("varchar", "keep", _one_of("User", "Order", "App\\Models\\Post", "Spree::Payment")),
    "currency": ("bpchar", "keep", _one_of("EUR", "USD", "GBP", "SEK")),
    "locale": ("varchar", "keep", _one_of("en", "de-DE", "fr_FR", "es")),
    "zone": ("varchar", "keep", _one_of("UTC", "Europe/Berlin", "America/New_York")),
    "unit": ("varchar", "keep", _one_of("kg", "mmol/l", "pcs", "m")),
    "color": ("varchar", "keep", _one_of("red", "dark blue", "green")),
    "colorhex": ("varchar", "keep", _like("#^^^^^^")),
    "slug": ("varchar", "keep", lambda v: v.fake.slug() + f"-{_serial(v)}"),
    "path": ("varchar", "keep", lambda v: f"catalog/{v.fake.word()}/{v.fake.word()}_{_serial(v)}"),
    "branch": ("varchar", "keep", _one_of("main", "feature/login", "fix-payments", "release-2")),
    "semver": ("varchar", "keep", _like("%.1#.#")),
    "sha": ("varchar", "keep", _fake("sha1")),
}  # fmt: skip
_KINDS |= {
    f"digits{count}": ("varchar", _ANY_NUMBER, _digits(count)) for count in (7, 8, 9, 10, 11, 13)
} | {f"digits{count}": ("varchar", _ANY_NUMBER, _digits(count)) for count in (14, 18)}
IDS = frozenset(
    {"bigserial", "day", "ean", "epoch", "order_no", "serial", "stamp", "tracking", "uuid", "when",
     "clock", "sku", "digits18", "semver"}
)  # fmt: skip
"""Kinds of values that are ids, times, or numbers of orders and things."""


def load_labelled() -> Set:
    """Read the folder's schemas and make their values; the same on every machine and day."""
    tables: list[Table] = []
    samples: dict[tuple[str, str], list[str]] = {}
    columns: list[Labelled] = []
    empty: set[str] = set()
    for path in sorted(FOLDER.glob("*.txt")):
        for number, block in enumerate(path.read_text().split("\n\n")):
            head, *body = block.strip().split("\n")
            is_empty = head.startswith("empty ")
            _, name, locale = head.removeprefix("empty ").split()
            schema = path.stem
            made = Values(locale, seed=len(tables) * 101 + number)
            entries = [_read(entry) for entry in " ".join(body).split()]
            table = Table(
                schema, name, tuple(_column(e) for e in entries), primary_key=("id",),
                estimated_rows=ROWS,
            )  # fmt: skip
            tables.append(table)
            if is_empty:
                empty.add(table.key)
            for entry in entries:
                make = _KINDS[entry["values"]][2]
                values = [make(made) for _ in range(ROWS)]
                if (entry["type"] or _KINDS[entry["values"]][0]) in _SAMPLED:
                    samples[table.key, entry["name"]] = values
                label = frozenset((entry["label"] or _KINDS[entry["values"]][1]).split("|"))
                columns.append(Labelled(table.key, entry["name"], entry["values"], label))
    return Set(Schema(tuple(tables)), samples, columns, frozenset(empty))


def _read(entry: str) -> dict[str, str]:
    found = _ENTRY.fullmatch(entry)
    assert found is not None, entry
    return found.groupdict()


def _column(entry: dict[str, str]) -> Column:
    kind = entry["type"] or _KINDS[entry["values"]][0]
    return Column(entry["name"], _TYPES.get(kind, kind), kind)
