"""The comments of an environment in the console: read by page, answered, resolved."""

from __future__ import annotations

import pytest

from greenroom.store import comments, environments
from greenroom.store.comments import Author, Pin
from greenroom.store.work import unit_of_work
from tests.ui.conftest import HOSTILE
from ui import comment_acts

pytestmark = [pytest.mark.ui, pytest.mark.needs_postgres]
REFERENCE = "shop/fix-tax"
ANCHOR = {"tag": "h1", "attributes": {}, "text": f"Prices {HOSTILE}", "path": "h1:1"}


def say(page: str, text: str) -> None:
    with unit_of_work() as work:
        found = environments.get_environment(work, REFERENCE)
        pin = Pin(page, f"Shop {HOSTILE}", ANCHOR, 390, 844, "Safari on iPhone")
        comments.add_thread(work, found, pin, text, Author(f"Anna {HOSTILE}"))


def press(test, label, at=0):
    [b for b in test.button if b.label == label][at].click()
    return test.run()


def words(test):
    return " ".join(str(part.proto.body) for part in test.get("html"))


def test_nobody_has_commented(seeded, open_page, shown):
    text = shown(open_page("environment", env=REFERENCE, part="comments"))
    assert "Nobody has commented yet" in text


def test_threads_are_read_by_page_answered_and_resolved(seeded, open_page, shown):
    say("/shop", f"too small {HOSTILE}")
    say("/", "too long")
    test = open_page("environment", env=REFERENCE, part="comments")
    text = words(test)
    assert "<img" not in text
    assert text.index("too long") < text.index("too small")
    assert "390 px wide" in shown(test)
    test.text_input[0].input("we shorten it")
    text = words(press(test, "Answer"))
    assert "we shorten it" in text
    assert "admin" in text
    test = press(test, "Resolve")
    assert "too long" not in words(test)
    test.toggle[0].set_value(True)
    test = test.run()
    assert "too long" in words(test)
    press(test, "Open again")
    assert [row.state for row in comment_acts.threads(REFERENCE)] == ["open", "open"]


def test_an_empty_answer_is_refused(seeded, open_page, shown):
    say("/", "x")
    test = open_page("environment", env=REFERENCE, part="comments")
    assert "a comment has 1 to" in shown(press(test, "Answer")).lower()
