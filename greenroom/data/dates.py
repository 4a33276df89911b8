"""Dates that are moved: in columns of dates, and in texts that are written like one. Pure."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

from greenroom.data.hints import MOMENTS, NUMBERS, TEXTS
from greenroom.data.permute import Keyed
from greenroom.data.schema import Column
from greenroom.errors import InvalidInput

BAND_YEARS = 5
MOST_SHIFT_DAYS = 180
_DATE = re.compile(r"^(\d{4,6})-(\d\d)-(\d\d)(.*)$")
_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:[\d:.]+)?(?:Z| ?[+-]\d\d:?(?:\d\d)?)?")
"""A text that is a date, or a moment, and nothing else. Source: ISO 8601."""
Move = Callable[[dt.date], dt.date]


def shift(keyed: Keyed) -> Move:
    """Give what moves each date by the same days."""
    days = keyed.number("") % (2 * MOST_SHIFT_DAYS) - MOST_SHIFT_DAYS or 7
    return lambda date: date + dt.timedelta(days=days)


def within_band(keyed: Keyed) -> Move:
    """Give what moves a date to another day of the same five years."""

    def move(date: dt.date) -> dt.date:
        first = dt.date(date.year - date.year % BAND_YEARS, 1, 1)
        days = (dt.date(min(9999, first.year + BAND_YEARS), 1, 1) - first).days
        return first + dt.timedelta(days=keyed.number(date.isoformat()) % days)

    return move


def of_column(column: Column, move: Move, other: Callable[[str], str]) -> Callable[[str], str]:
    """Give what moves a column's dates; ``other`` masks a text that is written otherwise.

    Errors: InvalidInput for a column of numbers: whatever day they tell would stay.
    """
    kind = column.base_type.removeprefix("_")
    if kind in NUMBERS:
        raise InvalidInput(
            f"{column.name} is {column.type}: it holds no dates", hint="Use digits, or keep."
        )
    if kind not in TEXTS | MOMENTS:  # a range: its dates would stay
        raise InvalidInput(f"{column.name} is {column.type}: no date of its own", hint="Use null.")
    if kind not in TEXTS:
        return lambda value: _moved(value, move) or value  # infinity, or before Christ
    return lambda value: (_moved(value, move) if _ISO.fullmatch(value) else None) or other(value)


def _moved(value: str, move: Move) -> str | None:
    """Move the date at the beginning of a value; None where there is none of ours."""
    found = _DATE.match(value)
    if found is None or value.endswith("BC"):
        return None
    try:
        moved = move(dt.date(int(found[1]), int(found[2]), int(found[3])))
    except (ValueError, OverflowError):
        return None
    return f"{moved.isoformat()}{found[4]}"
