"""What a column's values say of it, by their shapes. Pure; no value leaves this file."""

from __future__ import annotations

import ipaddress
import re
import statistics
from collections.abc import Callable, Sequence

import phonenumbers

from greenroom.data import lexicon
from greenroom.data.hints import Vote

ENOUGH = 0.6
"""Share of the values that must have a shape."""
LONGEST_LINE = 120
"""Characters of a name or an address."""
_EMAIL = re.compile(r"[^@\s<>\"]+@[^@\s<>\"]+\.[^@\s<>\".]{2,}")
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_MAC = re.compile(r"(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}", re.IGNORECASE)
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
_CARD = re.compile(r"\d{13,19}")
_SSN = re.compile(r"\d{3}-\d{2}-\d{4}|\d{3}\.\d{3}\.\d{3}-\d{2}")
_HASH = re.compile(
    r"\$(?:2[abxy]|argon2\w*|pbkdf2\S*|scrypt|[156])\$\S+|pbkdf2_\w+\$\S+|\{\w+\}\S{20,}"
)
_OPAQUE = re.compile(r"(?=\S*\d)(?=\S*[A-Za-z])[A-Za-z0-9_+/=-]{24,}|eyJ[\w-]+\.[\w-]+\.[\w-]+")
_PHONE = re.compile(
    r"(?:\+\d[\d ()./-]{6,18}|\(?\d{2,5}\)?[ ./-]\d[\d ()./-]{4,14}|\(\d{2,5}\)\d[\d ./-]{4,14}"
    r")(?:(?:x| x| ext\.? ?)\d{1,6})?"
)
_ISO_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d.*)?")
_DOTTED = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}(?:/\d+)?")
_NAME = re.compile(
    r"(?:(?:Mr|Mrs|Ms|Dr|Prof|Herr|Frau|Mme|M|Sr|Sra)\.? )?"
    r"[A-ZÀ-ÖØ-Þ][\w'\u2019-]+(?: [A-ZÀ-ÖØ-Þ]\.)?"
    r"(?: (?:van|von|de|da|del|der|di|la|le|den|ter|zu))*"
    r"(?: [A-ZÀ-ÖØ-Þ][\w'\u2019-]+){1,2}|[A-ZÀ-ÖØ-Þ][\w'\u2019-]+, [A-ZÀ-ÖØ-Þ][\w'\u2019-]+"
)
_ONE_NAME = re.compile(r"[A-ZÀ-ÖØ-ÞĀ-Ž][^\W\d_'\u2019-]+")
_STREET = re.compile(
    r"\d{1,5}[a-z]? [A-ZÀ-Þ][\w.'\u2019-]+(?: [\w.'\u2019-]+){1,4}(?:,? .*)?"
    r"|[A-ZÀ-Þ][\w.'\u2019-]+(?: [\w.'\u2019-]+){0,4},? \d{1,4}(?:[/-]\d{1,4})? ?[a-z]?"
)
_STREET_WORD = re.compile(
    r"\b(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr|court|ct|way|square|place|boulevard|blvd"
    r"|highway|terrace|crescent|row|rue|via|calle|plaza|paseo|chemin|all[ée]e|weg|gasse|platz"
    r"|laan|straat|viale|avenida|apt|suite)\b|stra(?:ß|ss)e\b|str\.|weg\b|gasse\b|platz\b"
    r"|allee\b|ring\b|straat\b|gata?n\b",
    re.IGNORECASE,
)
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/#+-]{0,39}")


def _is_card(text: str) -> bool:
    plain = re.sub(r"[ -]", "", text)
    return bool(_CARD.fullmatch(plain)) and plain[0] in "23456" and _luhn(plain)


def _luhn(digits: str) -> bool:
    """Source: ISO/IEC 7812-1, annex B."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        number = int(digit) * (1 + place % 2)
        total += number - 9 * (number > 9)
    return total % 10 == 0


def _is_iban(text: str) -> bool:
    """Source: ISO 13616-1, modulus 97-10."""
    plain = text.replace(" ", "").upper()
    if not _IBAN.fullmatch(plain):
        return False
    return int("".join(str(int(letter, 36)) for letter in plain[4:] + plain[:4])) % 97 == 1


def _is_ip(text: str) -> bool:
    if ":" not in text and not _DOTTED.fullmatch(text):
        return False
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        return False
    return True


def _is_phone(text: str) -> bool:
    if not _PHONE.fullmatch(text) or _ISO_MOMENT.fullmatch(text) or _DOTTED.fullmatch(text):
        return False
    for region in ("US", "GB", "DE", "FR"):
        try:
            if phonenumbers.is_possible_number(phonenumbers.parse(text, region)):
                return True
        except phonenumbers.NumberParseException:
            continue
    return False


def _is_name(text: str) -> bool:
    return len(text) <= LONGEST_LINE and bool(_NAME.fullmatch(text)) and lexicon.has_name(text)


def _is_street(text: str) -> bool:
    is_short = len(text) <= LONGEST_LINE
    return is_short and bool(_STREET.fullmatch(text)) and bool(_STREET_WORD.search(text))


def _fullmatch(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: pattern.fullmatch(text) is not None


_SHAPES: list[tuple[str, str, Callable[[str], bool], float]] = [
    ("email", "an e-mail address", _fullmatch(_EMAIL), 0.98),
    ("iban", "an IBAN with the right check", _is_iban, 0.98),
    ("card", "a card number with the right check", _is_card, 0.95),
    ("mac", "a hardware address", _fullmatch(_MAC), 0.9),
    ("ip", "a network address", _is_ip, 0.9),
    ("token", "a password's hash", _fullmatch(_HASH), 0.98),
    ("national_id", "a social security number", _fullmatch(_SSN), 0.9),
    ("phone", "a phone number", _is_phone, 0.9),
    ("street", "a street address", _is_street, 0.85),
    ("full_name", "somebody's name", _is_name, 0.7),
]


def by_values(values: Sequence[str]) -> Vote | None:
    """Say what most of the values look like; None when they look like nothing of somebody's."""
    filled = [value.strip() for value in values if value.strip()]
    if len(filled) < 3:
        return None
    for method, what, has_shape, confidence in _SHAPES:
        share = sum(map(has_shape, filled)) / len(filled)
        if share >= ENOUGH and (method != "full_name" or _are_many(filled)):
            return Vote(method, confidence * share, f"{share:.0%} of the values look like {what}")
    return _of_names(filled) if _are_many(filled) else None


def _of_names(filled: Sequence[str]) -> Vote | None:
    """Tell columns of given or family names: single words that start like names and are known."""
    words = [lexicon.fold_name(value) for value in filled if _ONE_NAME.fullmatch(value)]
    given = sum(word in lexicon.given_names() for word in words) / len(filled)
    family = sum(word in lexicon.family_names() for word in words) / len(filled)
    share = max(given, family)
    if share < ENOUGH:
        return None
    method, what = ("first_name", "given") if given >= family else ("last_name", "family")
    return Vote(method, 0.65 * share, f"{share:.0%} of the values are known {what} names")


def _are_many(filled: Sequence[str]) -> bool:
    """Whether the values are as different as people's names are, not a few words repeated."""
    return len(set(filled)) > max(5, len(filled) // 5)


_THINGS: list[tuple[str, re.Pattern[str]]] = [
    ("UUIDs", _UUID),
    (
        "moments as seconds or digits",
        re.compile(r"1\d{9}(?:\d{3})?|(?:19|20)\d{12}|(?:19|20)\d{6}"),
    ),
    ("numbers with a fraction", re.compile(r"-?\d+[.,]\d{1,12}")),
    ("small numbers", re.compile(r"-?\d{1,4}")),
    ("versions", re.compile(r"v?\d+(?:\.\d+){1,2}(?:[-+.]\w+)?")),
    ("numbers after the same letters", re.compile(r"[A-Za-z]{2,6}[-_/#:.](?:\d+[-_/.]?)+")),
]


def of_things(values: Sequence[str]) -> str:
    """Say what all values are that stand for nobody: moments, versions, numbers of orders."""
    filled = [value.strip() for value in values if value.strip()]
    if len(filled) < 3:
        return ""
    for what, pattern in _THINGS:
        if all(pattern.fullmatch(value) for value in filled):
            if what.startswith("numbers after") and len(set(map(_letters, filled))) > 3:
                continue
            return what
    return "numbers of articles with the right check" if all(map(_is_ean, filled)) else ""


def _letters(text: str) -> str:
    return re.sub(r"[^A-Za-z].*", "", text)


def _is_ean(text: str) -> bool:
    """Source: GS1 General Specifications, check digit calculation."""
    if not re.fullmatch(r"\d{8}|\d{12,14}", text):
        return False
    weighed = (int(digit) * (3 - at % 2 * 2) for at, digit in enumerate(reversed(text[:-1])))
    return (sum(weighed) + int(text[-1])) % 10 == 0


def are_counted(values: Sequence[str]) -> bool:
    """Whether all values are numbers or codes with a digit, without a space."""
    filled = [value.strip() for value in values if value.strip()]
    return bool(filled) and all(_CODE.fullmatch(v) and re.search(r"\d", v) for v in filled)


def is_opaque(values: Sequence[str]) -> bool:
    """Whether the values look like keys: long, letters and digits, nearly all different."""
    filled = [value.strip() for value in values if value.strip()]
    if len(filled) < 3 or len(set(filled)) < len(filled) * 0.9:
        return False
    hits = sum(_is_opaque(value) and not _UUID.fullmatch(value) for value in filled)
    return hits / len(filled) >= ENOUGH


def _is_opaque(text: str) -> bool:
    if not _OPAQUE.fullmatch(text):
        return False
    words = [part for part in re.split(r"[-_/.]", text) if part.isalpha() and len(part) < 16]
    return sum(map(len, words)) < len(text) / 3


def are_codes(values: Sequence[str]) -> bool:
    """Whether every value is a code: one short word without space, or one of a few."""
    filled = [value.strip() for value in values if value.strip()]
    if not filled:
        return False
    if all(_CODE.fullmatch(value) for value in filled):
        plain = [value for value in filled if value.isalpha() and value[:1].isupper()]
        return len(set(plain)) <= max(3, len(filled) // 10)  # capitalised words may be names
    return len(filled) >= 50 and len(set(filled)) <= 8 and _typical_length(filled) <= 30


def are_moments(values: Sequence[str]) -> bool:
    """Whether every value is a date or a time."""
    filled = [value.strip() for value in values if value.strip()]
    return bool(filled) and all(_ISO_MOMENT.fullmatch(value) for value in filled)


def _typical_length(filled: Sequence[str]) -> float:
    return statistics.median(map(len, filled))
