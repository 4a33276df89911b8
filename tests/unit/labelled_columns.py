"""Labelled columns for discovery: invented schemas of the usual kinds, values made by Faker.

A line is a table; a column is ``name:type=label`` or ``name:type=label/values``. Labels are methods
of the policy; ``free`` means that keeping it would be wrong and reading it as text is right, and
``any`` that nobody is in it: kept or read as text, both are right. In-sample: rules were mended
while these were read.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

from faker import Faker

from greenroom.data.schema import Column, Schema, Table

TABLES = Path(__file__).with_suffix(".txt").read_text()


def _values(seed: int) -> dict[str, Callable[[], str]]:
    locales = ["en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL"]
    fake = Faker(locales)
    Faker.seed(seed)
    dice = random.Random(seed)

    def one(*choices: str) -> Callable[[], str]:
        return lambda: dice.choice(choices)

    def pattern(text: str) -> Callable[[], str]:
        return lambda: fake.bothify(text, letters="ABCDEFGHJKLMNPQRSTUVWXYZ")

    return {
        "email": fake.safe_email, "first_name": fake.first_name, "last_name": fake.last_name,
        "full_name": fake.name, "phone": fake.phone_number, "company": fake.company,
        "street": fake.street_address, "city": fake.city, "postcode": fake.postcode,
        "iban": fake.iban, "card": fake.credit_card_number, "ip": fake.ipv4,
        "mac": fake.mac_address, "national_id": pattern("??######"),
        "url": fake.url, "username": fake.user_name, "date": lambda: fake.date(),
        "last_first": lambda: f"{fake.last_name()}, {fake.first_name()}",
        "text": lambda: fake.paragraph(nb_sentences=3), "uuid": fake.uuid4,
        "bcrypt": lambda: "$2b$12$" + fake.pystr(53, 53), "hex": lambda: fake.sha256()[:40],
        "django": lambda: f"pbkdf2_sha256$600000${fake.pystr(22, 22)}${fake.pystr(43, 43)}=",
        "agent": fake.user_agent, "locale": one("en", "de", "fr"), "zone": one("UTC", "CET"),
        "role": one("admin", "editor", "reader"), "gender": one("f", "m", "x"),
        "country": one("DE", "FR", "US", "GB"), "status": one("open", "paid", "shipped", "closed"),
        "currency": one("EUR", "USD"), "state": one("NY", "CA", "TX", "WA"),
        "word": one("web", "basic", "gold", "mail", "red"), "four": pattern("####"),
        "job": one("Engineer", "Sales Manager", "Clerk"), "blood": one("A+", "0-", "B+"),
        "number": pattern("##"), "digits": pattern("##########"), "code": pattern("??-####"),
        "order": pattern("ORD-2024-######"), "sku": pattern("SKU-######"),
        "ssn": pattern("###-##-####"),
        "ean": fake.ean13, "slug": fake.slug, "path": lambda: fake.file_path(depth=2),
        "product": lambda: f"{one('Linen', 'Oak', 'Steel')()} Lamp {dice.randint(1, 90)}",
        "bic": pattern("????DEFF###"), "stripe": lambda: "cus_" + fake.pystr(14, 14),
        "domain": fake.domain_name, "plate": pattern("?? ?? ####"), "version": pattern("#.#.#"),
        "country_name": one("Germany", "France", "Spain"), "mime": one("image/png", "text/html"),
    }  # fmt: skip


def labelled(seed: int = 1, rows: int = 60) -> tuple[
    Schema, dict[tuple[str, str], list[str]], dict[tuple[str, str], str]
]:  # fmt: skip
    """Give the schema, its samples, and the label of each ``(table, column)``."""
    make = _values(seed)
    tables, samples, labels = [], {}, {}
    for line in TABLES.strip().splitlines():
        name, *columns = line.split()
        made = []
        for column in columns:
            column_name, _, rest = column.partition(":")
            kind, _, label = rest.partition("=")
            label, _, values = label.partition("/")
            key = (f"public.{name}", column_name)
            labels[key] = label
            is_key = column_name == "id"
            made.append(Column(column_name, kind, kind, is_unique=is_key))
            if kind.removeprefix("_") in ("varchar", "text", "citext", "bpchar", "inet"):
                samples[key] = [make[values or label]() for _ in range(rows)]
        has_id = made[0].name == "id"
        tables.append(Table("public", name, tuple(made), ("id",) if has_id else ()))
    return Schema(tuple(tables)), samples, labels


def numbers(seed: int = 2, rows: int = 200) -> Iterator[tuple[str, list[str]]]:
    """Give kinds of ids, times and numbers as texts: nobody is in any of them."""
    dice = random.Random(seed)
    make: dict[str, Callable[[], str]] = {
        "bigint": lambda: str(dice.randint(10**7, 10**10)),
        "epoch": lambda: str(dice.randint(1_500_000_000, 1_800_000_000)),
        "epoch_ms": lambda: str(dice.randint(1_500_000_000_000, 1_800_000_000_000)),
        "order": lambda: f"ORD-2024-{dice.randint(0, 999_999):06d}",
        "invoice": lambda: f"INV/{dice.randint(2019, 2026)}/{dice.randint(0, 99_999):05d}",
        "iso": lambda: f"2024-{dice.randint(1, 12):02d}-{dice.randint(1, 28):02d}T10:00:00Z",
        "price": lambda: f"{dice.randint(1, 9999)}.{dice.randint(0, 99):02d}",
        "version": lambda: f"{dice.randint(0, 9)}.{dice.randint(0, 99)}.{dice.randint(0, 9)}",
        "uuid": lambda: json.loads(json.dumps(str(Faker().uuid4()))),
        "ean": lambda: str(dice.randint(10**12, 10**13 - 1)),
        "sku": lambda: f"SKU-{dice.randint(0, 999_999):06d}",
    }
    for kind, one in make.items():
        yield kind, [one() for _ in range(rows)]
