"""Fill the sample shop's production database with people who do not exist.

Every name is put together from the lists below, every e-mail address is under a domain that can
never deliver, every phone number from a range that is kept free for films and books, every IP
address from a range for documentation.

Source: RFC 2606 and RFC 6761 (``example.*``, ``.test``); RFC 5737 (192.0.2.0/24, 198.51.100.0/24,
203.0.113.0/24). Phones: Ofcom (UK: 01632 960, 020 7946 0, 07700 900), NANPA (555-0100 to -0199),
Bundesnetzagentur (030 23125, 069 90009), ARCEP (01 99 00, 06 39 98), ACMA (02 5550), ComReg
(020 91).
"""

# ruff: noqa: E501, ISC004, RUF001
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

from greenroom.errors import DatabaseUnavailable, PlatformError
from greenroom.settings import project_environment

SAMPLE = Path(__file__).resolve().parent / "sample"
TABLES = ("products", "customers", "orders", "order_items", "tickets", "events", "outbox")
_NEWEST = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)
"""Fixed, so that the same seed gives the same rows on any day."""
_SECONDS = 3 * 365 * 24 * 3600
_ROWS_A_COPY = 2000
_LOCK = 0x70716

# Given names and family names by culture; the names are everyday ones, their pairing is chance.
_NAMES: tuple[tuple[str, str], ...] = (
    ("Alice Amelia Arthur Beatrice Charlie Daisy Edith Edward Eleanor Florence Frederick George "
     "Grace Harriet Harry Ivy Jack Jasper Lily Matilda Oliver Oscar Poppy Rosie Theodore Violet",
     "Ashdown Barlow Birch Carter Clarke Cooper Dawson Ellis Fletcher Gibson Harper Hartley "
     "Holloway Hughes Kerr Langley Marsh Mercer Norris Palmer Reeve Shaw Thornton Walker Whitlock"),
    ("Aoife Caoimhe Cian Ciarán Conor Éabha Éanna Fionn Gráinne Liam Máire Niamh Oisín Orla Róisín "
     "Saoirse Seán Síofra Tadhg Úna",
     "Brennan Byrne Doyle Flanagan Kavanagh Keane MacCarthy Ní-Bhriain Nolan O'Brien O'Connor "
     "O'Donnell Ó-Súilleabháin Quinn Ryan Walsh"),
    ("Anja Björn Claudia Dörte Emil Friedrich Greta Günter Hanna Heike Jonas Jörg Jürgen Käthe Lena "
     "Lukas Maximilian Mia Sören Sophie Ute Wolfgang",
     "Bäcker Böhm Fischer Förster Groß Hoffmann Jäger Köhler König Krüger Lehmann Möller Müller "
     "Neumann Schäfer Schröder Schulz Voß Weiß Zimmermann"),
    ("Adèle Amélie André Benoît Camille Chloé Éloïse Émile Étienne Françoise François Gaël Hélène "
     "Inès Jérôme Léa Loïc Maëlle Noémie Renée Théo Zoé",
     "Bélanger Benoît Chevallier Delaunay Desprès Dubois Dupré Faucher Fontaine Garçon Girard "
     "Lefèvre Léger Marchand Moreau Pélissier Renaud Rousseau Vallée"),
    ("Álvaro Ángel Beatriz Carmen Diego Elena Íñigo Iván Javier José Lucía María Martín Mónica "
     "Nuria Pablo Raúl Rocío Sofía Tomás",
     "Álvarez Benítez Castaño Díaz Fernández Gómez González Hernández Ibáñez López Martínez Muñoz "
     "Núñez Ortega Peña Ramírez Rodríguez Sánchez Vázquez"),
    ("Åsa Astrid Bjørn Eir Frøya Gunnar Håkon Ingrid Jörgen Kåre Lærke Linnéa Märta Nils Øystein "
     "Rasmus Sigrid Søren Tove Ylva",
     "Ågren Åkesson Bergström Bjørnstad Dahl Engström Grønlund Håkansson Jørgensen Källström "
     "Lindqvist Møller Nygård Ødegård Sjöberg Sørensen Strøm Wikström"),
    ("Agnieszka Andrzej Bożena Dorota Grażyna Jakub Józef Kacper Katarzyna Łukasz Małgorzata "
     "Michał Paweł Sławomir Stanisław Wojciech Zofia Żaneta",
     "Błaszczyk Dąbrowski Gołębiewski Jabłoński Kamiński Kozłowski Krawczyk Łukaszewicz Maciejewski "
     "Nowak Pawłowski Sikorska Szymański Wiśniewska Woźniak Zając Żurek"),
    ("Ahmet Aylin Ayşe Barış Çağla Deniz Elif Emre Fatma Gökhan Gülşen İbrahim Kerem Melike Nazlı "
     "Oğuz Özge Selin Şule Yiğit",
     "Aydın Bozkurt Çelik Çetin Demir Doğan Erdoğdu Güneş Kaplan Karadağ Koç Kılıç Öztürk Polat "
     "Şahin Tekin Yıldırım Yılmaz"),
    ("Aditi Amara Anaya Arjun Chidi Divya Farah Hassan Imani Kofi Kwame Layla Meera Nadia Ngozi "
     "Omar Priya Rohan Samira Tariq Yusuf Zainab",
     "Abubakar Acheampong Adeyemi Ahmed Balogun Chaudhry Das Desai Eze Farouk Iyer Kaur Mensah "
     "Mwangi Nair Okafor Owusu Patel Rahman Sharma Siddiqui"),
    ("Akira Chiyo Daiki Hana Haruto Hye-jin Jia Ji-woo Kenji Li-na Mei Min-jun Naoko Rin Seo-yeon "
     "Takumi Wei Xiu Yuki Zihan",
     "Chen Fujimoto Hayashi Huang Inoue Jeong Kang Kim Kobayashi Lin Liu Matsuda Nakagawa Park "
     "Shimizu Tanaka Watanabe Wong Yamamoto Zhang"),
)  # fmt: skip


@dataclass(frozen=True)
class _Country:
    name: str
    weight: int
    towns: tuple[tuple[str, str], ...]
    """Town and its postcode; ``#`` stands for a digit, ``@`` for a letter."""
    streets: tuple[str, ...]
    """``{}`` stands for the house number."""
    phones: tuple[str, ...]


_COUNTRIES = (
    _Country(
        "United Kingdom", 46,
        (("Bristol", "BS# #@@"), ("Leeds", "LS# #@@"), ("Manchester", "M## #@@"),
         ("Norwich", "NR# #@@"), ("Cardiff", "CF## #@@"), ("Edinburgh", "EH# #@@"),
         ("Falmouth", "TR11 #@@"), ("Whitby", "YO21 #@@"), ("London", "SE## #@@"),
         ("Newcastle upon Tyne", "NE# #@@"), ("Oban", "PA34 #@@"), ("St Ives", "TR26 #@@")),
        ("{} Harbour Street", "{} Chapel Lane", "{} Station Road", "{} Victoria Terrace",
         "{} Mill Hill", "Flat {}, Rope Walk", "{} Orchard Close", "{} High Street"),
        ("01632 960###", "+44 1632 960###", "020 7946 0###", "07700 900###", "+44 7700 900###"),
    ),
    _Country(
        "Ireland", 8,
        (("Dublin", "D0# @#@#"), ("Cork", "T12 @#@#"), ("Galway", "H91 @#@#"),
         ("Kinsale", "P17 @#@#"), ("Sligo", "F91 @#@#")),
        ("{} Quay Road", "{} Bridge Street", "{} Strand Terrace", "{} Abbey Lane"),
        ("020 91# ####", "+353 20 91# ####"),
    ),
    _Country(
        "Germany", 15,
        (("Berlin", "1####"), ("Hamburg", "2####"), ("Köln", "50###"), ("München", "80###"),
         ("Lübeck", "235##"), ("Tübingen", "720##"), ("Görlitz", "028##")),
        ("Lindenstraße {}", "Mühlenweg {}", "Am Hafen {}", "Schloßallee {}", "Töpfergasse {}"),
        ("030 23125 ###", "+49 30 23125###", "069 90009 ###", "+49 69 90009###"),
    ),
    _Country(
        "France", 12,
        (("Paris", "750##"), ("Nîmes", "300##"), ("Besançon", "250##"), ("Saint-Étienne", "420##"),
         ("Concarneau", "29900"), ("Orléans", "450##")),
        ("{} rue de la Poterie", "{} quai des Pêcheurs", "{} avenue de la Gare", "{} rue du Château"),
        ("01 99 00 ## ##", "+33 1 99 00 ## ##", "06 39 98 ## ##", "+33 6 39 98 ## ##"),
    ),
    _Country(
        "United States", 13,
        (("Portland, ME", "041##"), ("Asheville, NC", "288##"), ("Santa Fe, NM", "875##"),
         ("Seattle, WA", "981##"), ("Providence, RI", "029##"), ("Duluth, MN", "558##")),
        ("{} Maple Avenue", "{} Wharf Street", "{} Cedar Court", "{} 4th Street, Apt 2"),
        ("(207) 555-01##", "+1 828-555-01##", "206-555-01##", "+1 (505) 555-01##"),
    ),
    _Country(
        "Australia", 6,
        (("Hobart", "70##"), ("Fremantle", "61##"), ("Byron Bay", "2481"), ("Melbourne", "30##")),
        ("{} Wattle Street", "{} Jetty Road", "{} Foreshore Drive"),
        ("(02) 5550 ####", "+61 2 5550 ####"),
    ),
)  # fmt: skip

_DOMAINS = ("example.com", "example.org", "example.net", "mail.example", "post.test", "inbox.test")
_NETWORKS = ("192.0.2", "198.51.100", "203.0.113")
_NOTES = (
    "Prefers the pots with more speckle.", "Ring before noon.", "Leave parcels with {neighbour}.",
    "Allergic to wool packing, use paper.", "Wedding list together with {neighbour}.",
    "Paid the last bill twice, owes us nothing.", "Speaks a little English, write in short sentences.",
    "Bought at the open studio.", "Asks for {given}, not for a title.",
)  # fmt: skip
_GIFTS = (
    "Happy birthday, love from {given}", "For the new flat. {given}", "With thanks for the summer",
    "Do not drop this one! {given} and {neighbour}", "To Mum, who broke the last one",
)  # fmt: skip
_LETTERS = (
    ("A chip in the {product}",
     "Hello,\n\nthe {product} arrived with a chip in the rim. The order was no. {order}. You can reach "
     "me on {phone} or at {email}.\n\nBest wishes\n{name}"),
    ("Where is order {order}?",
     "Dear all, my parcel should have come on Tuesday. It goes to {street}, {postcode} {city}. Please "
     "ring {phone}, I am at home until four.\n\n{name}"),
    ("Change of address",
     "Good morning, {name} here. We are moving to {city} next month, so please use {street} from now "
     "on. My e-mail stays {email}."),
    ("Is the {product} safe in the oven?",
     "My neighbour {neighbour} says it is not and I say it is. Who is right? Write to {email}, "
     "please, I seldom pick up the phone.\n\nThank you, {given}"),
    ("A present for {neighbour}",
     "Could you put a card into the parcel? It is for {neighbour}, and should say: from {given}, with "
     "love. If it does not fit, call me: {phone}."),
    ("Bill paid twice",
     "I have paid the bill for order {order} twice, once as {email} and once by hand. Please send one "
     "back.\n\nKind regards\n{name}\n{phone}"),
    ("Please delete my account",
     "Under the data protection law I ask you to delete everything that you hold on me, {name}, "
     "{email}, born {born}. Please confirm."),
    ("Visiting on Saturday",
     "We are four, {neighbour} comes too. Is there room for a van in Quay Lane? Text me on {phone} if "
     "not.\n{given}"),
)  # fmt: skip
_KINDS = (
    "page.viewed",
    "basket.filled",
    "order.placed",
    "order.shipped",
    "mail.sent",
    "login.failed",
)
_AGENTS = ("Firefox/145.0", "Safari/26.1", "Chrome/142.0", "Firefox/144.0 (Android)")


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
            self.connection.execute(
                sql.SQL(
                    "select setval(pg_get_serial_sequence({name}, 'id'), (select max(id) from {table}))"
                ).format(name=sql.Literal(table), table=sql.Identifier(table))
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
        names = [(given.split(), family.split()) for given, family in _NAMES]
        weights = [country.weight for country in _COUNTRIES]
        for number in range(first, first + self.missing):
            country = dice.choices(_COUNTRIES, weights)[0]
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
                email=f"{_plain(given)}.{_plain(family)}{number}@{dice.choice(_DOMAINS)}",
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
            note = self._said(dice.choice(_NOTES), person) if dice.random() < 0.08 else None
            self.people.append(person)
            yield (
                person.id, person.email, person.name, person.phone if dice.random() < 0.92 else None,
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
                self._said(dice.choice(_GIFTS), person) if dice.random() < 0.1 else None, placed,
            )  # fmt: skip

    def _tickets(self, products: list[tuple[int, str, int]]) -> Iterator[tuple[object, ...]]:
        dice = self.dice
        for _ in range(self.missing * 15 // 100):
            order, person, placed = dice.choice(self.orders)
            subject, body = dice.choice(_LETTERS)
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
            kind = dice.choice(_KINDS)
            payload: dict[str, object] = {
                "customer": {"id": person.id, "name": person.name, "email": person.email},
                "client": {
                    "ip": f"{dice.choice(_NETWORKS)}.{dice.randrange(1, 255)}",
                    "agent": dice.choice(_AGENTS),
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
    {"ß": "ss", "ø": "oe", "Ø": "oe", "æ": "ae", "å": "aa", "ł": "l", "Ł": "l", "ı": "i", " ": "", "'": "", "-": ""}
)  # fmt: skip


def _plain(name: str) -> str:
    """Write a name as an e-mail address has it."""
    split = unicodedata.normalize("NFD", name.translate(_LETTERS_WITHOUT_MARKS))
    return split.encode("ascii", "ignore").decode().lower()
