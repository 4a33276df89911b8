"""Options of a policy's methods: which there are, and what they take."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from greenroom.errors import InvalidInput

_WORDS = {"true": True, "false": False}


@dataclass(frozen=True)
class Option:
    """What an option takes, in words, by the types of its values, and by a range of numbers."""

    words: str
    kinds: tuple[type, ...]
    least: float = -math.inf
    most: float = math.inf

    def takes(self, value: object) -> bool:
        """Whether it takes a value."""
        if type(value) not in self.kinds:  # in Python, true is a number, too
            return False
        return not isinstance(value, int | float) or self.least <= value <= self.most

    def read(self, text: str) -> Any:
        """Give what a text means here; the text itself where that is nothing it takes."""
        if str in self.kinds:
            return text
        if bool in self.kinds:
            return _WORDS.get(text.lower(), text)
        for kind in self.kinds:
            try:
                return kind(text)
            except ValueError:
                continue
        return text


OPTIONS: Mapping[str, Mapping[str, Option]] = {
    "constant": {"value": Option("a text or a number", (str, int, float, bool))},
    "postcode": {
        "keep": Option("a whole number, 0 to 5", (int,), 0, 5),
        "generalise": Option("true or false", (bool,)),
    },
    "number": {"percent": Option("a number, 0.01 to 100", (int, float), 0.01, 100)},
    "coordinates": {"decimals": Option("a whole number, 0 to 3", (int,), 0, 3)},
}
"""By method. What is not here takes none."""


def check_options(method: str, options: Mapping[str, object]) -> None:
    """Refuse options that a method does not know, and values that they do not take.

    Errors: InvalidInput.
    """
    known = OPTIONS.get(method, {})
    hint = "; ".join(f"{name}: {option.words}" for name, option in known.items())
    for name, value in options.items():
        if name not in known:
            raise InvalidInput(
                f"{method} has no option {name[:40]!r}",
                hint=f"It has {hint}." if known else f"{method} takes no options.",
            )
        if not known[name].takes(value):
            raise InvalidInput(f"{name} of {method} is {str(value)[:40]!r}", hint=f"{hint}.")


def read_options(method: str, texts: Mapping[str, str]) -> dict[str, Any]:
    """Give options that are written as texts, for instance on a command line, by their kinds."""
    known = OPTIONS.get(method, {})
    return {name: known[name].read(text) if name in known else text for name, text in texts.items()}
