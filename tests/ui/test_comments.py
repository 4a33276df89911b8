"""The comments of an environment in the console: read by page, answered, resolved."""

from __future__ import annotations

import pytest

from greenroom.store import comments, environments
from greenroom.store.comments import Author, Pin
from greenroom.store.work import unit_of_work
from tests.ui.conftest import HOSTILE
from ui import comment_acts, tracker_acts

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


def test_a_thread_becomes_an_issue_or_says_why_not(seeded, open_page, shown):
    say("/", "too long")
    assert "Make an issue" not in [b.label for b in page_of(open_page).button]
    tracker_acts.save("shop", "jira", "SHOP", "http://127.0.0.1:9", "a:b", "click", "admin")
    assert "SHOP" in str(tracker_acts.tracker_of("shop"))
    test = press(page_of(open_page), "Make an issue")
    assert "does not answer" in shown(test)
    assert "a:b" not in shown(test)
    assert "does not answer" in comment_acts.threads(REFERENCE)[0].refused
    tracker_acts.forget("shop", "admin")
    assert tracker_acts.tracker_of("shop") is None


def page_of(open_page):
    return open_page("environment", env=REFERENCE, part="comments")


def test_a_project_names_its_tracker(seeded, open_page, shown):
    test = open_page("projects")
    assert "Issue tracker" in shown(test) or test.get("popover")
    tracker_acts.save("shop", "linear", "SHOP", "", "key", "every", "admin")
    assert "/hooks/issues/linear/shop" in words(open_page("projects"))
    tracker_acts.set_secret("shop", "chosen-by-linear", "admin")
    assert tracker_acts.show_secret("shop", "admin") == "chosen-by-linear"
