"""Texts as people write them to a shop, invented: some with somebody in them, some without."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from faker import Faker

LOCALES = ("en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL")
_NOBODY = (
    "The parcel was late and the box was open on one side when it came.",
    "Please tell me when the blue one is in stock again, I need two of them.",
    "It worked until yesterday, then the page stayed white after the second step.",
    "I have tried it on another machine and with another browser, without success.",
    "The invoice shows the wrong tax rate and the total is not what was agreed.",
    "Could you check whether the refund for the last order went out?",
    "Thank you for the quick answer, that solved it for us.",
    "We would like to order more of these, is there a discount for larger amounts?",
    "The manual says to press the button for three seconds, but nothing happens.",
    "After the update the export is empty and the log only says that it is done.",
)
_FACTS = (
    "Order ORD-2026-{n6} of 2026-0{d}-1{d} is still open.", "Error 50{d} at 10:1{d}:42, id {n8}.",
    "It costs {d}9.90 instead of {d}4.50.", "Version 4.1{d}.0 on build {n8}.",
    "Tracking says {n8} since 2026-1{d2}-0{d}.", "Article {n6} in size {d}2, see /p/{n6}.",
)  # fmt: skip


class Talk:
    """Makes texts of one seed."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.fakes = [Faker(locale) for locale in LOCALES]
        for fake in self.fakes:
            fake.seed_instance(seed)

    def _somebody(self) -> str:
        fake, dice = self.dice.choice(self.fakes), self.dice
        kinds: list[tuple[str, Callable[[], str]]] = [
            ("Write to {}.", fake.email), ("You can reach me at {}", fake.email),
            ("Call {} after noon.", fake.phone_number), ("My number is {}.", fake.phone_number),
            ("Regards, {}", fake.name), ("{} told me to ask you.", fake.name),
            ("I paid with {}.", fake.credit_card_number), ("The account is {}.", fake.iban),
            ("It came from {}.", fake.ipv4_public), ("Send it to {}.", fake.street_address),
        ]  # fmt: skip
        frame, make = dice.choice(kinds)
        return frame.format(make())

    def _fact(self) -> str:
        dice = self.dice
        return dice.choice(_FACTS).format(
            n6=dice.randint(100_000, 999_999), n8=dice.randint(10**7, 10**8), d=dice.randint(1, 9),
            d2=dice.randint(0, 2),
        )  # fmt: skip

    def text(self, people: int) -> str:
        """Give a text of about 300 characters with some people's data in it."""
        parts = self.dice.sample(_NOBODY, 3)
        if self.dice.random() < 0.5:
            parts[1] = self._fact()
        for _ in range(people):
            parts.insert(self.dice.randint(1, len(parts)), self._somebody())
        return " ".join(parts)

    def texts(self, count: int, share: float) -> Iterator[str]:
        """Give texts of which a share has somebody in it, one to three times."""
        for _ in range(count):
            yield self.text(self.dice.randint(1, 3) if self.dice.random() < share else 0)
