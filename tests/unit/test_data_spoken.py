"""Days, ages, nations and titles in texts."""

from __future__ import annotations

import datetime as dt
import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from greenroom.data import spoken
from greenroom.data.permute import Keyed

KEYED = Keyed(bytes(32), "a purpose")
OTHER = Keyed(b"k" * 32, "a purpose")


@given(st.datetimes(timezones=st.just(dt.UTC)).filter(lambda moment: 1900 <= moment.year < 3000))
def test_a_moment_becomes_another_that_is_in_the_calendar(moment: dt.datetime) -> None:
    text = moment.replace(tzinfo=None).isoformat(timespec="seconds")
    made = spoken.day(KEYED)(text)
    assert made != text
    assert dt.datetime.fromisoformat(made)
    assert made == spoken.day(KEYED)(text)


@given(st.dates(dt.date(1900, 1, 1), dt.date(2999, 12, 31)), st.sampled_from(
    ["%d/%m/%Y", "%m/%d/%Y", "%B %d, %Y", "%d %b %y", "%A, %d.%m.%Y", "%a %H:%M"]))  # fmt: skip
def test_it_keeps_how_a_day_is_written(day: dt.date, form: str) -> None:
    assume(day.month != 5)  # it is the same, short and long
    made = spoken.day(KEYED)(day.strftime(form))
    assert time.strptime(made, form)


@pytest.mark.parametrize(
    "text", ["March 1998\u00b9", "May 2004\u00b2", "\u2460 June", "\u00bd", "\u0663"]
)
def test_signs_that_are_digits_in_name_only_break_nothing(text: str) -> None:
    assert isinstance(spoken.day(KEYED)(text), str)


@pytest.mark.parametrize("text", ["yesterday", "Easter", "hier"])
def test_words_that_name_a_day_give_way(text: str) -> None:
    assert spoken.day(KEYED)(text) == spoken.SOME_DAY


@given(st.integers(0, 120))
def test_an_age_stays_in_its_ten_years(years: int) -> None:
    made = int(spoken.age(KEYED)(str(years)))
    assert made != years
    assert made // 10 == years // 10


def test_ages_in_words_and_layouts() -> None:
    assert spoken.age(KEYED)("thirty-four").isdigit()
    assert spoken.age(KEYED)("43 years old").endswith(" years old")


@given(st.sampled_from(["German", "french", "SWISS", "Klingon"]))
def test_another_nation_in_the_same_case(text: str) -> None:
    made = spoken.nation(KEYED)(text)
    assert made.lower() != text.lower()
    assert (made.isupper(), made.islower()) == (text.isupper(), text.islower())


def test_a_title_is_anybodys_and_keys_differ() -> None:
    titles = ["Mr.", "Mrs", "DR.", "miss"]
    assert [spoken.title(KEYED)(one) for one in titles] == ["Mx.", "Mx", "MX.", "mx"]
    days = [f"March {number}, 1998" for number in range(1, 28)]
    assert list(map(spoken.day(KEYED), days)) != list(map(spoken.day(OTHER), days))
