"""The links of an environment: made, shown once, extended, taken back."""

from __future__ import annotations

import pytest

from greenroom import previews
from greenroom.store import environments, links
from greenroom.store.work import unit_of_work
from ui import share_acts

pytestmark = [pytest.mark.ui, pytest.mark.needs_postgres]
REFERENCE = "shop/fix-tax"


def press(test, label):
    next(b for b in test.button if b.label == label).click()
    return test.run()


def test_a_link_is_made_shown_once_extended_and_taken_back(seeded, open_page, shown):
    test = open_page("environment", env=REFERENCE, part="share")
    assert "Nobody has a link yet" in shown(test)
    by_label = {field.label: field for field in test.text_input}
    by_label["For whom"].input("Anna <b>Weber</b>")
    by_label["Password"].input("sentinel-of-a-password")
    by_label["Only these pages"].input("/ /shop/*")
    test.checkbox[1].check()
    test = press(test, "Make the link")
    (code,) = [c.value for c in test.code if previews.LINK in c.value]
    assert code.startswith("http")
    text = shown(test)
    assert "Link for Anna &lt;b&gt;Weber&lt;/b&gt;" in text
    assert "look, comment, approve" in text
    assert "sentinel-of-a-password" not in text
    test = press(test, "I have it")
    assert code not in shown(test)
    (row,) = share_acts.rows(REFERENCE)
    assert (row.state, row.pages, row.has_password) == ("open", ("/", "/shop/*"), True)
    until = row.expires_at
    test = press(test, "Two weeks more")
    assert share_acts.rows(REFERENCE)[0].expires_at > until
    test = press(test, "Take back")
    assert share_acts.rows(REFERENCE)[0].state == "revoked"
    assert not [b for b in test.button if b.label == "Take back"]


def test_a_link_for_nobody_is_refused_with_a_hint(seeded, open_page, shown):
    test = open_page("environment", env=REFERENCE, part="share")
    text = shown(press(test, "Make the link"))
    assert "Like: Anna Weber" in text
    assert share_acts.rows(REFERENCE) == ()


def test_production_has_no_links(seeded, open_page, shown):
    test = open_page("environment", env="shop/production", part="share")
    assert "open to everybody" in shown(test)


def test_the_openings_of_a_link_are_listed(seeded, open_page, shown):
    with unit_of_work() as work:
        found = environments.get_environment(work, REFERENCE)
        made, _ = links.create_link(work, found, "Anna", by="ada")
        links.record_view(work, made.id, "Safari on iPhone")
    text = shown(open_page("environment", env=REFERENCE, part="share"))
    assert "Safari on iPhone" in text
    assert "1 times" not in text
