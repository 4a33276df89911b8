"""Pseudonyms: the same person is the same somebody else, in every table and every night.

A pseudonym depends on the key, on what the value is (a name, an e-mail address …) and on the value
as its type compares it; not on the column. Another key, another universe. A column with a unique
index gets pseudonyms that cannot collide, by a keyed permutation or a tag of 60 bits.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Container
from functools import cached_property
from typing import Any

from greenroom.data import dates, shapes, spoken, words
from greenroom.data.arrays import elementwise
from greenroom.data.hints import NUMBERS, TEXTS
from greenroom.data.permute import Keyed
from greenroom.data.schema import Column
from greenroom.errors import InvalidInput

Kernel = Callable[[str], str | None]
MAIL_DOMAINS = ("example.com", "example.net", "example.org")
"""Source: RFC 2606: nobody receives mail there."""
TAG_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
"""Source: Crockford's base 32."""
_TAG_PAIRS = tuple(first + second for second in TAG_LETTERS for first in TAG_LETTERS)
TAG_LENGTH = 12
MOST_WALKS = 50
"""Fakes tried for one that is nobody's original; the proof finds what is left."""
_SPACE = re.compile(r"\s+")


def fold(value: str) -> str:
    """Give a value as names and addresses are compared: without case, layout of spaces, padding."""
    return _SPACE.sub(" ", value).strip().casefold()


def tag(number: int, length: int = TAG_LENGTH) -> str:
    """Write a number in few letters."""
    made = ""
    for _ in range((length + 1) // 2):
        made += _TAG_PAIRS[number & 1023]
        number >>= 10
    return made[:length]


def _like(model: str, text: str) -> str:
    """Give a text the case that a model has."""
    if model.isupper() and len(model) > 1:
        return text.upper()
    return text.lower() if model.islower() else text


def _with_case(text: str, value: str, keyed: Keyed) -> str:
    """Write a fake in capitals here and there when its original has some.

    ``Bob@x`` and ``bob@x`` become the same for whoever compares without case, as they were, and
    stay two for a column that tells them apart.
    """
    plain = value.strip()
    if plain == plain.lower():
        return text
    bits, _ = keyed.halves(plain, 1)
    return "".join(letter.upper() if bits >> at & 1 else letter for at, letter in enumerate(text))


class Pseudonyms:
    """All pseudonyms of one key."""

    def __init__(
        self, key: bytes, forbidden_words: Container[str] = (),
        is_original: Callable[[str], bool] = lambda _: False,
    ) -> None:  # fmt: skip
        self._key, self._forbidden, self._is_original = key, forbidden_words, is_original
        self._keyed: dict[str, Keyed] = {}

    @cached_property
    def key_id(self) -> str:
        """A name for the key that tells nothing of it."""
        return hashlib.blake2b(b"key id", key=self._key[:64], digest_size=6).hexdigest()

    @cached_property
    def _given(self) -> tuple[str, ...]:
        return words.given_names(self._forbidden)

    @cached_property
    def _family(self) -> tuple[str, ...]:
        return words.family_names(self._forbidden)

    @cached_property
    def _places(self) -> tuple[str, ...]:
        return words.places(self._forbidden)

    def words(self) -> tuple[tuple[str, ...], ...]:
        """Give the given names, family names and places that fakes are made of."""
        return self._given, self._family, self._places

    def keyed(self, purpose: str) -> Keyed:
        """Give the keyed numbers of one purpose."""
        made = self._keyed.get(purpose)
        if made is None:  # two hashes of the key: once for a purpose, not for each value
            made = self._keyed[purpose] = Keyed(self._key, purpose)
        return made

    def for_column(self, method: str, column: Column, options: dict[str, Any]) -> Kernel:
        """Give the function that masks a column's values.

        Errors: InvalidInput for an unknown method, or one that the column cannot take.
        """
        make = getattr(self, f"_make_{method}", None)
        if make is None:
            raise InvalidInput(f"there is no method {method!r}")
        kernel: Kernel = make(column, options)
        if method in _CONSTANTS:
            return kernel
        if not column.is_unique:
            kernel = self._avoiding_originals(kernel)
        fitted = _fitted(kernel, column, self.keyed(f"{method}:fit"))
        return elementwise(fitted) if column.base_type.startswith("_") else fitted

    def _avoiding_originals(self, kernel: Kernel) -> Kernel:
        """Give another fake for one that is somebody's original: an original seen is a leak."""

        def run(value: str) -> str | None:
            made = kernel(value)
            for _ in range(MOST_WALKS):
                if made is None or not self._is_original(made):
                    break
                made = kernel(made)
            return made

        return run

    # --- no pseudonym ---------------------------------------------------------------------------

    def _make_null(self, column: Column, options: dict[str, Any]) -> Kernel:
        if not column.is_nullable:
            raise InvalidInput(f"{column.name} must not be NULL", hint="Use empty or constant.")
        return lambda _: None

    def _make_empty(self, column: Column, options: dict[str, Any]) -> Kernel:
        empty = {"json": "{}", "jsonb": "{}", "bytea": "\\x"}.get(column.base_type, "")
        if column.base_type.startswith("_"):
            empty = "{}"
        if column.is_unique:
            raise InvalidInput(f"{column.name} is unique: it cannot be empty in every row")
        return lambda _: empty

    def _make_binary(self, column: Column, options: dict[str, Any]) -> Kernel:
        return (lambda _: None) if column.is_nullable else (lambda _: "\\x")

    def _make_constant(self, column: Column, options: dict[str, Any]) -> Kernel:
        if "value" not in options:
            raise InvalidInput(f"constant for {column.name} needs a value")
        if column.is_unique:
            raise InvalidInput(f"{column.name} is unique: it cannot be the same in every row")
        value = str(options["value"])
        return lambda _: value

    # --- people ---------------------------------------------------------------------------------

    def given_name(self, name: str) -> str:
        """Give somebody else's given name, the case kept."""
        low, _ = self.keyed("given name").halves(fold(name))
        return _like(name, self._given[low % len(self._given)])

    def family_name(self, name: str) -> str:
        """Give somebody else's family name, the case kept."""
        low, _ = self.keyed("family name").halves(fold(name))
        return _like(name, self._family[low % len(self._family)])

    def full_name(self, name: str) -> str:
        """Give somebody else's name, of as many words: those that first and last name columns get.

        ``Last, First`` stays in that order; initials stay initials.
        """
        last, comma, first = name.partition(",")
        if comma:
            return f"{self.family_name(last.strip())}, {self._words(first, self.given_name)}"
        parts = name.split()
        if len(parts) == 1:
            return self.given_name(parts[0])
        given = self._words(" ".join(parts[:-1]), self.given_name)
        return f"{given} {self.family_name(parts[-1])}"

    @staticmethod
    def _words(text: str, replace: Callable[[str], str]) -> str:
        made = []
        for word in text.split():
            if len(word.rstrip(".")) == 1:
                made.append(replace(word.rstrip("."))[0].upper() + "." * word.endswith("."))
            else:
                made.append(replace(word))
        return " ".join(made)

    def _make_first_name(self, column: Column, options: dict[str, Any]) -> Kernel:
        return self._distinct(column, lambda v: self._words(v, self.given_name), "given name")

    def _make_last_name(self, column: Column, options: dict[str, Any]) -> Kernel:
        return self._distinct(column, self.family_name, "family name")

    def _make_full_name(self, column: Column, options: dict[str, Any]) -> Kernel:
        return self._distinct(column, self.full_name, "full name")

    def _make_company(self, column: Column, options: dict[str, Any]) -> Kernel:
        keyed = self.keyed("company")

        def replace(value: str) -> str:
            form = value.split()[-1] if len(value.split()) > 1 else ""
            kept = f" {form}" if form.rstrip(".").casefold() in _COMPANY_FORMS else ""
            low, high = keyed.halves(fold(value))
            place = self._places[low % len(self._places)]
            return f"{place} {_TRADES[high % len(_TRADES)]}{kept}"

        return self._distinct(column, replace, "company")

    def email(self, value: str) -> str:
        """Give an address that nobody reads; different for each different address."""
        keyed = self.keyed("email")
        low, high = keyed.halves(fold(value))
        given = self._given[low % len(self._given)].lower()
        domain = MAIL_DOMAINS[(low >> 32) % len(MAIL_DOMAINS)]
        return _with_case(f"{given}.{tag(high)}", value, keyed) + f"@{domain}"

    def _make_email(self, column: Column, options: dict[str, Any]) -> Kernel:
        return self.email

    def _make_username(self, column: Column, options: dict[str, Any]) -> Kernel:
        keyed = self.keyed("username")

        def replace(value: str) -> str:
            low, high = keyed.halves(fold(value))
            made = f"{self._given[low % len(self._given)].lower()}{tag(high)}"
            return _with_case(made, value, keyed)

        return replace

    def _distinct(self, column: Column, replace: Callable[[str], str], purpose: str) -> Kernel:
        if not column.is_unique:
            return replace
        keyed = self.keyed(f"{purpose} tag")
        return lambda value: f"{replace(value)} {tag(keyed.number(fold(value)))}"

    # --- places ---------------------------------------------------------------------------------

    def _make_street(self, column: Column, options: dict[str, Any]) -> Kernel:
        keyed, kinds = self.keyed("street"), words.street_kinds()

        def replace(value: str) -> str:
            low, high = keyed.halves(fold(value))
            name = self._places[low % len(self._places)]
            return f"{1 + (high >> 32) % 199} {name} {kinds[high % len(kinds)]}"

        return self._distinct(column, replace, "street")

    def _make_city(self, column: Column, options: dict[str, Any]) -> Kernel:
        keyed = self.keyed("city")

        def replace(value: str) -> str:
            low, _ = keyed.halves(fold(value))
            return _like(value, self._places[low % len(self._places)])

        return self._distinct(column, replace, "city")

    _make_country_subdivision = _make_city

    def _make_postcode(self, column: Column, options: dict[str, Any]) -> Kernel:
        kept = options.get("keep", 0)
        other = shapes.letters_and_digits(self.keyed("postcode"))
        if options.get("generalise"):
            return lambda value: value[:kept] + re.sub(r"[0-9A-Za-z]", "0", value[kept:])
        return lambda value: value[:kept] + other(value)[kept:]

    def _make_coordinates(self, column: Column, options: dict[str, Any]) -> Kernel:
        places = options.get("decimals", 1)
        return lambda value: re.sub(
            r"-?\d+\.\d+", lambda found: f"{round(float(found[0]), places):.{places}f}", value
        )

    # --- numbers and codes ----------------------------------------------------------------------

    def _make_phone(self, column: Column, options: dict[str, Any]) -> Kernel:
        return shapes.phone(
            self.keyed("phone"), is_unique=column.is_unique, is_original=self._is_original
        )

    def _make_digits(self, column: Column, options: dict[str, Any]) -> Kernel:
        return shapes.Digits(self.keyed("digits"))

    def _make_card(self, column: Column, options: dict[str, Any]) -> Kernel:
        return shapes.card(
            self.keyed("card"), is_unique=column.is_unique, is_original=self._is_original
        )

    def _make_iban(self, column: Column, options: dict[str, Any]) -> Kernel:
        return shapes.iban(self.keyed("iban"), self._is_original)

    def _make_national_id(self, column: Column, options: dict[str, Any]) -> Kernel:
        return shapes.Digits(self.keyed("national id"), self._is_original)

    def _make_ip(self, column: Column, options: dict[str, Any]) -> Kernel:
        return shapes.address_of_network(self.keyed("ip"), is_unique=column.is_unique)

    def _make_mac(self, column: Column, options: dict[str, Any]) -> Kernel:
        return shapes.mac(self.keyed("mac"))

    def _make_uuid(self, column: Column, options: dict[str, Any]) -> Kernel:
        return shapes.uuid(self.keyed("uuid"))

    def _make_token(self, column: Column, options: dict[str, Any]) -> Kernel:
        return shapes.letters_and_digits(self.keyed("token"))

    def _make_url(self, column: Column, options: dict[str, Any]) -> Kernel:
        keyed = self.keyed("url")
        return lambda value: f"https://example.com/{tag(keyed.number(value))}"

    # --- times and measures ---------------------------------------------------------------------

    def _make_date(self, column: Column, options: dict[str, Any]) -> Kernel:
        """Shift every date of the database by the same days: intervals stay."""
        return self._of_dates(column, dates.shift(self.keyed("date")))

    def _make_birth_date(self, column: Column, options: dict[str, Any]) -> Kernel:
        return self._of_dates(column, dates.within_band(self.keyed("birth date")))

    def _make_spoken_day(self, column: Column, options: dict[str, Any]) -> Kernel:
        return spoken.day(self.keyed("spoken day"))

    def _make_spoken_age(self, column: Column, options: dict[str, Any]) -> Kernel:
        return spoken.age(self.keyed("spoken age"))

    def _make_nation(self, column: Column, options: dict[str, Any]) -> Kernel:
        return spoken.nation(self.keyed("nation"))

    def _make_title(self, column: Column, options: dict[str, Any]) -> Kernel:
        return spoken.title(self.keyed("title"))

    def _make_year(self, column: Column, options: dict[str, Any]) -> Kernel:
        return self._of_dates(column, lambda date: date.replace(month=1, day=1))

    def _of_dates(self, column: Column, move: dates.Move) -> Kernel:
        other = shapes.letters_and_digits(self.keyed("date as text"))
        return dates.of_column(column, move, other)

    def _make_number(self, column: Column, options: dict[str, Any]) -> Kernel:
        percent, keyed = options.get("percent", 10), self.keyed("number")
        kind = column.base_type.removeprefix("_")
        if kind not in TEXTS | NUMBERS:  # a range, or a duration: its numbers would stay
            raise InvalidInput(f"{column.name} is {column.type}: no number", hint="Use null.")
        is_text = kind in TEXTS or kind == "money"  # written with its currency
        other = shapes.letters_and_digits(self.keyed("number as text"))

        def noisy(value: str) -> str:
            try:
                number = float(value)
            except ValueError:  # one with a currency, or as another country writes it
                return other(value) if is_text else value  # an infinity of Postgres' own
            if number != number or number in (float("inf"), float("-inf")):
                return value
            share = keyed.number(value) % 20_001 / 10_000 - 1
            made = number * (1 + share * percent / 100)
            decimals = len(value.partition(".")[2])
            return f"{made:.{decimals}f}" if decimals else str(round(made))

        return noisy


_CONSTANTS = frozenset({"null", "empty", "binary", "constant"})
_COMPANY_FORMS = frozenset(
    {"ag", "bv", "co", "corp", "gmbh", "inc", "kg", "llc", "ltd", "plc", "sa", "sarl", "spa", "srl"}
)
_TRADES = ("Books", "Foods", "Glass", "Iron", "Mills", "Paper", "Textiles", "Tools", "Works")


def _fitted(kernel: Kernel, column: Column, keyed: Keyed) -> Kernel:
    """Keep pseudonyms within a column's length, and never the original itself."""
    length = column.max_length

    def run(value: str) -> str | None:
        if not value.strip():
            return value
        made = kernel(value)
        if made is None or length is None or len(made) <= length:
            return made
        if not column.is_unique:
            return made[:length]
        bits = length * 5
        if bits < 40:
            raise InvalidInput(f"{length} characters are too few for pseudonyms that differ")
        return tag(keyed.number(fold(value)), min(length, 25))

    return run
