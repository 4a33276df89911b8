"""What Presidio finds in a column's values: evidence for texts, a net below what would be kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache

from greenroom.data.identities import Identities
from greenroom.data.pseudonyms import Pseudonyms
from greenroom.data.text import TextMasker

TEXTS, LETTERS = 60, 600
"""Values that are scanned, and characters of each: Presidio takes a millisecond for 300."""
WORDS = {
    "PERSON": "names", "EMAIL_ADDRESS": "e-mail addresses", "PHONE_NUMBER": "phone numbers",
    "USERNAME": "names of users", "ADDRESS": "addresses", "LOCATION": "places",
    "ORGANIZATION": "companies", "IBAN_CODE": "IBANs", "CREDIT_CARD": "card numbers",
    "IP_ADDRESS": "network addresses", "MAC_ADDRESS": "hardware addresses",
    "US_SSN": "social security numbers", "CRYPTO": "wallets", "URL": "addresses of pages",
    "NATIONAL_ID": "numbers that stand for somebody",
}  # fmt: skip


def scan(values: Sequence[str], context: str) -> dict[str, float]:
    """Give the share of the values in which each kind of thing is found, by its name in words."""
    texts = [value[:LETTERS] for value in values if value.strip()][:TEXTS]
    seen: Counter[str] = Counter()
    for text in texts:
        _, found = _masker().mask(text, context)
        seen.update({WORDS.get(finding.kind, finding.kind.lower()) for finding in found})
    return {what: count / len(texts) for what, count in seen.most_common()}


@cache
def _masker() -> TextMasker:
    return TextMasker(Pseudonyms(bytes(32)), Identities())
