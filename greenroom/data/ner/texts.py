"""Texts to train on, made up: our templates, names of Faker's lists, and invented ones."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from pydoc_data.topics import topics

from greenroom.data.lexicon import family_names, given_names
from greenroom.data.ner import lists

TEMPLATES = Path(__file__).with_name("templates.txt")
LETTERS_OF_PAST = 3
"""Letters by which invented names go on as real ones do."""
INVENTED, PROSE = 0.25, 0.15
"""Shares of names that no list has, and of texts that are a manual's."""
_SLOT = re.compile(r"\{(\w+)\}")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_STREETS = (
    "Street", "St", "St.", "Road", "Rd", "Avenue", "Ave", "Ave.", "Lane", "Drive", "Dr", "Court",
    "Square", "Boulevard", "Blvd", "Terrace", "Way", "Place", "Close", "Crescent", "Row", "Alley",
    "Parkway", "Highway", "Gardens", "Grove", "Mews", "Hill", "Circle", "Trail",
)  # fmt: skip
_FORMS = (
    "Inc", "Inc.", "Ltd", "Ltd.", "LLC", "PLC", "GmbH", "AG", "Corp", "Corporation", "Group",
    "Company", "Holdings", "S.A.", "BV", "& Co", "& Sons", "and Sons", "Partners", "Associates",
    "Industries", "Solutions", "Systems", "Services", "Consulting", "Bank", "Insurance",
    "University", "Hospital", "Foundation", "Foods", "Motors", "Airlines", "Media", "Labs",
)  # fmt: skip
_TITLES = ("Mr.", "Mrs.", "Ms.", "Miss", "Dr.", "Mr", "Mrs", "Ms", "Dr", "Prof.", "Professor")

_STATES = (
    "AL", "AZ", "CA", "CO", "CT", "FL", "GA", "IA", "IL", "IN", "KS", "KY", "LA", "MA", "MD", "MI",
    "MN", "MO", "NC", "NJ", "NM", "NV", "NY", "OH", "OK", "OR", "PA", "SC", "TN", "TX", "UT", "VA",
    "WA", "WI", "NSW", "VIC", "QLD", "ON", "BC", "QC",
)  # fmt: skip
"""States and provinces of North America, as mail is addressed there."""

Part = tuple[str, str]
"""A piece of text, and what it is: a kind, or nothing."""


def _sentences(prose: str) -> list[str]:
    """Give the sentences of a manual: nobody is in them."""
    paragraphs = (" ".join(paragraph.split()) for paragraph in prose.split("\n\n"))
    return [
        sentence[:300]
        for paragraph in paragraphs
        for sentence in re.split(r"(?<=[.:])\s+(?=[A-Z])", paragraph)
        if sentence
    ]


def _read(path: Path) -> list[str]:
    lines = path.read_text().splitlines()
    return [line.replace("\\n", "\n") for line in lines if line and not line.startswith("#")]


class _Inventor:
    """Invents words that go on as those of a list do."""

    def __init__(self, words: Sequence[str]) -> None:
        self._next: dict[str, list[str]] = defaultdict(list)
        for word in words:
            padded = "^" * LETTERS_OF_PAST + word + "$"
            for at in range(LETTERS_OF_PAST, len(padded)):
                self._next[padded[at - LETTERS_OF_PAST : at]].append(padded[at])

    def word(self, dice: random.Random) -> str:
        made = "^" * LETTERS_OF_PAST
        while len(made) < 20:
            letter = dice.choice(self._next[made[-LETTERS_OF_PAST:]])
            if letter == "$":
                break
            made += letter
        return made[LETTERS_OF_PAST:]


class Texts:
    """Makes texts of one seed; ``words`` are words of the language, the commonest first."""

    def __init__(self, seed: int, words: Sequence[str]) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - the same texts each time
        self._words = words
        self._given, self._family = _latin(given_names()), _latin(family_names())
        self._cities = [city for city in lists.cities() if len(city) > 2]
        self._common_cities = list(lists.MORE_CITIES)
        self._countries = list(lists.countries())
        self._nations = sorted(nation.title() for nation in lists.NATIONS)
        self._new_given, self._new_family = _Inventor(self._given), _Inventor(self._family)
        self._new_city = _Inventor([city.lower() for city in self._cities if " " not in city])
        self._templates = _read(TEMPLATES)
        self._prose = _sentences("\n\n".join(topics.values()))
        self._makers: dict[str, Callable[[], list[Part]]] = {
            "person": self._person, "first": lambda: [(self._first(), "PERSON")],
            "last": lambda: [(self._last(), "PERSON")], "address": self._address,
            "street": lambda: [(self._street(), "ADDRESS")],
            "city": lambda: [(self._city(), "LOCATION")],
            "country": lambda: [(self.dice.choice(self._countries), "LOCATION")],
            "org": lambda: [(self._org(), "ORGANIZATION")],
            "date": lambda: [(self._date(), "DATE_TIME")],
            "month": lambda: [(self.dice.choice(_MONTHS), "DATE_TIME")],
            "weekday": lambda: [(self.dice.choice(_DAYS), "DATE_TIME")],
            "year": lambda: [(str(self.dice.randint(1940, 2026)), "DATE_TIME")],
            "time": lambda: [(self._time(), "DATE_TIME")],
            "age": lambda: [(str(self.dice.randint(1, 99)), "AGE")],
            "nrp": lambda: [(self.dice.choice(self._nations), "NATIONALITY")],
            "title": lambda: [(self.dice.choice(_TITLES), "TITLE")],
            "word": lambda: [(self._word(), "")], "Word": lambda: [(self._word().title(), "")],
            "words": lambda: [(self._some_words(), "")],
            "Words": lambda: [(self._some_words().capitalize(), "")],
            **{name: self._plain(name) for name in _PLAIN},
            "zip": lambda: [(self._zip(), "ADDRESS")],
        }  # fmt: skip

    def text(self) -> list[Part]:
        """Give one text of one to three sentences."""
        if self.dice.random() < PROSE:
            return [(self.dice.choice(self._prose), "")]
        parts: list[Part] = []
        for number in range(self.dice.choice((1, 1, 1, 2, 2, 3))):
            if number:
                parts.append((self.dice.choice((" ", " ", " ", "\n", "\n\n")), ""))
            parts += self._fill(self.dice.choice(self._templates))
        roll = self.dice.random()
        if roll < 0.03:
            return [(text.lower(), kind) for text, kind in parts]
        return [(text.upper(), kind) for text, kind in parts] if roll < 0.07 else parts

    def _fill(self, template: str) -> list[Part]:
        parts: list[Part] = []
        is_odd = self.dice.random() < 0.6
        for number, piece in enumerate(_SLOT.split(template)):
            if number % 2:
                parts += self._makers[piece]()
            elif piece:
                parts.append((self._with_others(piece) if is_odd else piece, ""))
        return parts

    def _with_others(self, piece: str) -> str:
        """Put other words in the place of some, so that no phrase of ours is a sign."""
        return re.sub(
            r"\b[a-z]{3,}\b",
            lambda found: self._word() if self.dice.random() < 0.13 else found[0], piece,
        )  # fmt: skip

    def _word(self) -> str:
        # Common words are met more often than rare ones.
        return self._words[int(len(self._words) * self.dice.random() ** 2)]

    def _some_words(self) -> str:
        words = [self._word() for _ in range(self.dice.randint(2, 12))]
        if self.dice.random() < 0.15:
            at = self.dice.randrange(len(words))
            words[at] = words[at].title()
        return " ".join(words)

    def _first(self) -> str:
        if self.dice.random() < INVENTED:
            return _name(self._new_given.word(self.dice))
        name = _name(self.dice.choice(self._given))
        return f"{name}-{_name(self.dice.choice(self._given))}" if self._rarely(0.03) else name

    def _last(self) -> str:
        roll = self.dice.random()
        name = _name(
            self._new_family.word(self.dice) if roll < INVENTED else self.dice.choice(self._family)
        )
        if self._rarely(0.06):
            particle = self.dice.choice(
                ("van ", "von ", "de ", "van der ", "di ", "Mc", "O'", "la ")
            )
            return particle + name
        return f"{name}-{_name(self.dice.choice(self._family))}" if self._rarely(0.05) else name

    def _rarely(self, share: float) -> bool:
        return self.dice.random() < share

    def _person(self) -> list[Part]:
        roll, first, last = self.dice.random(), self._first(), self._last()
        initial = self.dice.choice("ABCDEFGHJKLMNPRSTW")
        if roll < 0.62:
            made = f"{first} {last}"
        elif roll < 0.74:
            made = f"{first} {initial}. {last}"
        elif roll < 0.78:
            made = f"{first} {initial} {last}"
        elif roll < 0.84:
            made = f"{initial}. {last}"
        elif roll < 0.89:
            made = f"{first} {self._first()} {last}"
        elif roll < 0.93:
            made = first
        elif roll < 0.95:
            made = f"{last}, {first}"
        elif roll < 0.97:
            made = f"{first} {last} {self.dice.choice(('Jr.', 'Sr.', 'III', 'II'))}"
        else:
            return [(self.dice.choice(_TITLES), "TITLE"), (" ", ""), (f"{first} {last}", "PERSON")]
        return [(made.upper() if self._rarely(0.03) else made, "PERSON")]

    def _city(self) -> str:
        roll = self.dice.random()
        if roll < INVENTED:
            return _name(self._new_city.word(self.dice))
        if roll < 0.35:
            tail = self.dice.choice(("ville", "ton", "burgh", "port", "mouth", "field", "ford"))
            return _name(self.dice.choice(self._family)) + tail
        if roll < 0.43:
            head = self.dice.choice(("New ", "Port ", "East ", "West ", "North ", "Lake ", "San "))
            return head + _name(self.dice.choice(self._family))
        return self.dice.choice(self._common_cities if roll < 0.65 else self._cities)

    def _street(self) -> str:
        roll, dice = self.dice.random(), self.dice
        name = dice.choice((self._last, self._last, self._first, lambda: self._word().title()))()
        if roll < 0.7:
            return f"{name} {dice.choice(_STREETS)}"
        if roll < 0.78:
            return f"{name}{dice.choice(('straße', 'strasse', 'weg', 'gasse', 'platz', 'straat'))}"
        if roll < 0.86:
            return f"{dice.choice(('rue', 'Rue de', 'Via', 'Calle', 'Avenida', 'Piazza'))} {name}"
        if roll < 0.93:
            return f"{name} {_name(dice.choice(self._family))} {dice.choice(_STREETS)}"
        return f"{dice.randint(1, 99)}th {dice.choice(_STREETS)}"

    def _address(self) -> list[Part]:
        dice, number = self.dice, str(self.dice.randint(1, 9999))
        gap = dice.choice((", ", ", ", "\n", " "))
        street = self._street()
        made = f"{street} {number}" if dice.random() < 0.2 else f"{number} {street}"
        if dice.random() < 0.25:
            kind = dice.choice(("Apt.", "Apt", "Suite", "Unit", "Flat", "Floor", "#"))
            made += f"{dice.choice((' ', ', '))}{kind} {dice.randint(1, 999)}"
        if dice.random() < 0.04:
            made = f"{dice.choice(('PO Box', 'P.O. Box'))} {number}"
        roll, code = dice.random(), f"{dice.randint(1000, 99999):05d}"
        city = self._city()
        if roll < 0.25:
            made += f"{gap}{city}"
        elif roll < 0.4:
            made += f"{gap}{code} {city}"
        elif roll < 0.65:
            state = dice.choice(self._countries) if dice.random() < 0.3 else _state(dice)
            made += f"{gap}{city}{dice.choice((', ', ' '))}{state} {code}"
        if roll < 0.65 and dice.random() < 0.25:
            made += f"{gap}{dice.choice(self._countries)}"
        return [(made, "ADDRESS")]

    def _zip(self) -> str:
        digits, letters = f"{self.dice.randint(1000, 99999):05d}", self.dice.choice("ABCDEFGHKLM")
        return self.dice.choice(
            (
                digits,
                digits,
                f"{digits}-{digits[:4]}",
                f"{letters}{digits[0]} {digits[1]}{letters}{letters}",
            )
        )

    def _org(self) -> str:
        roll, dice = self.dice.random(), self.dice
        name = self._last() if dice.random() < 0.6 else self._word().title()
        if roll < 0.4:
            return f"{name} {dice.choice(_FORMS)}"
        if roll < 0.55:
            return f"{name}, {self._last()} and {self._last()}"
        if roll < 0.65:
            return f"{name}-{self._last()}"
        if roll < 0.8:
            return f"{name} {self._word().title()} {dice.choice(_FORMS)}"
        if roll < 0.9:
            return f"{self._city()} {dice.choice(_FORMS)}"
        return "".join(dice.choice("ABCDEFGHIKLMNOPRSTUVW") for _ in range(dice.randint(2, 4)))

    def _date(self) -> str:
        dice = self.dice
        day, number, year = dice.randint(1, 28), dice.randint(1, 12), dice.randint(1940, 2026)
        month = _MONTHS[number - 1]
        return dice.choice((
            f"{day} {month} {year}", f"{month} {day}, {year}", f"{month} {day}", f"{day}. {month}",
            f"{year}-{number:02}-{day:02}", f"{number}/{day}/{year}", f"{day}.{number}.{year}",
            f"{month[:3]} {day}", f"{day}th of {month}", f"{dice.choice(_DAYS)}, {month} {day}",
        ))  # fmt: skip

    def _time(self) -> str:
        hour, minute = self.dice.randint(1, 23), self.dice.randint(0, 59)
        return self.dice.choice((f"{hour}:{minute:02}", f"{hour % 12 + 1} pm", f"{hour}h"))

    def _plain(self, name: str) -> Callable[[], list[Part]]:
        def make() -> list[Part]:
            form = self.dice.choice(_PLAIN[name])
            digits = re.sub("#", lambda _: str(self.dice.randint(0, 9)), form)
            made = re.sub("%", lambda _: self._word().replace("'", ""), digits)
            made = re.sub("=", lambda _: self.dice.choice(self._given), made)
            return [(made, _LABELLED.get(name, ""))]

        return make


_PLAIN = {
    "id": ("#######", "ORD-####-######", "A######", "##-####", "%-####", "INV#####"),
    "number": ("#", "##", "###", "####", "####"), "price": ("$##.##", "## EUR", "€#.##", "£###"),
    "phone": (
        "+49 ## #######", "(###) ###-####", "###-###-####", "0## #### ####", "##########",
        "+## ### ######", "+1-###-###-####x###", "001-###-###-####", "###.###.####",
        "(0##) ########",
        "0### ## ## ##", "## ## ## ## ##", "+##(0)#########", "##-###-####", "### ### ###",
    ),
    "email": ("=.%@%.com", "=@%.org", "%##@example.com"), "url": (
        "https://%.com/%", "www.%.org", "%.com", "%.net", "https://www.%.de/", "%.io", "%%.org",
    ),
    "ip": ("10.##.#.###",), "user": ("=##", "%_%", "=.%"),
    "card": ("4### #### #### ####", "5###############"), "iban": ("DE## #### #### #### #### ##",),
}  # fmt: skip
"""Forms of what patterns find: ``#`` is a digit, ``%`` a word, ``=`` a given name."""


_LABELLED = {"phone": "PHONE_NUMBER", "url": "URL"}


def _latin(names: frozenset[str]) -> list[str]:
    return sorted(name for name in names if name.isascii())


def _name(word: str) -> str:
    return word[:1].upper() + word[1:]


def _state(dice: random.Random) -> str:
    return str(dice.choice(_STATES))
