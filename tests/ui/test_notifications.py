"""The page of who is told: adding, trying and removing somebody; never where."""

from __future__ import annotations

import pytest

from greenroom.store import notices
from greenroom.store.work import unit_of_work
from ui import notice_acts

pytestmark = [pytest.mark.ui, pytest.mark.needs_postgres]
SECRET = "s3nt1nel-0f-4n-4ddress"


def test_somebody_is_added_shown_tried_and_removed(seeded, open_page, shown):
    page = open_page("notifications")
    assert "Nobody is told of anything" in shown(page)
    name, address, environments = page.text_input
    name.input("team")
    address.input(f"json://x:{SECRET}@127.0.0.1:9/x")
    environments.input("feature-*")
    next(b for b in page.button if b.label == "Add").click()
    text = shown(page.run())
    for word in ("team", "json", "every project", "feature-*", "a deployment failed"):
        assert word in text, word
    assert SECRET not in text
    next(b for b in page.button if b.label == "Send a test").click()
    text = shown(page.run())
    assert "json did not take the message" in text.lower()
    assert SECRET not in text
    next(b for b in page.button if b.label == "Remove").click()
    assert "Nobody is told of anything" in shown(page.run())


def test_what_is_no_address_is_refused_and_not_repeated(seeded, open_page, shown):
    page = open_page("notifications")
    page.text_input[0].input("team")
    page.text_input[1].input(SECRET)
    next(b for b in page.button if b.label == "Add").click()
    text = shown(page.run())
    assert "that is no address of a service" in text.lower()
    assert SECRET not in text


def test_a_hostile_name_is_text(seeded, open_page, shown):
    with unit_of_work() as work:
        notices.add_target(work, "<img src=x>", "json", "json://127.0.0.1:9", actor="ada")
    (row,) = notice_acts.targets()
    assert row.name == "<img src=x>"
    assert "<h3><img" not in shown(open_page("notifications"))
