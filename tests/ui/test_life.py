"""An environment's life in the console."""

from __future__ import annotations

import pytest

from greenroom.store import environments
from greenroom.store.models import now
from greenroom.store.work import unit_of_work

pytestmark = [pytest.mark.ui, pytest.mark.needs_postgres]
REFERENCE = "shop/fix-tax"


def test_production_neither_sleeps_nor_ends(seeded, open_page, shown):
    text = shown(open_page("environment", env="shop/production", part="life"))
    assert "Production never sleeps." in text
    assert "Production has no end." in text


def test_an_environment_is_kept_and_given_a_domain(seeded, open_page, shown):
    with unit_of_work() as work:
        environments.get_environment(work, REFERENCE).expires_at = now()
    test = open_page("environment", env=REFERENCE, part="life")
    assert "It goes by itself on" in shown(test)
    assert "paused after 10 minutes and stopped after 2 hours" in shown(test)
    next(b for b in test.button if b.label == "Keep it").click()
    test = test.run()
    with unit_of_work() as work:
        assert environments.get_environment(work, REFERENCE).expires_at > now()
    next(t for t in test.text_input if t.label == "Add a domain").input("www.customer.example")
    next(b for b in test.button if b.label == "Add").click()
    text = shown(test.run())
    assert "_greenroom.www.customer.example" in text
    assert "not verified yet" in text


def test_a_strangers_commit_is_asked_about(seeded, open_page, shown):
    with unit_of_work() as work:
        environments.get_environment(work, REFERENCE).from_fork = True
    test = open_page("environment", env=REFERENCE, part="life")
    assert "stranger" in shown(test)
    assert "Look up its commit" in {b.label for b in test.button}
